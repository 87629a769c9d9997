//! What the store promises about brokers, their catalogues, and what they are asked for.

use control::model::{
    BindingKind, BrokerState, Catalog, Change, ListedOffering, ListedPlan, Micros, OfferingFacts,
    Operation, OperationFacts, OperationKind, Phase, PlanFacts, Secret, ServiceBinding,
    ServiceBroker, ServiceInstance, ServiceKind, ServiceOffering, ServiceOperation, ServicePlan,
    Visibility,
};
use control::store::{Filter, Space, Store, StoreError};
use serde_json::{Map, Value, json};

use crate::promises::{organization, with_quota};

fn broker(guid: &str) -> ServiceBroker {
    ServiceBroker {
        guid: guid.to_owned(),
        name: format!("name of {guid}"),
        url: "http://broker".to_owned(),
        username: "u".to_owned(),
        password: Secret("p".to_owned()),
        space_guid: None,
        state: BrokerState::Synchronizing,
        created_at: Micros(1),
        updated_at: Micros(1),
    }
}

fn catalog(plans: &[&str]) -> Catalog {
    let plan = |id: &&str| ListedPlan {
        id: (*id).to_owned(),
        name: format!("name of {id}"),
        description: "d".to_owned(),
        facts: PlanFacts {
            free: true,
            maximum_polling_duration: Some(9),
            ..PlanFacts::default()
        },
    };
    Catalog {
        offerings: vec![ListedOffering {
            id: "db".to_owned(),
            name: "db".to_owned(),
            description: "d".to_owned(),
            facts: OfferingFacts {
                bindable: true,
                tags: vec!["sql".to_owned()],
                ..OfferingFacts::default()
            },
            plans: plans.iter().map(plan).collect(),
        }],
    }
}

fn fresh() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("fresh-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn read(store: &Store, plans: &[&str], now: i64) -> Vec<ServicePlan> {
    let mut tx = store.begin().await.unwrap();
    tx.write_catalog(&broker("b"), &catalog(plans), (Micros(now), fresh))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut plans: Vec<ServicePlan> = store.all(Vec::new()).await.unwrap();
    plans.sort_by(|a, b| a.catalog_id.cmp(&b.catalog_id));
    plans
}

/// A store with a space and a broker.
async fn prepare(store: &Store) {
    let mut tx = with_quota(store).await;
    tx.insert_organization(&organization("a")).await.unwrap();
    tx.insert_space(&Space {
        guid: "s".to_owned(),
        name: "dev".to_owned(),
        organization_guid: "org-a".to_owned(),
        created_at: Micros(1),
        updated_at: Micros(1),
    })
    .await
    .unwrap();
    tx.insert_broker(&broker("b")).await.unwrap();
    tx.commit().await.unwrap();
}

fn service(guid: &str, plan: &str) -> ServiceInstance {
    ServiceInstance {
        guid: guid.to_owned(),
        name: guid.to_owned(),
        space_guid: "s".to_owned(),
        kind: ServiceKind::Managed,
        credentials: Map::new(),
        syslog_drain_url: None,
        route_service_url: None,
        tags: vec!["t".to_owned()],
        plan_guid: Some(plan.to_owned()),
        dashboard_url: Some("http://d".to_owned()),
        maintenance_info: Map::from_iter([("version".to_owned(), json!("1.0.0"))]),
        last_operation: Operation::begun("create", Micros(3)),
        created_at: Micros(1),
        updated_at: Micros(2),
    }
}

fn operation(guid: &str, kind: OperationKind, due: i64) -> ServiceOperation {
    ServiceOperation {
        guid: guid.to_owned(),
        kind,
        phase: Phase::Asking,
        broker_guid: "b".to_owned(),
        instance_guid: "i".to_owned(),
        binding_guid: String::new(),
        job_guid: "job".to_owned(),
        facts: OperationFacts {
            user_guid: "u".to_owned(),
            operation: Some("w".to_owned()),
            body: Map::from_iter([("x".to_owned(), Value::Null)]),
            then: Change {
                plan_guid: Some("p".to_owned()),
                maintenance_info: None,
            },
            ..OperationFacts::default()
        },
        tries: 0,
        due_at: Micros(due),
        deadline: Micros(99),
        created_at: Micros(1),
        updated_at: Micros(1),
    }
}

pub(crate) async fn a_catalogue_is_taken_over_and_what_is_in_use_stays(store: Store) {
    prepare(&store).await;
    let first = read(&store, &["large", "small"], 5).await;
    assert_eq!(first.len(), 2);
    assert!(
        first
            .iter()
            .all(|plan| plan.visibility == Visibility::Admin && plan.available)
    );
    let small = first[1].clone();
    assert_eq!(small.facts.maximum_polling_duration, Some(9));
    let mut tx = store.begin().await.unwrap();
    tx.insert_service(&service("i", &small.guid)).await.unwrap();
    tx.show_plan(&small.guid, Visibility::Public, Micros(6))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let second = read(&store, &["other"], 7).await;
    let seen: Vec<_> = second
        .iter()
        .map(|plan| (plan.catalog_id.as_str(), plan.available))
        .collect();
    assert_eq!(seen, [("other", true), ("small", false)]);
    assert_eq!(
        (&second[1].guid, second[1].created_at),
        (&small.guid, Micros(5))
    );
    assert_eq!(second[1].visibility, Visibility::Public);
    let mut tx = store.begin().await.unwrap();
    let refused = tx.delete_broker("b").await;
    assert!(matches!(refused, Err(StoreError::Named)), "{refused:?}");
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.delete_service("i").await.unwrap();
    tx.delete_broker("b").await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        store
            .all::<ServiceOffering>(Vec::new())
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn a_plan_is_shown_to_the_organizations_that_are_named(store: Store) {
    prepare(&store).await;
    let plan = read(&store, &["small"], 5).await.remove(0).guid;
    let mut tx = store.begin().await.unwrap();
    tx.show_plan(&plan, Visibility::Organization, Micros(6))
        .await
        .unwrap();
    for _ in 0..2 {
        tx.show_plan_to(&plan, "org-a").await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.organizations_of_plan(&plan).await.unwrap(), ["org-a"]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.hide_plan_from(&plan, "org-a").await.unwrap(), 1);
    assert_eq!(tx.hide_plan_from(&plan, "org-a").await.unwrap(), 0);
    let refused = tx.show_plan_to(&plan, "nowhere").await;
    assert!(matches!(refused, Err(StoreError::Named)), "{refused:?}");
}

pub(crate) async fn services_and_bindings_come_back_as_they_went(store: Store) {
    prepare(&store).await;
    let plan = read(&store, &["small"], 5).await.remove(0).guid;
    let mut made = service("i", &plan);
    let mut key = ServiceBinding {
        guid: "k".to_owned(),
        kind: BindingKind::Key,
        name: Some("key".to_owned()),
        instance_guid: "i".to_owned(),
        app_guid: None,
        credentials: Map::new(),
        syslog_drain_url: None,
        volume_mounts: Vec::new(),
        last_operation: Operation::begun("create", Micros(4)),
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_service(&made).await.unwrap();
    tx.insert_binding(&key).await.unwrap();
    assert_eq!(tx.hold_service("i").await.unwrap(), Some(made.clone()));
    made.dashboard_url = None;
    made.last_operation = made.last_operation.ended(Ok(()));
    key.volume_mounts = vec![json!({ "driver": "nfs" })];
    key.credentials.insert("uri".to_owned(), json!("x"));
    key.last_operation = key.last_operation.ended(Err("why".to_owned()));
    tx.update_service(&made).await.unwrap();
    tx.update_binding(&key).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.service_instance("i").await.unwrap(), Some(made));
    assert_eq!(store.service_binding("k").await.unwrap(), Some(key));
}

pub(crate) async fn operations_are_due_in_order_and_a_service_waits_for_its_bindings(store: Store) {
    prepare(&store).await;
    let due = async |now| -> Vec<String> {
        let due = store.due_service_operations(Micros(now), 10).await.unwrap();
        due.into_iter().map(|one| one.guid).collect()
    };
    let mut unbind = operation("unbind", OperationKind::Unbind, 20);
    let mut tx = store.begin().await.unwrap();
    for made in [
        operation("gone", OperationKind::Deprovision, 5),
        operation("made", OperationKind::Provision, 10),
        unbind.clone(),
    ] {
        tx.insert_service_operation(&made).await.unwrap();
    }
    assert_eq!(tx.operations_of_job("job").await.unwrap().len(), 3);
    assert_eq!(tx.operations_of_service("i").await.unwrap().len(), 3);
    tx.commit().await.unwrap();
    assert_eq!(due(4).await, Vec::<String>::new());
    assert_eq!(due(15).await, ["made"]);
    assert_eq!(due(25).await, ["made", "unbind"]);
    // What cannot be taken back does not hold a service up for ever.
    for (tries, seen) in [(2, 2), (3, 3)] {
        unbind.phase = Phase::Mending;
        unbind.tries = tries;
        let mut tx = store.begin().await.unwrap();
        assert!(tx.update_service_operation(&unbind).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(due(25).await.len(), seen, "{tries}");
    }
    let by = vec![Filter::equals("t.guid", "unbind")];
    assert_eq!(store.first(by).await.unwrap(), Some(unbind.clone()));
    let mut tx = store.begin().await.unwrap();
    assert!(tx.delete_service_operation("unbind").await.unwrap());
    assert!(!tx.delete_service_operation("unbind").await.unwrap());
    assert!(!tx.update_service_operation(&unbind).await.unwrap());
}
