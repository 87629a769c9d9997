//! Domains: under which names applications are reached.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::{flags, quotas};
use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, JobOutcome, Marks, Routes, created, no_content,
    ok, rfc3339,
};
use crate::store::{Domain, Filter, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Domains")
        .get("/v3/domains", "Lists domains", list)
        .post("/v3/domains", "Makes a domain", create)
        .get("/v3/domains/{guid}", "Shows a domain", show)
        .patch("/v3/domains/{guid}", "Marks a domain", update)
        .delete("/v3/domains/{guid}", "Takes a domain away", delete)
        .get(
            "/v3/organizations/{guid}/domains",
            "Lists the domains of an organization",
            of_organization,
        )
        .get(
            "/v3/organizations/{guid}/domains/default",
            "Shows the usual domain",
            usual,
        )
        .post(
            "/v3/domains/{guid}/relationships/shared_organizations",
            "Shares a domain with organizations",
            share,
        )
        .delete(
            "/v3/domains/{guid}/relationships/shared_organizations/{organization}",
            "Ends the sharing of a domain",
            unshare,
        )
}

async fn list(call: Call) -> Answer {
    listed(&call, visible(&call)).await
}

async fn of_organization(call: Call, Path(guid): Path<String>) -> Answer {
    let organization = call.organization(&guid).await?;
    listed(&call, Some(usable_by(&organization.guid))).await
}

async fn listed(call: &Call, filter: Option<Filter>) -> Answer {
    let mut listing = call.listing(&["names", "organization_guids"], BY_NAME)?;
    listing.within("names", "t.name");
    listing.within("organization_guids", "t.organization_guid");
    filter.into_iter().for_each(|filter| listing.keep(filter));
    let page = call.page::<Domain>(&listing).await?;
    let marks = call
        .marks(page.items.iter().map(|one| one.guid.as_str()))
        .await?;
    let mut documents = Vec::new();
    for domain in &page.items {
        documents.push(document(call, domain, &marks).await?);
    }
    let mut documents = documents.into_iter();
    ok(listing.document(&call.base, &page, |_| documents.next().unwrap_or_default()))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let domain = found(&call, &guid).await?;
    shown(&call, &domain).await.and_then(ok)
}

async fn usual(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let organization = call.organization(&guid).await?;
    let filters = vec![
        usable_by(&organization.guid),
        Filter::equals("t.internal", 0_i64),
    ];
    let domains = call.store().all::<Domain>(filters).await?;
    let wanted = &call.api.settings().domain;
    let domain = domains
        .iter()
        .find(|domain| domain.name == *wanted)
        .or_else(|| domains.first())
        .ok_or_else(|| ApiError::not_found("Domain"))?;
    shown(&call, domain).await.and_then(ok)
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.required_name("name").to_lowercase();
    if !name.is_empty() && !is_domain(&name) {
        fields.problem("Name does not comply with RFC 1035 standards");
    }
    let internal = fields.flag("internal").unwrap_or(false);
    fields.value("router_group");
    let relationships = fields.nested("relationships", |inner| {
        let organization = inner.one("organization").flatten();
        (
            organization,
            inner.many("shared_organizations").unwrap_or_default(),
        )
    });
    let (organization, shared) = relationships.unwrap_or_default();
    if internal && organization.is_some() {
        fields.problem("Can not associate an internal domain with an organization");
    }
    if organization.is_none() && !shared.is_empty() {
        fields.problem("Cannot share domain without an owning organization");
    }
    let metadata = fields.metadata();
    fields.finish()?;
    check_owner(&call, organization.as_deref()).await?;
    let domain = Domain {
        guid: call.guid(),
        name,
        internal,
        organization_guid: organization,
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    taken(tx.insert_domain(&domain).await, &domain)?;
    tx.write_metadata(&domain.guid, &metadata).await?;
    for organization in &shared {
        tx.share_domain(&domain.guid, organization).await?;
    }
    tx.commit().await?;
    shown(&call, &domain).await.and_then(created)
}

/// Everybody's domains are made by administrators, an organization's by its managers.
async fn check_owner(call: &Call, organization: Option<&str>) -> Result<(), ApiError> {
    let Some(guid) = organization else {
        return call.need_admin();
    };
    match call.managed_organization(guid).await {
        Err(refused) if refused.code() == crate::api::Code::ResourceNotFound => {
            let detail =
                "Organization with the given guid does not exist or you do not have access to it.";
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    };
    flags::need(call, "private_domain_creation").await
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let domain = owned(&call, &guid).await?;
    let mut fields = body.fields();
    let metadata = fields.metadata();
    fields.finish()?;
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&domain.guid, &metadata).await?;
    tx.commit().await?;
    shown(&call, &domain).await.and_then(ok)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let domain = owned(&call, &guid).await?;
    let shares = call.store().domain_shares(&domain.guid).await?;
    if !shares.is_empty() {
        let detail = "This domain is shared with other organizations. Unshare before deleting.";
        return Err(ApiError::unprocessable(detail));
    }
    let job = call.guid();
    let mut tx = call.store().begin().await?;
    let apps = tx.apps_under_domain(&domain.guid).await?;
    tx.delete_domain(&domain.guid).await?;
    JobOutcome::Complete
        .write(&mut tx, &job, "domain.delete", call.now)
        .await?;
    tx.commit().await?;
    for app in apps {
        call.controller().app_changed(&app);
    }
    Ok(call.accepted(&job))
}

async fn share(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let domain = owned(&call, &guid).await?;
    let guids = quotas::guids_of(&body)?;
    if domain.organization_guid.is_none() {
        return Err(ApiError::unprocessable(
            "Domains can not be shared with other organizations unless they are scoped to an organization.",
        ));
    }
    let mut tx = call.store().begin().await?;
    for organization in &guids {
        tx.share_domain(&domain.guid, organization).await?;
    }
    tx.commit().await?;
    let all = call.store().domain_shares(&domain.guid).await?;
    let all: Vec<Value> = all.iter().map(|guid| json!({"guid": guid})).collect();
    ok(json!({"data": all}))
}

async fn unshare(call: Call, Path((guid, organization)): Path<(String, String)>) -> Answer {
    let domain = owned(&call, &guid).await?;
    let shares = call.store().domain_shares(&domain.guid).await?;
    if !shares.contains(&organization) {
        let detail = "Unable to unshare domain from organization. Ensure the domain is shared to this organization.";
        return Err(ApiError::unprocessable(detail));
    }
    let mut tx = call.store().begin().await?;
    tx.unshare_domain(&domain.guid, &organization).await?;
    tx.commit().await?;
    no_content()
}

async fn found(call: &Call, guid: &str) -> Result<Domain, ApiError> {
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(visible(call));
    let domain: Option<Domain> = call.store().first(filters).await?;
    domain.ok_or_else(|| ApiError::not_found("Domain"))
}

/// The domain, if the caller may change it.
async fn owned(call: &Call, guid: &str) -> Result<Domain, ApiError> {
    let domain = found(call, guid).await?;
    match &domain.organization_guid {
        None => call.need_admin()?,
        Some(owner) if call.caller.manages_organization(owner) => {}
        Some(_) => return Err(ApiError::not_authorized()),
    }
    Ok(domain)
}

fn usable_by(organization: &str) -> Filter {
    Filter::sql("t.organization_guid IS NULL OR t.organization_guid = ")
        .value(organization)
        .then(" OR t.guid IN (SELECT domain_guid FROM domain_shares WHERE organization_guid = ")
        .value(organization)
        .then(")")
}

fn visible(call: &Call) -> Option<Filter> {
    if call.caller.is_admin {
        return None;
    }
    let user = call.caller.guid();
    let filter = Filter::sql(
        "t.organization_guid IS NULL OR t.organization_guid IN \
         (SELECT organization_guid FROM roles WHERE organization_guid <> '' AND user_guid = ",
    )
    .value(user)
    .then(
        ") OR t.guid IN (SELECT d.domain_guid FROM domain_shares d JOIN roles r \
         ON r.organization_guid = d.organization_guid WHERE r.user_guid = ",
    )
    .value(user)
    .then(")");
    Some(filter)
}

fn taken(outcome: Result<(), StoreError>, domain: &Domain) -> Result<(), ApiError> {
    match outcome {
        Err(StoreError::Taken) => {
            let name = &domain.name;
            let detail = format!("The domain name \"{name}\" is already in use");
            Err(ApiError::unprocessable(detail))
        }
        other => Ok(other?),
    }
}

/// Labels of letters, digits and hyphens, joined by dots.
fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

async fn shown(call: &Call, domain: &Domain) -> Result<Value, ApiError> {
    let marks = call.marks([domain.guid.as_str()]).await?;
    document(call, domain, &marks).await
}

async fn document(call: &Call, domain: &Domain, marks: &Marks) -> Result<Value, ApiError> {
    let shares = match domain.organization_guid {
        Some(_) => call.store().domain_shares(&domain.guid).await?,
        None => Vec::new(),
    };
    Ok(render(&call.base, domain, marks.of(&domain.guid), &shares))
}

fn render(base: &Base, domain: &Domain, metadata: Value, shares: &[String]) -> Value {
    let own = format!("/v3/domains/{}", domain.guid);
    let shares: Vec<Value> = shares.iter().map(|guid| json!({"guid": guid})).collect();
    let owner = domain.organization_guid.as_ref();
    let mut links = Map::new();
    links.insert("self".to_owned(), base.link(&own));
    links.insert(
        "route_reservations".to_owned(),
        base.link(&format!("{own}/route_reservations")),
    );
    links.insert(
        "shared_organizations".to_owned(),
        base.link(&format!("{own}/relationships/shared_organizations")),
    );
    if let Some(owner) = owner {
        let path = format!("/v3/organizations/{owner}");
        links.insert("organization".to_owned(), base.link(&path));
    }
    json!({
        "guid": domain.guid,
        "created_at": rfc3339(domain.created_at),
        "updated_at": rfc3339(domain.updated_at),
        "name": domain.name,
        "internal": domain.internal,
        "router_group": null,
        "supported_protocols": ["http"],
        "metadata": metadata,
        "relationships": {
            "organization": {"data": owner.map(|guid| json!({"guid": guid}))},
            "shared_organizations": {"data": shares},
        },
        "links": links,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_labels_joined_by_dots() {
        for good in ["a.example.com", "x-1.io"] {
            assert!(is_domain(good), "{good}");
        }
        let long = format!("{}.com", "a".repeat(64));
        for bad in [
            "localhost",
            "-a.com",
            "a..com",
            "a_b.com",
            "a.com.",
            long.as_str(),
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
