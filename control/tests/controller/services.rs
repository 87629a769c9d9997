//! What an instance is told of the services that its application is bound to.

use serde_json::json;

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};

/// Two services of one plan: one that is bound, and one whose binding is not made yet.
const BOUND: [&str; 7] = [
    "INSERT INTO service_brokers VALUES ('b', 'b', 'http://b', 'u', 'p', NULL, 'AVAILABLE', 1, 1)",
    "INSERT INTO service_offerings VALUES ('o', 'b', 'o', 'postgres', '', 1, \
     '{\"bindable\":true,\"tags\":[\"sql\"]}', 1, 1)",
    "INSERT INTO service_plans VALUES ('p', 'o', 'p', 'small', '', 1, 'public', '{}', 1, 1)",
    "INSERT INTO service_instances (guid, name, space_guid, type, plan_guid, operation_type, \
     operation_state, operation_started_at, created_at, updated_at) \
     VALUES ('i', 'mine', 's', 'managed', 'p', 'create', 'succeeded', 1, 1, 1)",
    "INSERT INTO service_instances (guid, name, space_guid, type, plan_guid, operation_type, \
     operation_state, operation_started_at, created_at, updated_at) \
     VALUES ('j', 'other', 's', 'managed', 'p', 'create', 'succeeded', 1, 1, 1)",
    "INSERT INTO service_bindings (guid, type, instance_guid, app_guid, credentials, \
     volume_mounts, operation_type, operation_state, operation_started_at, created_at, updated_at) \
     VALUES ('k', 'app', 'i', 'shop', '{\"uri\":\"postgres://u:p@h/d\"}', \
     '[{\"driver\":\"nfs\"}]', 'create', 'succeeded', 1, 1, 1)",
    "INSERT INTO service_bindings (guid, type, instance_guid, app_guid, operation_type, \
     operation_state, operation_started_at, created_at, updated_at) \
     VALUES ('l', 'app', 'j', 'shop', 'create', 'in progress', 1, 1, 1)",
];

#[tokio::test]
async fn a_start_names_what_brokers_have_given() {
    let cloud = Cloud::start().await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 1, 64).await;
    for statement in BOUND {
        cloud.write(statement).await;
    }
    cloud.controller.app_changed("shop");
    eventually("it runs", || agent.running("shop") == 1).await;
    let message = agent.starts().remove(0);
    let services = message["services"].as_array().unwrap();
    assert_eq!(services.len(), 1);
    let told = &services[0];
    assert_eq!(
        (&told["name"], &told["label"]),
        (&json!("mine"), &json!("postgres"))
    );
    assert_eq!(
        (&told["plan"], &told["tags"]),
        (&json!("small"), &json!(["sql"]))
    );
    assert_eq!(told["credentials"]["uri"], "postgres://u:p@h/d");
    assert_eq!(told["volume_mounts"], json!([{ "driver": "nfs" }]));
    let named = json!("DATABASE_URL=postgres://u:p@h/d");
    assert!(
        message["env"].as_array().unwrap().contains(&named),
        "{message}"
    );
}
