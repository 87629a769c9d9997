//! Organizations.

use axum::extract::Path;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use super::begin::DEFAULT_QUOTA;
use super::flags;
use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, JobOutcome, Metadata, Routes, created, ok,
    resource, rfc3339,
};
use crate::store::{Filter, Organization, OrganizationQuota, Role, RoleKind, Space, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Organizations")
        .get("/v3/organizations", "Lists organizations", list)
        .post("/v3/organizations", "Makes an organization", create)
        .get("/v3/organizations/{guid}", "Shows an organization", show)
        .patch(
            "/v3/organizations/{guid}",
            "Changes an organization",
            update,
        )
        .delete(
            "/v3/organizations/{guid}",
            "Takes an organization away with all in it",
            delete,
        )
        .get(
            "/v3/organizations/{guid}/usage_summary",
            "Shows what an organization uses",
            usage,
        )
        .get(
            "/v3/organizations/{guid}/relationships/default_isolation_segment",
            "Shows that there is no isolation segment",
            isolation_segment,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names"], BY_NAME)?;
    listing.within("names", "t.name");
    if let Some(filter) = call.caller.organization_filter("t.guid") {
        listing.keep(filter);
    }
    call.list::<Organization>(&listing).await
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let organization = call.organization(&guid).await?;
    ok(call.document(&organization).await?)
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let suspended = fields.flag("suspended").unwrap_or(false);
    let metadata = fields.metadata();
    fields.finish()?;
    if flags::need(&call, "user_org_creation").await.is_err() {
        return Err(ApiError::not_authorized());
    }
    let quota = call
        .store()
        .first::<OrganizationQuota>(vec![Filter::equals("t.name", DEFAULT_QUOTA)])
        .await?
        .ok_or_else(|| ApiError::unavailable("The default quota is missing"))?;
    let organization = Organization {
        guid: call.guid(),
        name,
        suspended,
        quota_guid: quota.guid,
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    taken(tx.insert_organization(&organization).await, &organization)?;
    tx.write_metadata(&organization.guid, &metadata).await?;
    if !call.caller.is_admin {
        for kind in [RoleKind::OrganizationUser, RoleKind::OrganizationManager] {
            tx.insert_role(&role_of(&call, kind, &organization)).await?;
        }
    }
    let event = call
        .event("audit.organization.create")
        .organization(&organization);
    let event = event.target("organization", &organization.guid, &organization.name);
    event.write(&mut tx).await?;
    tx.commit().await?;
    created(call.document(&organization).await?)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut organization = call.managed_organization(&guid).await?;
    let mut fields = body.fields();
    let name = fields.name("name");
    let suspended = fields.flag("suspended");
    let metadata = fields.metadata();
    fields.finish()?;
    if suspended.is_some() {
        call.need_admin()?;
    }
    organization.name = name.unwrap_or(organization.name);
    organization.suspended = suspended.unwrap_or(organization.suspended);
    organization.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    taken(tx.update_organization(&organization).await, &organization)?;
    tx.write_metadata(&guid, &metadata).await?;
    let event = call
        .event("audit.organization.update")
        .organization(&organization);
    event
        .target("organization", &guid, &organization.name)
        .write(&mut tx)
        .await?;
    tx.commit().await?;
    ok(call.document(&organization).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let organization = call.organization(&guid).await?;
    call.need_admin()?;
    let mut tx = call.store().begin().await?;
    let inside = vec![Filter::equals("t.organization_guid", guid.as_str())];
    let spaces = tx.all::<Space>(inside).await?;
    let apps = tx.apps_in_spaces(&spaces).await?;
    for space in &spaces {
        super::service_leftovers::of_space(&call, &mut tx, &space.guid).await?;
    }
    tx.delete_organization(&guid).await?;
    let event = call
        .event("audit.organization.delete-request")
        .organization(&organization);
    event
        .target("organization", &guid, &organization.name)
        .write(&mut tx)
        .await?;
    let job = call.guid();
    JobOutcome::Complete
        .write(&mut tx, &job, "organization.delete", call.now)
        .await?;
    tx.commit().await?;
    for app in apps {
        call.controller().app_changed(&app);
    }
    call.api.services().nudge();
    Ok(call.accepted(&job).into_response())
}

async fn usage(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let organization = call.organization(&guid).await?;
    let usage = call.store().usage_of(&organization.guid).await?;
    ok(json!({
        "usage_summary": {
            "started_instances": usage.instances,
            "memory_in_mb": usage.memory_mb,
            "routes": usage.routes,
            "service_instances": usage.service_instances,
        },
        "links": {
            "self": call.base.link(&format!("/v3/organizations/{guid}/usage_summary")),
            "organization": call.base.link(&format!("/v3/organizations/{guid}")),
        },
    }))
}

async fn isolation_segment(call: Call, Path(guid): Path<String>) -> Answer {
    call.organization(&guid).await?;
    let own = format!("/v3/organizations/{guid}/relationships/default_isolation_segment");
    ok(json!({"data": null, "links": {"self": call.base.link(&own)}}))
}

fn role_of(call: &Call, kind: RoleKind, organization: &Organization) -> Role {
    Role {
        guid: call.guid(),
        kind,
        user_guid: call.caller.guid().to_owned(),
        organization_guid: organization.guid.clone(),
        space_guid: String::new(),
        created_at: call.now,
        updated_at: call.now,
    }
}

fn taken(outcome: Result<(), StoreError>, organization: &Organization) -> Result<(), ApiError> {
    match outcome {
        Err(StoreError::Taken) => {
            let name = &organization.name;
            let detail = format!("Organization '{name}' already exists.");
            Err(ApiError::unprocessable(detail))
        }
        other => Ok(other?),
    }
}

resource!(Organization, document);

/// The document of an organization.
fn document(base: &Base, organization: &Organization, marks: &Metadata) -> Value {
    let own = format!("/v3/organizations/{}", organization.guid);
    json!({
        "guid": organization.guid,
        "created_at": rfc3339(organization.created_at),
        "updated_at": rfc3339(organization.updated_at),
        "name": organization.name,
        "suspended": organization.suspended,
        "relationships": {"quota": {"data": {"guid": organization.quota_guid}}},
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "domains": base.link(&format!("{own}/domains")),
            "default_domain": base.link(&format!("{own}/domains/default")),
            "quota": base.link(&format!("/v3/organization_quotas/{}", organization.quota_guid)),
        },
    })
}
