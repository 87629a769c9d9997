//! What is to be pushed: one application of a manifest, with what the command line changes in it.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

/// One application and what is to become of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its entry as it goes into the manifest that the platform is given.
    pub application: Map<String, Value>,
    /// The directory or archive that holds it.
    pub path: PathBuf,
    /// How running instances are replaced.
    pub strategy: Strategy,
    /// Whether a manifest file is behind it, whose differences are worth telling.
    pub from_file: bool,
}

/// How a new version takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// Some instances of the new version serve beside the old ones before the others follow.
    Canary,
    /// It is staged and left alone.
    NoStart,
    /// All instances stop, then the new ones start.
    #[default]
    Restart,
    /// One instance after the other.
    Rolling,
}

impl Plan {
    /// A plan for a directory without a manifest.
    #[must_use]
    pub fn new(name: &str, path: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            application: Map::from_iter([("name".to_owned(), json!(name))]),
            path,
            strategy: Strategy::default(),
            from_file: false,
        }
    }

    /// Sets one key of the application's entry.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.set(key, value);
        self
    }

    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.application.insert(key.to_owned(), value);
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.application.remove(key);
    }

    /// The manifest with this application alone. JSON is YAML as well, so it goes out as JSON.
    pub(super) fn manifest(&self) -> String {
        let mut application = self.application.clone();
        // Only the client knows what its own paths mean.
        application.remove("path");
        application.insert("name".to_owned(), json!(self.name));
        if !ROUTE_KEYS.iter().any(|key| application.contains_key(*key)) {
            application.insert("default-route".to_owned(), json!(true));
        }
        json!({"version": 1, "applications": [application]}).to_string()
    }
}

/// Keys that say something about routes; without any of them an application gets the usual one.
pub(super) const ROUTE_KEYS: &[&str] = &["default-route", "no-route", "random-route", "routes"];

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(plan: &Plan) -> Value {
        let document: Value = serde_json::from_str(&plan.manifest()).unwrap();
        document["applications"][0].clone()
    }

    #[test]
    fn an_application_that_says_nothing_of_routes_gets_the_usual_one() {
        let plan = Plan::new("hello", ".".into());
        assert_eq!(sent(&plan)["default-route"], true);
        let plan = plan.with("no-route", json!(true));
        assert_eq!(sent(&plan)["default-route"], Value::Null);
    }

    #[test]
    fn the_path_stays_at_home() {
        let plan = Plan::new("hello", ".".into()).with("path", json!("../secret"));
        assert_eq!(sent(&plan)["path"], Value::Null);
    }
}
