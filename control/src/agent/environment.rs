//! What a program of ours finds in its environment, and the script that starts it.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::runtime::PortRequest;
pub(super) use crate::component::date;
use crate::model::Micros;
use crate::wire::{ServiceEntry, StartMessage};

/// The facts of one instance that its environment tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) start: &'a StartMessage,
    pub(super) instance: &'a str,
    pub(super) ip: &'a str,
    pub(super) port: Option<PortRequest>,
    /// The root as the program sees it.
    pub(super) root: &'a Path,
    pub(super) path: &'a str,
    pub(super) now: Micros,
}

/// All variables, each name once. What the user set comes last and wins.
pub(super) fn variables(facts: Facts<'_>) -> Vec<(String, String)> {
    let mut list = system(facts);
    for pair in &facts.start.env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        list.retain(|(known, _)| known != name);
        list.push((name.to_owned(), value.to_owned()));
    }
    list
}

fn system(facts: Facts<'_>) -> Vec<(String, String)> {
    let start = facts.start;
    let inside = |dir: &str| facts.root.join(dir).to_string_lossy().into_owned();
    let mut list = vec![
        ("HOME", inside("app")),
        ("TMPDIR", inside("tmp")),
        ("DEPS_DIR", inside("deps")),
        ("PATH", facts.path.to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("USER", "vcap".to_owned()),
        ("MEMORY_LIMIT", format!("{}m", start.limits.mem.max(0))),
        ("VCAP_APP_HOST", "0.0.0.0".to_owned()),
        ("CF_INSTANCE_INDEX", start.index.to_string()),
        ("CF_INSTANCE_GUID", facts.instance.to_owned()),
        ("CF_INSTANCE_IP", facts.ip.to_owned()),
        ("CF_INSTANCE_INTERNAL_IP", facts.ip.to_owned()),
        ("VCAP_APPLICATION", application(facts).to_string()),
        ("VCAP_SERVICES", services(&start.services).to_string()),
    ];
    if let Some(PortRequest { internal, external }) = facts.port {
        let ports = json!([{"external": external, "internal": internal}]);
        list.extend([
            ("PORT", internal.to_string()),
            ("VCAP_APP_PORT", internal.to_string()),
            ("CF_INSTANCE_PORT", external.to_string()),
            ("CF_INSTANCE_ADDR", format!("{}:{external}", facts.ip)),
            ("CF_INSTANCE_PORTS", ports.to_string()),
        ]);
    }
    list.extend(database_url(&start.services).map(|url| ("DATABASE_URL", url)));
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    list.into_iter().map(owned).collect()
}

fn application(facts: Facts<'_>) -> Value {
    let mut map: Map<String, Value> = facts.start.vcap_application.clone();
    let began = date(facts.now);
    let seconds = facts.now.seconds();
    for (key, value) in [
        ("instance_id", json!(facts.instance)),
        ("instance_index", json!(facts.start.index)),
        ("host", json!("0.0.0.0")),
        ("port", json!(facts.port.map(|port| port.internal))),
        ("started_at", json!(began)),
        ("started_at_timestamp", json!(seconds)),
        ("start", json!(began)),
        ("state_timestamp", json!(seconds)),
    ] {
        map.insert(key.to_owned(), value);
    }
    Value::Object(map)
}

fn services(entries: &[ServiceEntry]) -> Value {
    let mut by_label: Map<String, Value> = Map::new();
    for entry in entries {
        let mut service = serde_json::to_value(entry).unwrap_or_default();
        if let Some(fields) = service.as_object_mut() {
            let name = json!(entry.name);
            let syslog = fields.get("syslog_drain_url").cloned().unwrap_or_default();
            fields.insert("syslog_drain_url".to_owned(), syslog);
            fields
                .entry("instance_name")
                .or_insert_with(|| name.clone());
            fields.entry("binding_name").or_insert(Value::Null);
            fields.entry("volume_mounts").or_insert_with(|| json!([]));
        }
        let list = by_label
            .entry(entry.label.clone())
            .or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(service);
        }
    }
    Value::Object(by_label)
}

/// The first bound database, in the schemes that frameworks expect.
fn database_url(entries: &[ServiceEntry]) -> Option<String> {
    let mut urls = entries
        .iter()
        .filter_map(|entry| entry.credentials.get("uri")?.as_str());
    urls.find_map(|url| {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = match scheme {
            "mysql" | "mysql2" => "mysql2",
            "postgres" | "postgresql" => "postgres",
            _ => return None,
        };
        Some(format!("{scheme}://{rest}"))
    })
}

/// The words that start `command` in a container.
pub(super) fn words(command: &str) -> Vec<String> {
    ["/bin/bash", "-c", SCRIPT, "start", command]
        .map(str::to_owned)
        .to_vec()
}

/// What comes before the user's command, in the order that droplets rely on.
const SCRIPT: &str = r#"umask 077
shopt -s nullglob
for part in "$HOME"/../profile.d/*.sh; do . "$part"; done
cd "$HOME" || exit 1
for part in .profile.d/*.sh; do . "$part"; done
if [ -r .profile ]; then . ./.profile; fi
for hook in /etc/stackato/hooks/pre-running /etc/stackato/hooks/pre-running/*; do
  if [ -f "$hook" ] && [ -x "$hook" ]; then "$hook" || exit 1; fi
done
shopt -u nullglob
exec /bin/bash -c "$1"
"#;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn told(start: &StartMessage) -> BTreeMap<String, String> {
        let facts = Facts {
            start,
            instance: "i1",
            ip: "10.0.0.1",
            port: Some(PortRequest {
                internal: 8080,
                external: 61001,
            }),
            root: Path::new("/home/vcap"),
            path: "/bin",
            now: Micros::from_seconds(1_400_000_000),
        };
        let list = variables(facts);
        let names = list.len();
        let map: BTreeMap<_, _> = list.into_iter().collect();
        assert_eq!(map.len(), names, "a name is there twice");
        map
    }

    fn service(label: &str, uri: &str) -> ServiceEntry {
        let credentials = json!({ "uri": uri });
        ServiceEntry {
            name: "db".into(),
            label: label.into(),
            credentials: credentials.as_object().unwrap().clone(),
            ..ServiceEntry::default()
        }
    }

    #[test]
    fn the_program_learns_both_sides_of_its_port() {
        let told = told(&StartMessage::default());
        assert_eq!(told["PORT"], "8080");
        assert_eq!(told["CF_INSTANCE_ADDR"], "10.0.0.1:61001");
        assert_eq!(
            told["CF_INSTANCE_PORTS"],
            r#"[{"external":61001,"internal":8080}]"#
        );
        assert_eq!(told["HOME"], "/home/vcap/app");
        let app: Value = serde_json::from_str(&told["VCAP_APPLICATION"]).unwrap();
        assert_eq!(app["started_at"], "2014-05-13 16:53:20 +0000");
        assert_eq!(app["instance_id"], "i1");
    }

    #[test]
    fn the_users_value_wins_and_may_hold_an_equals_sign() {
        let start = StartMessage {
            env: vec!["LANG=de=AT".into(), "EMPTY".into()],
            ..StartMessage::default()
        };
        let told = told(&start);
        assert_eq!(
            (told["LANG"].as_str(), told["EMPTY"].as_str()),
            ("de=AT", "")
        );
    }

    #[test]
    fn services_are_grouped_by_label_and_the_first_database_is_the_url() {
        let start = StartMessage {
            services: vec![
                service("redis", "redis://r"),
                service("mysql", "mysql://u:p@h/d"),
                service("mysql", "mysql://second"),
            ],
            ..StartMessage::default()
        };
        let told = told(&start);
        assert_eq!(told["DATABASE_URL"], "mysql2://u:p@h/d");
        let services: Value = serde_json::from_str(&told["VCAP_SERVICES"]).unwrap();
        assert_eq!(services["mysql"][1]["credentials"]["uri"], "mysql://second");
        assert_eq!(services["redis"][0]["instance_name"], "db");
        assert_eq!(services["redis"][0]["volume_mounts"], json!([]));
    }
}
