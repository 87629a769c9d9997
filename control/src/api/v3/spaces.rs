//! Spaces.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, JobOutcome, Metadata, Need, Routes, created, ok,
    resource, rfc3339,
};
use crate::store::{Filter, Organization, Space, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Spaces")
        .get("/v3/spaces", "Lists spaces", list)
        .post("/v3/spaces", "Makes a space", create)
        .get("/v3/spaces/{guid}", "Shows a space", show)
        .patch("/v3/spaces/{guid}", "Changes a space", update)
        .delete(
            "/v3/spaces/{guid}",
            "Takes a space away with all in it",
            delete,
        )
        .get(
            "/v3/spaces/{guid}/relationships/isolation_segment",
            "Shows that there is no isolation segment",
            isolation_segment,
        )
        .get(
            "/v3/spaces/{guid}/features",
            "Lists the features of a space",
            features,
        )
        .get(
            "/v3/spaces/{guid}/features/{name}",
            "Shows a feature of a space",
            feature,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names", "organization_guids", "include"], BY_NAME)?;
    listing.query.check_includes(INCLUDES)?;
    listing.within("names", "t.name");
    listing.within("organization_guids", "t.organization_guid");
    if let Some(filter) = call.caller.space_filter("t.guid") {
        listing.keep(filter);
    }
    let (spaces, mut whole) = call.listed::<Space>(&listing, |_, _| ()).await?;
    if listing.query.includes("org") || listing.query.includes("organization") {
        let included = organizations_of(&call, &spaces).await?;
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("included".to_owned(), included);
        }
    }
    ok(whole)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["include"])?;
    query.check_includes(INCLUDES)?;
    let space = call.space(&guid, Need::Read, "Space").await?;
    let mut whole = call.document(&space).await?;
    if query.includes("org") || query.includes("organization") {
        let included = organizations_of(&call, std::slice::from_ref(&space)).await?;
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("included".to_owned(), included);
        }
    }
    ok(whole)
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let organization = fields.relationship("organization");
    let metadata = fields.metadata();
    fields.finish()?;
    let organization = match call.managed_organization(&organization).await {
        Err(refused) if refused.code() == crate::api::Code::ResourceNotFound => {
            let detail =
                "Invalid organization. Ensure the organization exists and you have access to it.";
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    };
    let space = Space {
        guid: call.guid(),
        name,
        organization_guid: organization.guid.clone(),
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    taken(tx.insert_space(&space).await)?;
    tx.write_metadata(&space.guid, &metadata).await?;
    let event = call.event("audit.space.create").space(&space);
    event
        .target("space", &space.guid, &space.name)
        .write(&mut tx)
        .await?;
    tx.commit().await?;
    created(call.document(&space).await?)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut space = call.space(&guid, Need::Manage, "Space").await?;
    let mut fields = body.fields();
    let name = fields.name("name");
    let metadata = fields.metadata();
    fields.finish()?;
    space.name = name.unwrap_or(space.name);
    space.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    taken(tx.update_space(&space).await)?;
    tx.write_metadata(&guid, &metadata).await?;
    let event = call.event("audit.space.update").space(&space);
    event
        .target("space", &guid, &space.name)
        .write(&mut tx)
        .await?;
    tx.commit().await?;
    ok(call.document(&space).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let space = call.space(&guid, Need::Read, "Space").await?;
    call.managed_organization(&space.organization_guid)
        .await
        .map_err(|refused| {
            // Who sees the space knows that it is there.
            match refused.code() {
                crate::api::Code::ResourceNotFound => ApiError::not_authorized(),
                _ => refused,
            }
        })?;
    let mut tx = call.store().begin().await?;
    let apps = tx.apps_in_spaces(std::slice::from_ref(&space)).await?;
    super::service_leftovers::of_space(&call, &mut tx, &guid).await?;
    tx.delete_space(&guid).await?;
    let event = call.event("audit.space.delete-request").space(&space);
    event
        .target("space", &guid, &space.name)
        .write(&mut tx)
        .await?;
    let job = call.guid();
    JobOutcome::Complete
        .write(&mut tx, &job, "space.delete", call.now)
        .await?;
    tx.commit().await?;
    for app in apps {
        call.controller().app_changed(&app);
    }
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

async fn isolation_segment(call: Call, Path(guid): Path<String>) -> Answer {
    call.space(&guid, Need::Read, "Space").await?;
    let own = format!("/v3/spaces/{guid}/relationships/isolation_segment");
    ok(json!({"data": null, "links": {"self": call.base.link(&own)}}))
}

async fn features(call: Call, Path(guid): Path<String>) -> Answer {
    call.space(&guid, Need::Read, "Space").await?;
    ok(json!({"resources": [ssh()]}))
}

async fn feature(call: Call, Path((guid, name)): Path<(String, String)>) -> Answer {
    call.space(&guid, Need::Read, "Space").await?;
    if name == "ssh" {
        ok(ssh())
    } else {
        Err(ApiError::not_found("Feature"))
    }
}

fn ssh() -> Value {
    json!({"name": "ssh", "description": "Enable SSHing into apps in the space.", "enabled": false})
}

async fn organizations_of(call: &Call, spaces: &[Space]) -> Result<Value, ApiError> {
    let guids = spaces.iter().map(|space| space.organization_guid.as_str());
    let found = call
        .store()
        .all::<Organization>(vec![Filter::within("t.guid", guids)])
        .await?;
    Ok(json!({"organizations": call.documents(&found).await?}))
}

fn taken(outcome: Result<(), StoreError>) -> Result<(), ApiError> {
    match outcome {
        Err(StoreError::Taken) => Err(ApiError::unprocessable(
            "Name must be unique per organization",
        )),
        other => Ok(other?),
    }
}

resource!(Space, document);

/// The document of a space.
fn document(base: &Base, space: &Space, marks: &Metadata) -> Value {
    let own = format!("/v3/spaces/{}", space.guid);
    let organization = &space.organization_guid;
    json!({
        "guid": space.guid,
        "created_at": rfc3339(space.created_at),
        "updated_at": rfc3339(space.updated_at),
        "name": space.name,
        "relationships": {
            "organization": {"data": {"guid": organization}},
            "quota": {"data": null},
        },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "organization": base.link(&format!("/v3/organizations/{organization}")),
            "features": base.link(&format!("{own}/features")),
            "apply_manifest": base.link_with(&format!("{own}/actions/apply_manifest"), "POST"),
        },
    })
}

const INCLUDES: &[&str] = &["org", "organization"];
