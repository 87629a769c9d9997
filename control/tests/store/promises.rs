//! What the store promises, whatever the database.

use std::time::Duration;

use control::model::Micros;
use control::store::{
    AuditEvent, Buildpack, Direction, Domain, FeatureFlag, Filter, ListQuery, Order, Organization,
    OrganizationQuota, Party, QuotaLimits, Role, RoleKind, Space, Store, StoreError, Tx, User,
};
use serde_json::json;

pub(crate) use crate::brokers::{
    a_catalogue_is_taken_over_and_what_is_in_use_stays,
    a_plan_is_shown_to_the_organizations_that_are_named,
    operations_are_due_in_order_and_a_service_waits_for_its_bindings,
    services_and_bindings_come_back_as_they_went,
};

const MINUTE: Duration = Duration::from_secs(60);

fn quota(name: &str) -> OrganizationQuota {
    OrganizationQuota {
        guid: format!("quota-{name}"),
        name: name.to_owned(),
        limits: QuotaLimits {
            total_routes: Some(3),
            ..QuotaLimits::default()
        },
        created_at: Micros(1),
        updated_at: Micros(1),
    }
}

pub(crate) fn organization(name: &str) -> Organization {
    Organization {
        guid: format!("org-{name}"),
        name: name.to_owned(),
        suspended: false,
        quota_guid: "quota-q".to_owned(),
        created_at: Micros(1),
        updated_at: Micros(1),
    }
}

fn user(name: &str) -> User {
    User {
        guid: format!("user-{name}"),
        username: name.to_owned(),
        origin: "uaa".to_owned(),
        password_hash: None,
        given_name: "Ada".to_owned(),
        family_name: "ö".to_owned(),
        email: String::new(),
        is_admin: true,
        failed_logins: 0,
        locked_until: None,
        created_at: Micros(1),
        updated_at: Micros(2),
    }
}

pub(crate) async fn with_quota(store: &Store) -> Tx {
    let mut tx = store.begin().await.unwrap();
    tx.write_organization_quota(&quota("q")).await.unwrap();
    tx
}

pub(crate) async fn a_dropped_transaction_leaves_nothing(store: Store) {
    let mut tx = with_quota(&store).await;
    tx.insert_organization(&organization("a")).await.unwrap();
    drop(tx);
    assert_eq!(store.organization("org-a").await.unwrap(), None);
    let mut tx = with_quota(&store).await;
    tx.insert_organization(&organization("a")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.organization("org-a").await.unwrap(),
        Some(organization("a"))
    );
    assert_eq!(store.quota_of("org-a").await.unwrap().total_routes, Some(3));
}

pub(crate) async fn a_name_that_is_taken_is_refused(store: Store) {
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&user("ada")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let mut again = user("ADA");
    again.guid = "other".to_owned();
    let refused = tx.insert_user(&again).await;
    assert!(matches!(refused, Err(StoreError::Taken)), "{refused:?}");
    drop(tx);
    let found = store.user_named("Ada", "uaa").await.unwrap();
    assert_eq!(found, Some(user("ada")));
    let mut tx = with_quota(&store).await;
    let mut other = quota("q");
    other.guid = "quota-other".to_owned();
    let refused = tx.write_organization_quota(&other).await;
    assert!(matches!(refused, Err(StoreError::Taken)), "{refused:?}");
}

pub(crate) async fn what_is_named_stays_while_it_is(store: Store) {
    let mut tx = with_quota(&store).await;
    tx.insert_organization(&organization("a")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.delete_organization_quota("quota-q").await;
    assert!(matches!(refused, Err(StoreError::Named)), "{refused:?}");
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    let mut stray = organization("b");
    stray.quota_guid = "nowhere".to_owned();
    let refused = tx.insert_organization(&stray).await;
    assert!(matches!(refused, Err(StoreError::Named)), "{refused:?}");
}

pub(crate) async fn what_is_in_an_organization_goes_with_it(store: Store) {
    let mut tx = with_quota(&store).await;
    tx.insert_organization(&organization("a")).await.unwrap();
    tx.insert_user(&user("ada")).await.unwrap();
    let space = Space {
        guid: "space".to_owned(),
        name: "dev".to_owned(),
        organization_guid: "org-a".to_owned(),
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    tx.insert_space(&space).await.unwrap();
    let role = Role {
        guid: "role".to_owned(),
        kind: RoleKind::SpaceDeveloper,
        user_guid: "user-ada".to_owned(),
        organization_guid: String::new(),
        space_guid: "space".to_owned(),
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    tx.insert_role(&role).await.unwrap();
    let domain = Domain {
        guid: "domain".to_owned(),
        name: "a.example.com".to_owned(),
        internal: false,
        organization_guid: Some("org-a".to_owned()),
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    tx.insert_domain(&domain).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.roles_of("user-ada").await.unwrap(), [role]);
    assert_eq!(store.usage_of("org-a").await.unwrap().instances, 0);
    let mut tx = store.begin().await.unwrap();
    tx.delete_organization("org-a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.space("space").await.unwrap(), None);
    assert_eq!(store.domain("domain").await.unwrap(), None);
    assert!(store.roles_of("user-ada").await.unwrap().is_empty());
    assert!(store.user("user-ada").await.unwrap().is_some());
}

pub(crate) async fn lists_are_counted_paged_and_sorted(store: Store) {
    let mut tx = with_quota(&store).await;
    for name in ["c", "a", "d", "b"] {
        tx.insert_organization(&organization(name)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let by_name = |direction, filters| ListQuery {
        page: 2,
        per_page: 2,
        order: Order {
            column: "t.name",
            direction,
        },
        filters,
    };
    let names =
        |items: &[Organization]| items.iter().map(|one| one.name.clone()).collect::<String>();
    let page = store
        .page::<Organization>(&by_name(Direction::Ascending, Vec::new()))
        .await
        .unwrap();
    assert_eq!((names(&page.items), page.total), ("cd".to_owned(), 4));
    let some = vec![Filter::within("t.name", ["a", "b", "d", "x'y"])];
    let page = store
        .page::<Organization>(&by_name(Direction::Descending, some))
        .await
        .unwrap();
    assert_eq!((names(&page.items), page.total), ("a".to_owned(), 3));
    let none = vec![Filter::within("t.name", Vec::<String>::new())];
    let page = store
        .page::<Organization>(&by_name(Direction::Ascending, none))
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (0, 0));
    // All were made at one instant: their guids decide, so no page repeats another.
    let all = store.all::<Organization>(Vec::new()).await.unwrap();
    assert_eq!(names(&all), "abcd");
}

pub(crate) async fn a_lease_goes_to_one_holder_and_its_epoch_rises(store: Store) {
    let take =
        |holder, now| store.acquire_lease("leader", holder, Micros::from_seconds(now), MINUTE);
    let first = take("a", 0).await.unwrap().unwrap();
    assert_eq!(take("b", 59).await.unwrap(), None);
    store
        .renew_lease(&first, Micros::from_seconds(30), MINUTE)
        .await
        .unwrap();
    assert_eq!(take("b", 89).await.unwrap(), None);
    let second = take("b", 90).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    let late = store
        .renew_lease(&first, Micros::from_seconds(91), MINUTE)
        .await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    store.release_lease(&second).await.unwrap();
    assert!(take("a", 91).await.unwrap().unwrap().epoch > second.epoch);
}

pub(crate) async fn a_write_under_a_lost_lease_is_refused(store: Store) {
    let take =
        |holder, now| store.acquire_lease("leader", holder, Micros::from_seconds(now), MINUTE);
    let first = take("a", 0).await.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.check_epoch(&first).await.unwrap();
    tx.set_setting("word", "ours").await.unwrap();
    tx.commit().await.unwrap();
    take("b", 61).await.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.check_epoch(&first).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
}

pub(crate) async fn settings_are_written_over_and_kept(store: Store) {
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.setting_or("key", "first").await.unwrap(), "first");
    assert_eq!(tx.setting_or("key", "second").await.unwrap(), "first");
    tx.set_setting("key", "third").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.setting("key").await.unwrap().as_deref(),
        Some("third")
    );
    assert_eq!(store.setting("none").await.unwrap(), None);
}

pub(crate) async fn one_time_links_are_used_once(store: Store) {
    let now = Micros::from_seconds(10);
    let mut tx = store.begin().await.unwrap();
    tx.replace_setup_link("old", now.after(MINUTE))
        .await
        .unwrap();
    tx.replace_setup_link("new", now.after(MINUTE))
        .await
        .unwrap();
    assert!(!tx.use_setup_link("old", now).await.unwrap());
    assert!(!tx.use_setup_link("new", now.after(MINUTE)).await.unwrap());
    assert!(tx.use_setup_link("new", now).await.unwrap());
    assert!(!tx.use_setup_link("new", now).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!store.setup_link_counts("new", now).await.unwrap());
}

pub(crate) async fn failed_logins_lock_and_good_ones_unlock(store: Store) {
    let until = Micros::from_seconds(99);
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&user("ada")).await.unwrap();
    tx.login_failed("user-ada", 2, until).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.user("user-ada").await.unwrap().unwrap().locked_until,
        None
    );
    let mut tx = store.begin().await.unwrap();
    tx.login_failed("user-ada", 2, until).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.user("user-ada").await.unwrap().unwrap().locked_until,
        Some(until)
    );
    let mut tx = store.begin().await.unwrap();
    tx.login_succeeded("user-ada").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.user("user-ada").await.unwrap().unwrap().locked_until,
        None
    );
}

pub(crate) async fn buildpacks_flags_and_events_come_back_as_they_went(store: Store) {
    let buildpack = Buildpack {
        guid: "bp".to_owned(),
        name: "mine".to_owned(),
        stack: None,
        position: 2,
        enabled: true,
        locked: false,
        filename: None,
        sha256: Some("ab".to_owned()),
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    let flag = FeatureFlag {
        name: "app_scaling".to_owned(),
        enabled: false,
        custom_error_message: Some("not \"now\"".to_owned()),
        updated_at: Micros(5),
    };
    let party = |guid: &str| Party {
        guid: guid.to_owned(),
        kind: "user".to_owned(),
        name: "ada".to_owned(),
    };
    let event = AuditEvent {
        guid: "event".to_owned(),
        kind: "audit.app.create".to_owned(),
        actor: party("u"),
        target: party("a"),
        space_guid: String::new(),
        organization_guid: String::new(),
        data: json!({"request": {"name": "ä"}}),
        created_at: Micros(7),
    };
    let mut tx = store.begin().await.unwrap();
    tx.write_buildpack(&buildpack).await.unwrap();
    tx.write_feature_flag(&flag).await.unwrap();
    tx.insert_audit_event(&event).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.buildpack("bp").await.unwrap(), Some(buildpack));
    assert_eq!(store.feature_flag("app_scaling").await.unwrap(), Some(flag));
    let events = store
        .all::<AuditEvent>(vec![Filter::equals("t.target_guid", "a")])
        .await
        .unwrap();
    assert_eq!(
        events.first().map(|event| event.data.clone()),
        Some(event.data)
    );
}

pub(crate) async fn writers_take_turns_and_none_is_lost(store: Store) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let store = store.clone();
        writers.spawn(async move {
            let mut tx = store.begin().await.unwrap();
            tx.set_setting(&format!("writer-{writer}"), "was here")
                .await
                .unwrap();
            // A reader beside a writer neither waits for it nor is refused.
            store.setting("anything").await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome.unwrap();
    }
    for writer in 0..20 {
        let written = store.setting(&format!("writer-{writer}")).await.unwrap();
        assert_eq!(written.as_deref(), Some("was here"));
    }
}

pub(crate) async fn nodes_are_written_down_by_the_holder_of_the_lease_only(store: Store) {
    let acquired = store.acquire_lease("lead", "a", Micros(0), MINUTE).await;
    let lease = acquired.unwrap().unwrap();
    for node in ["n2", "n1", "n2"] {
        let mut tx = store.begin().await.unwrap();
        tx.set_nodes(&lease, Some(node), &[]).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(store.nodes().await.unwrap(), ["n1", "n2"]);
    let later = Micros(0).after(MINUTE * 2);
    let acquired = store.acquire_lease("lead", "b", later, MINUTE).await;
    let next = acquired.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.set_nodes(&lease, Some("n3"), &[]).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)));
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    let lost = ["n1".to_owned(), "unheard-of".to_owned()];
    tx.set_nodes(&next, None, &lost).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), ["n2"]);
}
