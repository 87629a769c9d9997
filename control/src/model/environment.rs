//! What a container learns from its surroundings: `VCAP_APPLICATION`, `VCAP_SERVICES` and kin.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{App, Process, ServiceBinding, ServiceInstance, UriOptions};

/// The neighbourhood of an application that its own rows do not hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Surroundings {
    /// The name of its space.
    pub space_name: String,
    /// The guid of its organization.
    pub organization_guid: String,
    /// The name of its organization.
    pub organization_name: String,
    /// The names that reach it, as in `shop.example.com/basket`.
    pub uris: Vec<String>,
    /// What routers are told of some of these besides.
    pub uri_options: UriOptions,
    /// Where the client API is.
    pub api_url: String,
}

/// A service with the binding that gives it to an application.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundService {
    /// The service.
    pub instance: ServiceInstance,
    /// What the application gets of it.
    pub binding: ServiceBinding,
    /// Of what it is one, when a broker takes care of it.
    pub offered: Option<Offered>,
}

/// What an application learns about the plan of a service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offered {
    /// The offering's name.
    pub label: String,
    /// The plan's name.
    pub plan: String,
    /// The offering's tags.
    pub tags: Vec<String>,
}

/// The `VCAP_APPLICATION` document; an agent adds what only an instance knows. With a process come
/// its limits, its guid and its version.
#[must_use]
pub fn vcap_application(app: &App, process: Option<&Process>, around: &Surroundings) -> Value {
    let mut document = json!({
        "application_id": app.guid,
        "application_name": app.name,
        "application_uris": around.uris,
        "cf_api": around.api_url,
        "limits": { "fds": OPEN_FILES },
        "name": app.name,
        "organization_id": around.organization_guid,
        "organization_name": around.organization_name,
        "space_id": app.space_guid,
        "space_name": around.space_name,
        "uris": around.uris,
        "users": null,
    });
    if let (Some(process), Some(fields)) = (process, document.as_object_mut()) {
        let limits =
            json!({ "mem": process.memory_mb, "disk": process.disk_mb, "fds": OPEN_FILES });
        fields.insert("limits".to_owned(), limits);
        fields.insert("process_id".to_owned(), json!(process.guid));
        fields.insert("process_type".to_owned(), json!(process.process_type));
        fields.insert("application_version".to_owned(), json!(process.version));
        fields.insert("version".to_owned(), json!(process.version));
    }
    document
}

/// The `VCAP_SERVICES` document: the label of each kind of service to its bindings.
#[must_use]
pub fn vcap_services(bound: &[BoundService]) -> Value {
    let mut labels = Map::new();
    for service in bound {
        let list = labels.entry(label(service)).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(one_service(service));
        }
    }
    Value::Object(labels)
}

/// The `services` list of a start message: what `VCAP_SERVICES` holds, without its labels.
#[must_use]
pub fn services(bound: &[BoundService]) -> Vec<Value> {
    bound.iter().map(one_service).collect()
}

/// The `DATABASE_URL` of the first relational service, with the scheme that frameworks expect.
#[must_use]
pub fn database_url(bound: &[BoundService]) -> Option<String> {
    bound.iter().find_map(|service| {
        let uri = service.binding.credentials.get("uri")?.as_str()?;
        let (scheme, rest) = uri.split_once("://")?;
        let scheme = match scheme {
            "mysql" | "mysql2" => "mysql2",
            "postgres" | "postgresql" => "postgres",
            _ => return None,
        };
        Some(format!("{scheme}://{rest}"))
    })
}

/// Why a user may not set this variable, in the client API's words; nothing if he may.
#[must_use]
pub fn refusal(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("VCAP_") {
        Some("cannot start with VCAP_")
    } else if upper.starts_with("VMC_") {
        Some("cannot start with VMC_")
    } else if upper == "PORT" {
        Some("cannot set PORT")
    } else if name.is_empty() {
        Some("key must be at least one character")
    } else if name.contains(['=', '\0']) {
        Some("key must not contain '=' or NUL")
    } else {
        None
    }
}

/// The text that a container gets for a value: a string as it is, anything else as JSON.
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn one_service(service: &BoundService) -> Value {
    let BoundService {
        instance,
        binding,
        offered,
    } = service;
    let mut tags = offered
        .as_ref()
        .map_or_else(Vec::new, |offered| offered.tags.clone());
    tags.extend(instance.tags.iter().cloned());
    let mut known = HashSet::new();
    tags.retain(|tag| known.insert(tag.clone()));
    json!({
        "binding_guid": binding.guid,
        "binding_name": binding.name,
        "credentials": binding.credentials,
        "instance_guid": instance.guid,
        "instance_name": instance.name,
        "label": label(service),
        "name": binding.name.as_deref().unwrap_or(&instance.name),
        "plan": offered.as_ref().map(|offered| &offered.plan),
        "syslog_drain_url": binding.syslog_drain_url,
        "tags": tags,
        "volume_mounts": binding.volume_mounts,
    })
}

fn label(service: &BoundService) -> &str {
    match &service.offered {
        Some(offered) => &offered.label,
        None => service.instance.kind.as_str(),
    }
}

/// How many files an instance may have open.
pub const OPEN_FILES: u32 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AppState, BindingKind, Lifecycle, Micros, NewProcess, Operation, ServiceKind,
    };

    fn app() -> App {
        App {
            guid: "a".to_owned(),
            name: "shop".to_owned(),
            space_guid: "s".to_owned(),
            state: AppState::Started,
            lifecycle: Lifecycle::Docker,
            environment: Map::new(),
            features: Map::new(),
            droplet_guid: None,
            created_at: Micros(0),
            updated_at: Micros(0),
        }
    }

    fn bound(name: &str, credentials: Value) -> BoundService {
        let Value::Object(credentials) = credentials else {
            panic!("credentials are an object");
        };
        let instance = ServiceInstance {
            guid: "i".to_owned(),
            name: name.to_owned(),
            space_guid: "s".to_owned(),
            kind: ServiceKind::UserProvided,
            credentials: credentials.clone(),
            syslog_drain_url: None,
            route_service_url: None,
            tags: vec!["own".to_owned()],
            plan_guid: None,
            dashboard_url: None,
            maintenance_info: Map::new(),
            last_operation: Operation::succeeded("create", Micros(0)),
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let binding = ServiceBinding {
            guid: "b".to_owned(),
            kind: BindingKind::App,
            name: None,
            instance_guid: "i".to_owned(),
            app_guid: Some("a".to_owned()),
            credentials,
            syslog_drain_url: None,
            volume_mounts: Vec::new(),
            last_operation: Operation::succeeded("create", Micros(0)),
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        BoundService {
            instance,
            binding,
            offered: None,
        }
    }

    #[test]
    fn a_brokers_service_stands_under_its_offering() {
        let mut service = bound("db", json!({ "uri": "x" }));
        service.offered = Some(Offered {
            label: "postgres".to_owned(),
            plan: "small".to_owned(),
            tags: vec!["sql".to_owned(), "own".to_owned()],
        });
        let document = vcap_services(&[service]);
        let seen = &document["postgres"][0];
        assert_eq!(
            (&seen["label"], &seen["plan"]),
            (&json!("postgres"), &json!("small"))
        );
        assert_eq!(seen["tags"], json!(["sql", "own"]));
    }

    #[test]
    fn a_service_stands_under_its_label() {
        let document = vcap_services(&[bound("db", json!({ "uri": "x" })), bound("q", json!({}))]);
        assert_eq!(document["user-provided"][0]["name"], "db");
        assert_eq!(document["user-provided"][0]["credentials"]["uri"], "x");
        assert_eq!(document["user-provided"][1]["instance_name"], "q");
        assert_eq!(vcap_services(&[]), json!({}));
    }

    #[test]
    fn the_first_relational_service_gives_the_database_url() {
        let services = [
            bound("q", json!({ "uri": "redis://h" })),
            bound("db", json!({ "uri": "postgresql://u:p@h/d" })),
            bound("other", json!({ "uri": "mysql://h" })),
        ];
        assert_eq!(
            database_url(&services).as_deref(),
            Some("postgres://u:p@h/d")
        );
        assert_eq!(database_url(&services[..1]), None);
    }

    #[test]
    fn a_process_brings_its_limits_and_its_version() {
        let process = Process::new(NewProcess {
            guid: "p".to_owned(),
            app_guid: "a",
            process_type: "web",
            version: "v".to_owned(),
            now: Micros(0),
        });
        let around = Surroundings {
            uris: vec!["shop.localhost".to_owned()],
            uri_options: UriOptions::new(),
            ..Surroundings::default()
        };
        let document = vcap_application(&app(), Some(&process), &around);
        assert_eq!(document["limits"]["mem"], 1024);
        assert_eq!(document["version"], "v");
        assert_eq!(document["uris"], json!(["shop.localhost"]));
        let bare = vcap_application(&app(), None, &around);
        assert_eq!(bare["limits"], json!({ "fds": OPEN_FILES }));
        assert!(bare.get("process_id").is_none());
    }

    #[test]
    fn names_of_the_platform_are_refused_in_any_case() {
        assert_eq!(refusal("vcap_x"), Some("cannot start with VCAP_"));
        assert_eq!(refusal("VMC_X"), Some("cannot start with VMC_"));
        assert_eq!(refusal("Port"), Some("cannot set PORT"));
        assert_eq!(refusal("VCAPX"), None);
        assert_eq!(refusal("PORTAL"), None);
    }
}
