//! The root: where everything is, and which version of the API this is.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::{Api, Base, Routes};

pub(super) fn routes() -> Routes {
    Routes::new("API")
        .get("/", "Says where everything is", root)
        .get("/v3", "Lists the resources", resources)
        .get("/v3/info", "Says what platform this is", about)
}

async fn root(base: Base) -> Json<Value> {
    Json(json!({
        "links": {
            "self": base.link(""),
            "cloud_controller_v2": null,
            "cloud_controller_v3": {"href": base.url("/v3"), "meta": {"version": API_VERSION}},
            "login": base.link(""),
            "uaa": base.link(""),
            "log_cache": base.link(""),
            "log_stream": null,
            "logging": null,
            "network_policy_v0": null,
            "network_policy_v1": null,
            "routing": null,
            "credhub": null,
            "app_ssh": null,
        },
        "cf_on_k8s": false,
    }))
}

async fn resources(base: Base) -> Json<Value> {
    let mut links = serde_json::Map::new();
    links.insert("self".to_owned(), base.link("/v3"));
    for name in RESOURCES {
        links.insert((*name).to_owned(), base.link(&format!("/v3/{name}")));
    }
    Json(json!({"links": links}))
}

async fn about(State(api): State<Api>, base: Base) -> Json<Value> {
    Json(json!({
        "name": "Switchyard",
        "build": env!("CARGO_PKG_VERSION"),
        "version": 0,
        "description": "A platform for web applications",
        "cli_version": {"minimum": "", "recommended": ""},
        // Addresses of applications are told without a port, as elsewhere.
        "custom": {"app_port": api.settings().app_port},
        "osbapi_version": "2.17",
        "rate_limits": {"enabled": false, "general_limit": 0, "reset_interval_in_minutes": 0},
        "links": {"self": base.link("/v3/info"), "support": base.link("")},
    }))
}

/// The version decides what `cf` asks for. From 3.211.0 on that is `embed=process_instances` for `cf apps`,
/// canary steps, options of routes and states of stacks; from 3.224.0 on it would be route policies.
const API_VERSION: &str = "3.211.0";

const RESOURCES: &[&str] = &[
    "apps",
    "audit_events",
    "buildpacks",
    "builds",
    "deployments",
    "domains",
    "droplets",
    "feature_flags",
    "isolation_segments",
    "jobs",
    "organization_quotas",
    "organizations",
    "packages",
    "processes",
    "resource_matches",
    "roles",
    "routes",
    "security_groups",
    "service_brokers",
    "service_credential_bindings",
    "service_instances",
    "service_offerings",
    "service_plans",
    "spaces",
    "stacks",
    "tasks",
    "users",
];
