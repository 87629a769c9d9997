//! Feature flags: what the operator allows to those who are no administrators.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::{Answer, ApiError, Base, Body, Call, Code, Routes, ok, rfc3339};
use crate::store::FeatureFlag;

pub(super) fn routes() -> Routes {
    Routes::new("Feature flags")
        .get("/v3/feature_flags", "Lists feature flags", list)
        .get("/v3/feature_flags/{name}", "Shows a feature flag", show)
        .patch("/v3/feature_flags/{name}", "Changes a feature flag", update)
}

/// Makes sure that a flag is on, or that it is an administrator who asks.
///
/// # Errors
///
/// 330002 when it is off.
pub(super) async fn need(call: &Call, name: &str) -> Result<(), ApiError> {
    if call.caller.is_admin {
        return Ok(());
    }
    let flag = current(call, name).await?;
    if flag.enabled {
        return Ok(());
    }
    let words = flag.custom_error_message.unwrap_or(flag.name);
    let detail = format!("Feature Disabled: {words}");
    Err(ApiError::new(Code::FeatureDisabled, detail))
}

async fn list(call: Call) -> Answer {
    let listing = call.listing(&[], &[("name", "t.name"), ("created_at", "t.name")])?;
    let mut resources = Vec::new();
    for (name, _) in FLAGS {
        let flag = call.store().feature_flag(name).await?;
        resources.push(flag.unwrap_or_else(|| usual(name)));
    }
    let total = resources.len() as u64;
    let page = crate::store::Page {
        items: resources,
        total,
    };
    ok(listing.document(&call.base, &page, |flag| document(&call.base, flag)))
}

async fn show(call: Call, Path(name): Path<String>) -> Answer {
    call.query(&[])?;
    let flag = current(&call, &name).await?;
    ok(document(&call.base, &flag))
}

async fn update(call: Call, Path(name): Path<String>, body: Body) -> Answer {
    let mut flag = current(&call, &name).await?;
    call.need_admin()?;
    let mut fields = body.fields();
    let enabled = fields.flag("enabled");
    let words = fields.nullable_text("custom_error_message");
    fields.finish()?;
    flag.enabled = enabled.unwrap_or(flag.enabled);
    flag.custom_error_message = words.unwrap_or(flag.custom_error_message);
    flag.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.write_feature_flag(&flag).await?;
    tx.commit().await?;
    ok(document(&call.base, &flag))
}

async fn current(call: &Call, name: &str) -> Result<FeatureFlag, ApiError> {
    if usually(name).is_none() {
        return Err(ApiError::not_found("Feature flag"));
    }
    let flag = call.store().feature_flag(name).await?;
    Ok(flag.unwrap_or_else(|| usual(name)))
}

fn usually(name: &str) -> Option<bool> {
    let found = FLAGS.iter().find(|(known, _)| *known == name);
    found.map(|(_, enabled)| *enabled)
}

fn usual(name: &str) -> FeatureFlag {
    FeatureFlag {
        name: name.to_owned(),
        enabled: usually(name).unwrap_or(false),
        custom_error_message: None,
        updated_at: crate::model::Micros(0),
    }
}

fn document(base: &Base, flag: &FeatureFlag) -> Value {
    let updated = Some(flag.updated_at).filter(|at| at.0 > 0).map(rfc3339);
    json!({
        "name": flag.name,
        "enabled": flag.enabled,
        "updated_at": updated,
        "custom_error_message": flag.custom_error_message,
        "links": {"self": base.link(&format!("/v3/feature_flags/{}", flag.name))},
    })
}

/// Each flag, and whether it is on until the operator says otherwise.
const FLAGS: &[(&str, bool)] = &[
    ("app_bits_upload", true),
    ("app_scaling", true),
    ("diego_docker", true),
    ("hide_marketplace_from_unauthenticated_users", false),
    ("private_domain_creation", true),
    ("resource_matching", true),
    ("route_creation", true),
    ("service_instance_creation", true),
    ("set_roles_by_username", true),
    ("task_creation", true),
    ("unset_roles_by_username", true),
    ("user_org_creation", false),
];
