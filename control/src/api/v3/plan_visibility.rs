//! Who may have a plan.

use axum::extract::Path;
use serde_json::{Value, json};

use super::plans::plan;
use crate::api::{Answer, ApiError, Body, Call, Fields, Routes, no_content, ok};
use crate::model::{ServicePlan, Visibility};
use crate::store::{Filter, Organization, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get(
            "/v3/service_plans/{guid}/visibility",
            "Tells who may have a plan",
            show,
        )
        .post(
            "/v3/service_plans/{guid}/visibility",
            "Lets more organizations have a plan",
            extend,
        )
        .patch(
            "/v3/service_plans/{guid}/visibility",
            "Says who may have a plan",
            replace,
        )
        .delete(
            "/v3/service_plans/{guid}/visibility/{organization}",
            "Takes a plan from an organization",
            hide,
        )
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let plan = plan(&call, &guid).await?;
    ok(document(&call, &plan).await?)
}

async fn extend(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    write(&call, &guid, (&body, true)).await
}

async fn replace(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    write(&call, &guid, (&body, false)).await
}

async fn write(call: &Call, guid: &str, (body, adds): (&Body, bool)) -> Answer {
    let mut fields = body.fields();
    let kind = fields.required_text("type");
    let named = organizations_in(&mut fields);
    let visibility = Visibility::parse(&kind).filter(|kind| *kind != Visibility::Space);
    if visibility.is_none() && !kind.is_empty() {
        fields.problem("Type must be one of 'public', 'admin', 'organization'");
    }
    if visibility == Some(Visibility::Organization) && named.is_empty() {
        fields.problem_of("organizations", "can't be blank");
    }
    fields.finish()?;
    let plan = plan(call, guid).await?;
    call.need_admin()?;
    if plan.visibility == Visibility::Space {
        return Err(ApiError::unprocessable(
            "cannot update plans with visibility type 'space'",
        ));
    }
    let visibility = visibility.unwrap_or(plan.visibility);
    let mut tx = call.store().begin().await?;
    let keeps = adds && visibility == plan.visibility;
    if !keeps {
        tx.show_plan(guid, visibility, call.now).await?;
    }
    if visibility == Visibility::Organization {
        for organization in &named {
            let shown = tx.show_plan_to(guid, organization).await;
            shown.map_err(|error| no_organization(error, organization))?;
        }
    }
    let event = call.event("audit.service_plan_visibility.update");
    event
        .target("service_plan", guid, &plan.name)
        .data(json!({ "request": { "type": visibility.as_str(), "organizations": named } }))
        .write(&mut tx)
        .await?;
    tx.commit().await?;
    let plan = super::plans::plan(call, guid).await?;
    ok(document(call, &plan).await?)
}

async fn hide(call: Call, Path((guid, organization)): Path<(String, String)>) -> Answer {
    let plan = plan(&call, &guid).await?;
    call.need_admin()?;
    if plan.visibility != Visibility::Organization {
        return Err(ApiError::unprocessable(format!(
            "Cannot delete organization visibility when visibility type is '{}'",
            plan.visibility.as_str()
        )));
    }
    let mut tx = call.store().begin().await?;
    if tx.hide_plan_from(&guid, &organization).await? == 0 {
        return Err(ApiError::not_found("Service plan visibility"));
    }
    tx.commit().await?;
    no_content()
}

async fn document(call: &Call, plan: &ServicePlan) -> Result<Value, ApiError> {
    let kind = plan.visibility.as_str();
    if plan.visibility == Visibility::Organization {
        let guids = call.store().organizations_of_plan(&plan.guid).await?;
        let mut filters = vec![Filter::within("t.guid", &guids)];
        filters.extend(call.caller.organization_filter("t.guid"));
        let found: Vec<Organization> = call.store().all(filters).await?;
        let named: Value = found
            .iter()
            .map(|one| json!({ "guid": one.guid, "name": one.name }))
            .collect();
        return Ok(json!({ "type": kind, "organizations": named }));
    }
    Ok(json!({ "type": kind }))
}

/// `[{"guid": …}, …]`
fn organizations_in(fields: &mut Fields<'_>) -> Vec<String> {
    let guid = |entry: &Value| entry.get("guid")?.as_str().map(str::to_owned);
    let guids = match fields.value("organizations") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => value
            .as_array()
            .and_then(|entries| entries.iter().map(guid).collect()),
    };
    guids.unwrap_or_else(|| {
        fields.problem_of("organizations", "must be a list of objects with a guid");
        Vec::new()
    })
}

fn no_organization(error: StoreError, guid: &str) -> ApiError {
    match error {
        StoreError::Named => ApiError::unprocessable(format!(
            "Could not find Organization with guid: {}",
            guid.escape_debug()
        )),
        other => other.into(),
    }
}
