//! What buildpacks find in their environment.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::wire::StagingRequest;

/// Where a build runs, and what it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    /// The root as the container sees it.
    pub(super) root: &'a Path,
    /// The search path of programs.
    pub(super) path: &'a str,
    /// Memory in MB.
    pub(super) memory_mb: u64,
    /// Seconds until the build is ended.
    pub(super) seconds: u64,
}

/// All variables, each name once. What the user set wins, but for what says where the build is.
pub(super) fn variables(request: &StagingRequest, at: Surroundings<'_>) -> Vec<(String, String)> {
    let inside = |dir: &str| at.root.join(dir).to_string_lossy().into_owned();
    let mut all = BTreeMap::new();
    for name in PROXIES {
        if let Ok(value) = std::env::var(name) {
            all.insert((*name).to_owned(), value);
        }
    }
    all.insert("PATH".to_owned(), at.path.to_owned());
    all.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    for pair in &request.properties.environment {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.insert(name.to_owned(), value.to_owned());
    }
    for (name, value) in [
        ("HOME", inside("app")),
        ("TMPDIR", inside("tmp")),
        ("BUILDPACK_CACHE", inside("cache")),
        ("USER", "vcap".to_owned()),
        ("CF_STACK", request.stack.clone()),
        ("MEMORY_LIMIT", format!("{}m", at.memory_mb)),
        ("STAGING_TIMEOUT", at.seconds.to_string()),
        ("VCAP_APPLICATION", application(request)),
        ("VCAP_SERVICES", services(request).to_string()),
    ] {
        all.insert(name.to_owned(), value);
    }
    if let Some(url) = database_url(request) {
        all.entry("DATABASE_URL".to_owned()).or_insert(url);
    }
    all.into_iter().collect()
}

fn application(request: &StagingRequest) -> String {
    let start = request.start_message.as_ref();
    let told = start.map(|start| start.vcap_application.clone());
    Value::Object(told.unwrap_or_default()).to_string()
}

/// Bound services by their label.
fn services(request: &StagingRequest) -> Value {
    let mut labels = Map::new();
    for service in &request.properties.services {
        let list = labels
            .entry(service.label.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let (Value::Array(list), Ok(value)) = (list, serde_json::to_value(service)) {
            list.push(value);
        }
    }
    Value::Object(labels)
}

/// The address of the first bound database.
fn database_url(request: &StagingRequest) -> Option<String> {
    request.properties.services.iter().find_map(|service| {
        let uri = service.credentials.get("uri")?.as_str()?;
        let (scheme, rest) = uri.split_once("://")?;
        // compat: the names that Rails knows the drivers by.
        let scheme = match scheme {
            "mysql" | "mysql2" => "mysql2",
            "postgres" | "postgresql" => "postgres",
            _ => return None,
        };
        Some(format!("{scheme}://{rest}"))
    })
}

const PROXIES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ServiceEntry, StagingProperties};

    fn told(request: &StagingRequest) -> BTreeMap<String, String> {
        let at = Surroundings {
            root: Path::new("/home/vcap"),
            path: "/usr/bin:/bin",
            memory_mb: 1024,
            seconds: 900,
        };
        variables(request, at).into_iter().collect()
    }

    #[test]
    fn the_user_may_set_a_path_but_not_where_the_build_is() {
        let environment = ["PATH=/opt/bin", "HOME=/root", "EMPTY", "A=b=c"];
        let request = StagingRequest {
            properties: StagingProperties {
                environment: environment.map(str::to_owned).to_vec(),
                ..StagingProperties::default()
            },
            ..StagingRequest::default()
        };
        let told = told(&request);
        assert_eq!(told["PATH"], "/opt/bin");
        assert_eq!(told["HOME"], "/home/vcap/app");
        assert_eq!((told["EMPTY"].as_str(), told["A"].as_str()), ("", "b=c"));
        assert_eq!(told["MEMORY_LIMIT"], "1024m");
    }

    #[test]
    fn services_are_grouped_and_the_first_database_is_the_url() {
        let service = |label: &str, uri: &str| ServiceEntry {
            label: label.to_owned(),
            credentials: Map::from_iter([("uri".to_owned(), Value::from(uri))]),
            ..ServiceEntry::default()
        };
        let request = StagingRequest {
            properties: StagingProperties {
                services: vec![
                    service("redis", "redis://h"),
                    service("pg", "postgresql://u:p@h/d"),
                    service("pg", "postgres://other"),
                ],
                ..StagingProperties::default()
            },
            ..StagingRequest::default()
        };
        let told = told(&request);
        assert_eq!(told["DATABASE_URL"], "postgres://u:p@h/d");
        let services: Value = serde_json::from_str(&told["VCAP_SERVICES"]).unwrap();
        assert_eq!(services["pg"].as_array().unwrap().len(), 2);
    }
}
