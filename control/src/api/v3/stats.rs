//! Instances: where each one stands, what it uses, and ending one.
//!
//! States come from the heartbeats; an index of which nothing is known is `DOWN`. Numbers come from
//! the agents and may be missing.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use crate::api::{Answer, ApiError, Call, Need, Routes, no_content, ok, rfc3339};
use crate::model::environment::OPEN_FILES;
use crate::model::{App, InstanceReport, InstanceState, InstanceStats, Micros, Process};

pub(super) fn routes() -> Routes {
    Routes::new("Processes")
        .get(
            "/v3/processes/{guid}/stats",
            "Shows the instances of a process",
            stats,
        )
        .get(
            "/v3/processes/{guid}/process_instances",
            "Lists the instances of a process without their numbers",
            instances,
        )
        .delete(
            "/v3/processes/{guid}/instances/{index}",
            "Ends one instance",
            stop,
        )
        .get(
            "/v3/apps/{guid}/processes/{type}/stats",
            "Shows the instances by type",
            stats_of_app,
        )
        .delete(
            "/v3/apps/{guid}/processes/{type}/instances/{index}",
            "Ends one instance by its type",
            stop_of_app,
        )
}

async fn stats(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, process) = call.process(&guid, Need::Read).await?;
    ok(document(&call, &process).await)
}

async fn stats_of_app(call: Call, Path((guid, kind)): Path<(String, String)>) -> Answer {
    let (_, process) = call.process_of(&guid, &kind, Need::Read).await?;
    ok(document(&call, &process).await)
}

async fn instances(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, process) = call.process(&guid, Need::Read).await?;
    ok(json!({ "resources": embedded(&call, &process) }))
}

async fn stop(call: Call, Path((guid, index)): Path<(String, String)>) -> Answer {
    let (app, process) = call.process(&guid, Need::Operate).await?;
    stopped(&call, &app, &process, &index).await
}

async fn stop_of_app(
    call: Call,
    Path((guid, kind, index)): Path<(String, String, String)>,
) -> Answer {
    let (app, process) = call.process_of(&guid, &kind, Need::Operate).await?;
    stopped(&call, &app, &process, &index).await
}

async fn stopped(call: &Call, app: &App, process: &Process, index: &str) -> Answer {
    let index = index
        .parse()
        .ok()
        .filter(|&index: &u32| index < process.instances);
    let index = index.ok_or_else(|| ApiError::not_found("Instance"))?;
    if !call.controller().stop_instance(&process.guid, index).await {
        let detail = "No controller takes the order at the moment; try again";
        return Err(ApiError::unavailable(detail));
    }
    let mut tx = call.store().begin().await?;
    let data = json!({ "index": index, "process_type": process.process_type });
    call.record(&mut tx, "audit.app.process.terminate_instance", app, data)
        .await?;
    tx.commit().await?;
    no_content()
}

/// `process_instances` of a process in a list.
pub(super) fn embedded(call: &Call, process: &Process) -> Value {
    let reports = call.controller().instances(&process.guid);
    let entry = |index: u32| {
        let report = report_of(&reports, index);
        let since = report.map_or(0, |report| call.now.since(report.since).as_secs());
        json!({ "index": index, "state": state_of(report).as_str(), "since": since })
    };
    (0..shown_instances(process)).map(entry).collect()
}

async fn document(call: &Call, process: &Process) -> Value {
    let reports = call.controller().instances(&process.guid);
    // Agents are asked only when they can have something to tell.
    let numbers = if reports.is_empty() {
        Vec::new()
    } else {
        call.controller().stats(&process.guid).await
    };
    let resources: Vec<Value> = (0..shown_instances(process))
        .map(|index| {
            let report = report_of(&reports, index);
            let same = |n: &&InstanceStats| {
                n.index == index && report.is_some_and(|r| r.instance == n.instance)
            };
            instance(
                process,
                index,
                (report, numbers.iter().find(same)),
                call.now,
            )
        })
        .collect();
    json!({ "resources": resources })
}

fn instance(
    process: &Process,
    index: u32,
    (report, numbers): (Option<&InstanceReport>, Option<&InstanceStats>),
    now: Micros,
) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("type", json!(process.process_type));
    put("index", json!(index));
    put("state", json!(state_of(report).as_str()));
    let Some(report) = report else {
        put("uptime", json!(0));
        return Value::Object(fields);
    };
    let uptime = numbers
        .and_then(|n| n.uptime_s)
        .unwrap_or_else(|| now.since(report.since).as_secs());
    let megabytes = |mb: u32| u64::from(mb) << 20;
    let memory = numbers.and_then(|n| n.mem_quota_bytes);
    let disk = numbers.and_then(|n| n.disk_quota_bytes);
    put("instance_guid", json!(report.instance));
    put("routable", json!(report.routable));
    put("details", json!(report.details));
    put("uptime", json!(uptime));
    put(
        "mem_quota",
        json!(memory.unwrap_or_else(|| megabytes(process.memory_mb))),
    );
    put(
        "disk_quota",
        json!(disk.unwrap_or_else(|| megabytes(process.disk_mb))),
    );
    put("log_rate_limit", json!(process.log_rate_limit));
    let files = numbers.and_then(|n| n.fds_quota);
    put(
        "fds_quota",
        json!(files.unwrap_or_else(|| u64::from(OPEN_FILES))),
    );
    put("isolation_segment", Value::Null);
    put("host", json!(numbers.and_then(|n| n.host.as_ref())));
    put(
        "instance_internal_ip",
        json!(numbers.and_then(|n| n.internal_ip.as_ref())),
    );
    put("instance_ports", ports(numbers));
    put("usage", usage(numbers));
    Value::Object(fields)
}

fn ports(numbers: Option<&InstanceStats>) -> Value {
    let ports = numbers.map(|n| n.ports.as_slice()).unwrap_or_default();
    let port = |port: &crate::model::InstancePort| {
        json!({
            "external": port.external,
            "internal": port.internal,
            "external_tls_proxy_port": null,
            "internal_tls_proxy_port": null,
        })
    };
    ports.iter().map(port).collect()
}

fn usage(numbers: Option<&InstanceStats>) -> Value {
    let Some(usage) = numbers.and_then(|n| n.usage) else {
        return json!({});
    };
    json!({
        "time": rfc3339(usage.time),
        "cpu": usage.cpu,
        "cpu_entitlement": usage.cpu,
        "mem": usage.mem_bytes,
        "disk": usage.disk_bytes,
        "log_rate": 0,
    })
}

/// The instance that counts at an index: a living one rather than one that ended, then the newest.
fn report_of(reports: &[InstanceReport], index: u32) -> Option<&InstanceReport> {
    reports
        .iter()
        .filter(|report| report.index == index)
        .max_by_key(|report| (liveliness(report.state), report.since))
}

const fn liveliness(state: InstanceState) -> u8 {
    match state {
        InstanceState::Running => 4,
        InstanceState::Starting => 3,
        InstanceState::Stopping => 2,
        InstanceState::Crashed => 1,
        InstanceState::Down => 0,
    }
}

fn state_of(report: Option<&InstanceReport>) -> InstanceState {
    report.map_or(InstanceState::Down, |report| report.state)
}

/// Somebody may want more instances than a document can hold.
fn shown_instances(process: &Process) -> u32 {
    process.instances.min(MOST_SHOWN)
}

const MOST_SHOWN: u32 = 10_000;
