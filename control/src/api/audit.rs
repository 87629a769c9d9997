//! Audit events: who did what to which resource, written in the transaction that does it.

use axum::extract::Path;
use serde_json::{Value, json};

use super::listing::BY_TIME;
use super::{Answer, ApiError, Base, Call, Routes, ok, rfc3339, state};
use crate::model::Micros;
use crate::store::{AuditEvent, Filter, Organization, Party, Space, Tx};

/// An event that is being put together.
#[derive(Clone, Debug)]
#[must_use]
pub struct Event(AuditEvent);

impl Event {
    /// An event of this kind, as in `audit.app.create`.
    pub fn new(kind: &str, actor: Party, now: Micros) -> Self {
        let nobody = Party {
            guid: String::new(),
            kind: String::new(),
            name: String::new(),
        };
        Self(AuditEvent {
            guid: state::guid(),
            kind: kind.to_owned(),
            actor,
            target: nobody,
            space_guid: String::new(),
            organization_guid: String::new(),
            data: json!({}),
            created_at: now,
        })
    }

    /// To what it was done: kind as in `app`, guid and name.
    pub fn target(mut self, kind: &str, guid: &str, name: &str) -> Self {
        self.0.target = Party {
            guid: guid.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        self
    }

    /// In which space.
    pub fn space(mut self, space: &Space) -> Self {
        self.0.space_guid.clone_from(&space.guid);
        self.0
            .organization_guid
            .clone_from(&space.organization_guid);
        self
    }

    /// In which organization.
    pub fn organization(mut self, organization: &Organization) -> Self {
        self.0.organization_guid.clone_from(&organization.guid);
        self
    }

    /// What else is worth knowing. Never a secret.
    pub fn data(mut self, data: Value) -> Self {
        self.0.data = data;
        self
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub async fn write(self, tx: &mut Tx) -> Result<(), ApiError> {
        Ok(tx.insert_audit_event(&self.0).await?)
    }
}

pub(super) fn routes() -> Routes {
    Routes::new("Audit events")
        .get("/v3/audit_events", "Lists audit events", list)
        .get("/v3/audit_events/{guid}", "Shows an audit event", show)
}

async fn list(call: Call) -> Answer {
    let filters = ["types", "target_guids", "space_guids", "organization_guids"];
    let mut listing = call.listing(&filters, BY_TIME)?;
    listing.within("types", "t.type");
    listing.within("target_guids", "t.target_guid");
    listing.within("space_guids", "t.space_guid");
    listing.within("organization_guids", "t.organization_guid");
    if let Some(filter) = visible(&call) {
        listing.keep(filter);
    }
    let page = call.page::<AuditEvent>(&listing).await?;
    ok(listing.document(&call.base, &page, |event| document(&call.base, event)))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(visible(&call));
    let event: Option<AuditEvent> = call.store().first(filters).await?;
    let event = event.ok_or_else(|| ApiError::not_found("Event"))?;
    ok(document(&call.base, &event))
}

/// An event is seen by those who see its space; one without a space by its organization's managers.
fn visible(call: &Call) -> Option<Filter> {
    if call.caller.is_admin {
        return None;
    }
    let user = call.caller.guid();
    let filter = Filter::sql("t.space_guid IN (SELECT space_guid FROM roles WHERE user_guid = ")
        .value(user)
        .then(
            " AND space_guid <> '') OR t.organization_guid IN \
             (SELECT organization_guid FROM roles WHERE organization_guid <> '' \
             AND type IN ('organization_manager', 'organization_auditor') AND user_guid = ",
        )
        .value(user)
        .then(")");
    Some(filter)
}

fn document(base: &Base, event: &AuditEvent) -> Value {
    let named = |guid: &str| match guid {
        "" => Value::Null,
        guid => json!({"guid": guid}),
    };
    let party = |party: &Party| json!({"guid": party.guid, "type": party.kind, "name": party.name});
    json!({
        "guid": event.guid,
        "created_at": rfc3339(event.created_at),
        "updated_at": rfc3339(event.created_at),
        "type": event.kind,
        "actor": party(&event.actor),
        "target": party(&event.target),
        "data": event.data,
        "space": named(&event.space_guid),
        "organization": named(&event.organization_guid),
        "links": {"self": base.link(&format!("/v3/audit_events/{}", event.guid))},
    })
}
