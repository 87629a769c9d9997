//! A broker that is known to the platform, and is never asked anything.

use control::model::{
    BrokerState, Catalog, ListedOffering, ListedPlan, Micros, OfferingFacts, PlanFacts, Secret,
    ServiceBroker, ServiceOffering, ServicePlan, Visibility,
};
use control::store::Store;

/// Writes a broker with one plan, which everybody may have, and gives the guids by kind.
pub(crate) async fn offer(store: &Store) -> [(&'static str, String); 3] {
    let broker = ServiceBroker {
        guid: "broker".to_owned(),
        name: "broker".to_owned(),
        url: "http://127.0.0.1:1".to_owned(),
        username: "u".to_owned(),
        password: Secret("p".to_owned()),
        space_guid: None,
        state: BrokerState::Available,
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    let plan = ListedPlan {
        id: "plan".to_owned(),
        name: "small".to_owned(),
        description: String::new(),
        facts: PlanFacts::default(),
    };
    let offering = ListedOffering {
        id: "offering".to_owned(),
        name: "db".to_owned(),
        description: String::new(),
        facts: OfferingFacts {
            bindable: true,
            plan_updateable: true,
            ..OfferingFacts::default()
        },
        plans: vec![plan],
    };
    let catalog = Catalog {
        offerings: vec![offering],
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_broker(&broker).await.unwrap();
    let fresh = || format!("{:032x}", rand::random::<u128>());
    tx.write_catalog(&broker, &catalog, (Micros(1), fresh))
        .await
        .unwrap();
    let plans: Vec<ServicePlan> = tx.all(Vec::new()).await.unwrap();
    let offerings: Vec<ServiceOffering> = tx.all(Vec::new()).await.unwrap();
    let plan = plans[0].guid.clone();
    tx.show_plan(&plan, Visibility::Public, Micros(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    [
        ("service_brokers", broker.guid),
        ("service_offerings", offerings[0].guid.clone()),
        ("service_plans", plan),
    ]
}
