//! The variables and features of an application.

use axum::extract::Path;
use serde_json::{Value, json};

use super::apps::environment_in;
use crate::api::{Answer, ApiError, Body, Call, Need, Routes, ok};
use crate::model::{App, WEB, environment};

pub(super) fn routes() -> Routes {
    Routes::new("Apps")
        .get(
            "/v3/apps/{guid}/env",
            "Shows all that an application's containers learn",
            all,
        )
        .get(
            "/v3/apps/{guid}/environment_variables",
            "Shows the variables that users have set",
            variables,
        )
        .patch(
            "/v3/apps/{guid}/environment_variables",
            "Sets and removes variables, for the next start",
            set,
        )
        .get(
            "/v3/apps/{guid}/features",
            "Lists the features of an application",
            features,
        )
        .get(
            "/v3/apps/{guid}/features/{name}",
            "Shows a feature",
            feature,
        )
        .patch(
            "/v3/apps/{guid}/features/{name}",
            "Switches a feature",
            switch,
        )
        .get(
            "/v3/apps/{guid}/ssh_enabled",
            "Tells whether there is a shell",
            ssh_enabled,
        )
        .get(
            "/v3/apps/{guid}/permissions",
            "Tells what the caller may read",
            permissions,
        )
}

async fn all(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Write).await?;
    let api_url = call.base.as_str();
    let around = call.store().surroundings(&app, WEB, api_url).await?;
    let bound = call.store().bound_services(&app.guid).await?;
    ok(json!({
        "staging_env_json": {},
        "running_env_json": {},
        "environment_variables": app.environment,
        "system_env_json": { "VCAP_SERVICES": environment::vcap_services(&bound) },
        "application_env_json": {
            "VCAP_APPLICATION": environment::vcap_application(&app, None, &around),
        },
    }))
}

async fn variables(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Write).await?;
    ok(variables_document(&call, &app))
}

async fn set(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let changes = environment_in(&mut fields, "var");
    fields.finish()?;
    let mut app = call.app(&guid, Need::Write).await?;
    for (name, value) in changes {
        match value {
            Value::Null => {
                app.environment.remove(&name);
            }
            value => {
                let text = environment::text_of(&value);
                app.environment.insert(name, Value::String(text));
            }
        }
    }
    app.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_app(&app).await?;
    // The values are secrets; who may read them asks for them.
    let data = json!({ "request": { "environment_variables": "[PRIVATE DATA HIDDEN]" } });
    call.record(&mut tx, "audit.app.update", &app, data).await?;
    tx.commit().await?;
    ok(variables_document(&call, &app))
}

async fn features(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Read).await?;
    let resources: Vec<Value> = FEATURES
        .iter()
        .map(|(name, _)| feature_document(&app, name))
        .collect();
    let page = call.base.link(&format!("/v3/apps/{guid}/features"));
    ok(json!({
        "pagination": {
            "total_results": resources.len(), "total_pages": 1,
            "first": page, "last": page, "next": null, "previous": null,
        },
        "resources": resources,
    }))
}

async fn feature(call: Call, Path((guid, name)): Path<(String, String)>) -> Answer {
    let app = call.app(&guid, Need::Read).await?;
    ok(feature_document(&app, known(&name)?))
}

async fn switch(call: Call, Path((guid, name)): Path<(String, String)>, body: Body) -> Answer {
    let mut fields = body.fields();
    let enabled = fields.flag("enabled");
    if enabled.is_none() {
        fields.problem_of("enabled", "must be a boolean");
    }
    fields.finish()?;
    let mut app = call.app(&guid, Need::Write).await?;
    let name = known(&name)?;
    app.features.insert(name.to_owned(), json!(enabled));
    app.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_app(&app).await?;
    tx.commit().await?;
    ok(feature_document(&app, name))
}

async fn ssh_enabled(call: Call, Path(guid): Path<String>) -> Answer {
    let _app = call.app(&guid, Need::Read).await?;
    ok(json!({ "enabled": false, "reason": "Disabled globally" }))
}

async fn permissions(call: Call, Path(guid): Path<String>) -> Answer {
    let _app = call.app(&guid, Need::Read).await?;
    let sensitive = call.app(&guid, Need::Write).await.is_ok();
    ok(json!({ "read_basic_data": true, "read_sensitive_data": sensitive }))
}

fn variables_document(call: &Call, app: &App) -> Value {
    let own = format!("/v3/apps/{}", app.guid);
    json!({
        "var": app.environment,
        "links": {
            "self": call.base.link(&format!("{own}/environment_variables")),
            "app": call.base.link(&own),
        },
    })
}

fn feature_document(app: &App, name: &str) -> Value {
    let about = FEATURES.iter().find(|(known, _)| *known == name);
    json!({
        "name": name,
        "description": about.map(|(_, about)| *about),
        "enabled": app.features.get(name).and_then(Value::as_bool).unwrap_or(false),
    })
}

fn known(name: &str) -> Result<&'static str, ApiError> {
    let found = FEATURES.iter().find(|(known, _)| *known == name);
    found
        .map(|(name, _)| *name)
        .ok_or_else(|| ApiError::not_found("Feature"))
}

const FEATURES: [(&str, &str); 2] = [
    ("ssh", "Enable SSHing into the app."),
    ("revisions", "Enable versioning of an application"),
];
