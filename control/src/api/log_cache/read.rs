//! The routes of the log cache.

use axum::extract::Path;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::api::{Answer, ApiError, Call, Need, Query, Routes, ok};
use crate::logs::{Entry, Order, Window};
use crate::model::App;
use crate::store::Filter;

pub(in crate::api) fn routes() -> Routes {
    Routes::new("Logs")
        .get("/api/v1/info", "Tells the version of the log cache", info)
        .get(
            "/api/v1/read/{source}",
            "Reads the recent logs of an application",
            read,
        )
        .get("/api/v1/meta", "Tells what the log cache holds", meta)
}

async fn info() -> Answer {
    ok(json!({ "version": VERSION, "vm_uptime": "0" }))
}

async fn read(call: Call, Path(source): Path<String>) -> Answer {
    let query = call.query(PARAMETERS)?;
    let window = window(&query)?;
    // compat: a source that may not be seen does not exist; clients know no other answer here.
    let app = call.app(&source, Need::Read).await?;
    let entries = if wants_logs(&query) {
        call.api.recent().read(&app.guid, window)
    } else {
        Vec::new()
    };
    let batch: Vec<Value> = entries
        .iter()
        .map(|entry| envelope(&app.guid, entry))
        .collect();
    ok(json!({ "envelopes": { "batch": batch } }))
}

async fn meta(call: Call) -> Answer {
    call.query(&[])?;
    let all = call.api.recent().meta();
    let mut filters = vec![Filter::within("t.guid", all.iter().map(|meta| &meta.app))];
    filters.extend(call.caller.space_filter("t.space_guid"));
    let visible: Vec<App> = call.store().all(filters).await?;
    let mut shown = Map::new();
    for meta in all {
        if visible.iter().any(|app| app.guid == meta.app) {
            let entry = json!({
                "count": meta.count.to_string(),
                "expired": meta.expired.to_string(),
                "oldestTimestamp": meta.oldest_ns.to_string(),
                "newestTimestamp": meta.newest_ns.to_string(),
            });
            shown.insert(meta.app, entry);
        }
    }
    ok(json!({ "meta": shown }))
}

/// The part of the past that is asked for: the start is in it, the end is not.
fn window(query: &Query) -> Result<Window, ApiError> {
    let limit = number(query, "limit")?.unwrap_or(USUAL_LIMIT);
    if !(0..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::bad_query(&format!(
            "Limit must be between 0 and {MAX_LIMIT}"
        )));
    }
    let limit = if limit == 0 { USUAL_LIMIT } else { limit };
    let order = match query.flag("descending")? {
        Some(true) => Order::Descending,
        Some(false) | None => Order::Ascending,
    };
    Ok(Window {
        start_ns: number(query, "start_time")?.unwrap_or(i64::MIN),
        end_ns: number(query, "end_time")?
            .filter(|&end| end != 0)
            .unwrap_or(i64::MAX),
        limit: usize::try_from(limit).unwrap_or_default(),
        order,
    })
}

fn number(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let Some(text) = query.text(name) else {
        return Ok(None);
    };
    let number = text.parse();
    number
        .map(Some)
        .map_err(|_| ApiError::bad_query(&format!("{name} must be an integer")))
}

/// There are no gauges, timers and counters here.
fn wants_logs(query: &Query) -> bool {
    query.values("envelope_types").is_none_or(|kinds| {
        kinds
            .iter()
            .any(|kind| matches!(kind.as_str(), "LOG" | "ANY"))
    })
}

fn envelope(app: &str, entry: &Entry) -> Value {
    json!({
        "timestamp": entry.time_ns.to_string(),
        "source_id": app,
        "instance_id": entry.instance,
        "deprecated_tags": {},
        "tags": {
            "source_type": entry.source_type,
            "origin": "rep",
            "source_id": app,
            "instance_id": entry.instance,
            "__v1_type": "LogMessage",
        },
        "log": {
            "payload": STANDARD.encode(entry.text.as_bytes()),
            "type": entry.stream,
        },
    })
}

// compat: below 2.0 the client looks for the routes elsewhere.
const VERSION: &str = "2.11.4";

const PARAMETERS: &[&str] = &[
    "start_time",
    "end_time",
    "limit",
    "descending",
    "envelope_types",
    "name_filter",
];

const USUAL_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1000;
