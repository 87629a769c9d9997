//! What a manifest would change, as a list of operations on the manifest that describes what is.

use serde_json::{Map, Value, json};

/// Compares the applications of a manifest with those that describe what exists, by name. What the
/// manifest does not name is left out: it would stay.
#[must_use]
pub fn diff(wanted: &[Map<String, Value>], current: &[Value]) -> Vec<Value> {
    let mut changes = Vec::new();
    for (at, app) in wanted.iter().enumerate() {
        let app = Value::Object(app.clone());
        let path = format!("/applications/{at}");
        match current
            .iter()
            .find(|known| known.get("name") == app.get("name"))
        {
            Some(known) => compare(&mut changes, &path, known, &app),
            None => changes.push(json!({ "op": "add", "path": path, "value": app })),
        }
    }
    changes
}

fn compare(changes: &mut Vec<Value>, path: &str, was: &Value, value: &Value) {
    match (was, value) {
        (Value::Object(was), Value::Object(value)) => objects(changes, path, was, value),
        (Value::Array(was), Value::Array(value)) => lists(changes, path, was, value),
        _ if same(was, value) => {}
        _ => changes.push(json!({ "op": "replace", "path": path, "was": was, "value": value })),
    }
}

fn objects(
    changes: &mut Vec<Value>,
    path: &str,
    was: &Map<String, Value>,
    value: &Map<String, Value>,
) {
    for (key, value) in value {
        if ORDERS_OF_THE_CLIENT.contains(&key.as_str()) {
            continue;
        }
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        match was.get(key) {
            Some(was) => compare(changes, &path, was, value),
            None => changes.push(json!({ "op": "add", "path": path, "value": value })),
        }
    }
}

/// Entries with a name are compared by it; others by their place.
fn lists(changes: &mut Vec<Value>, path: &str, was: &[Value], value: &[Value]) {
    for (at, value) in value.iter().enumerate() {
        let path = format!("{path}/{at}");
        let known = match name_of(value) {
            Some(name) => was.iter().find(|was| name_of(was) == Some(name)),
            None => was.get(at),
        };
        match known {
            Some(was) if name_of(was).is_some() && (was.is_string() || value.is_string()) => {}
            Some(was) => compare(changes, &path, was, value),
            None => changes.push(json!({ "op": "add", "path": path, "value": value })),
        }
    }
}

/// What tells an entry of a list from its neighbours.
fn name_of(value: &Value) -> Option<&str> {
    let keys = ["type", "route", "name"];
    let named = keys.iter().find_map(|key| value.get(*key));
    named.unwrap_or(value).as_str()
}

/// Sizes may be spelled in several ways.
fn same(was: &Value, value: &Value) -> bool {
    if was == value {
        return true;
    }
    let size = |value: &Value| value.as_str().and_then(super::size::bytes);
    match (size(was), size(value)) {
        (Some(was), Some(value)) => was == value,
        _ => super::super::environment::text_of(was) == super::super::environment::text_of(value),
    }
}

/// Keys that say what to do, not what to be.
const ORDERS_OF_THE_CLIENT: [&str; 4] = ["default-route", "no-route", "path", "random-route"];

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(wanted: Value, current: Value) -> Value {
        let wanted: Vec<_> = wanted
            .as_array()
            .unwrap()
            .iter()
            .map(|app| app.as_object().unwrap().clone())
            .collect();
        Value::Array(diff(&wanted, current.as_array().unwrap()))
    }

    #[test]
    fn a_new_application_is_one_addition() {
        assert_eq!(
            changes(json!([{ "name": "a" }]), json!([])),
            json!([{ "op": "add", "path": "/applications/0", "value": { "name": "a" } }])
        );
    }

    #[test]
    fn what_is_not_named_stays_and_what_is_the_same_is_not_told() {
        let current = json!([{ "name": "a", "memory": "1G", "env": { "A": "1", "B": "2" } }]);
        let wanted =
            json!([{ "name": "a", "memory": "1024M", "env": { "A": 1 }, "default-route": true }]);
        assert_eq!(changes(wanted, current), json!([]));
    }

    #[test]
    fn entries_of_a_list_are_compared_by_name() {
        let current = json!([{ "name": "a", "processes": [
            { "type": "worker", "instances": 1 }, { "type": "web", "instances": 1 }
        ] }]);
        let wanted = json!([{ "name": "a", "processes": [{ "type": "web", "instances": 2 }] }]);
        assert_eq!(
            changes(wanted, current),
            json!([{
                "op": "replace", "path": "/applications/0/processes/0/instances", "was": 1, "value": 2
            }])
        );
    }

    #[test]
    fn a_new_route_is_an_addition() {
        let current = json!([{ "name": "a", "routes": [{ "route": "x.y" }] }]);
        let wanted = json!([{ "name": "a", "routes": [{ "route": "x.y" }, { "route": "z.y" }] }]);
        assert_eq!(
            changes(wanted, current),
            json!([{ "op": "add", "path": "/applications/0/routes/1", "value": { "route": "z.y" } }])
        );
    }
}
