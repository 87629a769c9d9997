//! What a list brings along besides its own rows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::api::{ApiError, Call, Query, rfc3339};
use crate::model::App;
use crate::store::{Filter, Organization, Space};

/// The spaces of applications, and their organizations, when a request asks for them.
pub(super) async fn spaces_of(
    call: &Call,
    query: &Query,
    apps: &[App],
) -> Result<Option<Map<String, Value>>, ApiError> {
    let organizations_too = query.includes("space.organization") || query.includes("org");
    if !query.includes("space") && !organizations_too {
        return Ok(None);
    }
    let guids: BTreeSet<&String> = apps.iter().map(|app| &app.space_guid).collect();
    let spaces: Vec<Space> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let mut included = Map::new();
    included.insert(
        "spaces".to_owned(),
        spaces.iter().map(|s| space(call, s)).collect(),
    );
    if organizations_too {
        let guids: BTreeSet<&String> = spaces.iter().map(|s| &s.organization_guid).collect();
        let found: Vec<Organization> = call
            .store()
            .all(vec![Filter::within("t.guid", guids)])
            .await?;
        let shown = found.iter().map(|o| organization(call, o)).collect();
        included.insert("organizations".to_owned(), shown);
    }
    Ok(Some(included))
}

/// Puts what is included into a list's document.
pub(super) fn put(answer: &mut Value, included: Map<String, Value>) {
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("included".to_owned(), Value::Object(included));
    }
}

fn space(call: &Call, space: &Space) -> Value {
    json!({
        "guid": space.guid,
        "name": space.name,
        "created_at": rfc3339(space.created_at),
        "updated_at": rfc3339(space.updated_at),
        "relationships": { "organization": { "data": { "guid": space.organization_guid } } },
        "links": { "self": call.base.link(&format!("/v3/spaces/{}", space.guid)) },
    })
}

fn organization(call: &Call, organization: &Organization) -> Value {
    json!({
        "guid": organization.guid,
        "name": organization.name,
        "suspended": organization.suspended,
        "created_at": rfc3339(organization.created_at),
        "updated_at": rfc3339(organization.updated_at),
        "relationships": { "quota": { "data": { "guid": organization.quota_guid } } },
        "links": { "self": call.base.link(&format!("/v3/organizations/{}", organization.guid)) },
    })
}
