//! What messages say, for the scripted agents.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Whether a stop names this instance.
pub(crate) fn is_meant(stop: &Value, guid: &str, start: &Value) -> bool {
    let among = |key: &str, value: &Value| match stop[key].as_array() {
        Some(list) => list.contains(value),
        None => true,
    };
    let version = stop["version"].is_null() || stop["version"] == start["version"];
    stop["droplet"] == start["droplet"]
        && version
        && among("instances", &json!(guid))
        && among("indices", &start["index"])
}

/// Now, as on the wire.
pub(crate) fn seconds() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

pub(crate) fn read(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap()
}
