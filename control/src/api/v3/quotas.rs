//! Quotas of organizations.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, Fields, JobOutcome, Routes, created, ok, rfc3339,
};
use crate::store::{Filter, Organization, OrganizationQuota, QuotaLimits, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Organization quotas")
        .get("/v3/organization_quotas", "Lists quotas", list)
        .post("/v3/organization_quotas", "Makes a quota", create)
        .get("/v3/organization_quotas/{guid}", "Shows a quota", show)
        .patch("/v3/organization_quotas/{guid}", "Changes a quota", update)
        .delete(
            "/v3/organization_quotas/{guid}",
            "Takes a quota away",
            delete,
        )
        .post(
            "/v3/organization_quotas/{guid}/relationships/organizations",
            "Gives a quota to organizations",
            assign,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names", "organization_guids"], BY_NAME)?;
    listing.within("names", "t.name");
    listing.within_sql(
        "organization_guids",
        "t.guid IN (SELECT quota_guid FROM organizations WHERE guid IN ",
        ")",
    );
    let page = call.page::<OrganizationQuota>(&listing).await?;
    let mut documents = Vec::new();
    for quota in &page.items {
        documents.push(shown(&call, quota).await?);
    }
    let mut documents = documents.into_iter();
    ok(listing.document(&call.base, &page, |_| documents.next().unwrap_or_default()))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let quota = found(&call, &guid).await?;
    shown(&call, &quota).await.and_then(ok)
}

async fn create(call: Call, body: Body) -> Answer {
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let mut limits = QuotaLimits::default();
    read_limits(&mut fields, &mut limits);
    let organizations = fields.nested("relationships", |inner| inner.many("organizations"));
    fields.finish()?;
    let quota = OrganizationQuota {
        guid: call.guid(),
        name,
        limits,
        created_at: call.now,
        updated_at: call.now,
    };
    write(&call, &quota).await?;
    give(&call, &quota, &organizations.flatten().unwrap_or_default()).await?;
    shown(&call, &quota).await.and_then(created)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut quota = found(&call, &guid).await?;
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.name("name");
    read_limits(&mut fields, &mut quota.limits);
    fields.finish()?;
    quota.name = name.unwrap_or(quota.name);
    quota.updated_at = call.now;
    write(&call, &quota).await?;
    shown(&call, &quota).await.and_then(ok)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let quota = found(&call, &guid).await?;
    call.need_admin()?;
    let mut tx = call.store().begin().await?;
    match tx.delete_organization_quota(&quota.guid).await {
        Err(StoreError::Named) => {
            let detail = "This quota is applied to one or more organizations. \
                          Apply different quotas to those organizations before deleting.";
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    }
    let job = call.guid();
    JobOutcome::Complete
        .write(&mut tx, &job, "organization_quota.delete", call.now)
        .await?;
    tx.commit().await?;
    Ok(call.accepted(&job))
}

async fn assign(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let quota = found(&call, &guid).await?;
    call.need_admin()?;
    let guids = guids_of(&body)?;
    give(&call, &quota, &guids).await?;
    let all = holders(&call, &quota).await?;
    let own = format!("/v3/organization_quotas/{guid}/relationships/organizations");
    ok(json!({"data": all, "links": {"self": call.base.link(&own)}}))
}

/// `{"data": [{"guid": …}]}` as a whole body.
pub(super) fn guids_of(body: &Body) -> Result<Vec<String>, ApiError> {
    let mut fields = body.fields();
    let entries = fields.value("data").and_then(Value::as_array);
    let guid = |entry: &Value| Some(entry.get("guid")?.as_str()?.to_owned());
    let guids = entries.and_then(|entries| entries.iter().map(guid).collect::<Option<Vec<_>>>());
    if guids.is_none() {
        fields.problem("Data must be an array of objects with a guid");
    }
    fields.finish()?;
    Ok(guids.unwrap_or_default())
}

async fn give(call: &Call, quota: &OrganizationQuota, guids: &[String]) -> Result<(), ApiError> {
    let mut tx = call.store().begin().await?;
    for guid in guids {
        let found = tx
            .first::<Organization>(vec![Filter::equals("t.guid", guid)])
            .await?;
        let Some(mut organization) = found else {
            let detail = format!("Organizations with guids [\"{guid}\"] do not exist");
            return Err(ApiError::unprocessable(detail));
        };
        organization.quota_guid.clone_from(&quota.guid);
        organization.updated_at = call.now;
        tx.update_organization(&organization).await?;
    }
    Ok(tx.commit().await?)
}

async fn write(call: &Call, quota: &OrganizationQuota) -> Result<(), ApiError> {
    let mut tx = call.store().begin().await?;
    match tx.write_organization_quota(quota).await {
        Err(StoreError::Taken) => {
            let name = &quota.name;
            let detail = format!("Organization Quota '{name}' already exists.");
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    }
    Ok(tx.commit().await?)
}

async fn found(call: &Call, guid: &str) -> Result<OrganizationQuota, ApiError> {
    let quota = call.store().organization_quota(guid).await?;
    quota.ok_or_else(|| ApiError::not_found("Organization quota"))
}

async fn holders(call: &Call, quota: &OrganizationQuota) -> Result<Vec<Value>, ApiError> {
    let holders = vec![Filter::equals("t.quota_guid", quota.guid.as_str())];
    let all = call.store().all::<Organization>(holders).await?;
    let seen = all
        .iter()
        .filter(|one| call.caller.reads_organization(&one.guid));
    Ok(seen.map(|one| json!({"guid": one.guid})).collect())
}

/// Reads the limits that are there: a number sets one, `null` takes it away.
fn read_limits(fields: &mut Fields<'_>, limits: &mut QuotaLimits) {
    fields.nested("apps", |apps| {
        limit(apps, "total_memory_in_mb", &mut limits.total_memory_in_mb);
        limit(
            apps,
            "per_process_memory_in_mb",
            &mut limits.per_process_memory_in_mb,
        );
        limit(
            apps,
            "log_rate_limit_in_bytes_per_second",
            &mut limits.log_rate_limit_in_bytes_per_second,
        );
        limit(apps, "total_instances", &mut limits.total_instances);
        limit(apps, "per_app_tasks", &mut limits.per_app_tasks);
    });
    fields.nested("services", |services| {
        if let Some(allowed) = services.flag("paid_services_allowed") {
            limits.paid_services_allowed = Some(allowed);
        }
        limit(
            services,
            "total_service_instances",
            &mut limits.total_service_instances,
        );
        limit(
            services,
            "total_service_keys",
            &mut limits.total_service_keys,
        );
    });
    fields.nested("routes", |routes| {
        limit(routes, "total_routes", &mut limits.total_routes);
        limit(
            routes,
            "total_reserved_ports",
            &mut limits.total_reserved_ports,
        );
    });
    fields.nested("domains", |domains| {
        limit(domains, "total_domains", &mut limits.total_domains);
    });
}

fn limit(fields: &mut Fields<'_>, name: &'static str, kept: &mut Option<i64>) {
    if let Some(given) = fields.nullable_integer(name, 0..=MAX_LIMIT) {
        *kept = given;
    }
}

async fn shown(call: &Call, quota: &OrganizationQuota) -> Result<Value, ApiError> {
    let mut relationships = Map::new();
    let data = holders(call, quota).await?;
    relationships.insert("organizations".to_owned(), json!({"data": data}));
    Ok(document(&call.base, quota, relationships.into()))
}

fn document(base: &Base, quota: &OrganizationQuota, relationships: Value) -> Value {
    let limits = &quota.limits;
    json!({
        "guid": quota.guid,
        "created_at": rfc3339(quota.created_at),
        "updated_at": rfc3339(quota.updated_at),
        "name": quota.name,
        "apps": {
            "total_memory_in_mb": limits.total_memory_in_mb,
            "per_process_memory_in_mb": limits.per_process_memory_in_mb,
            "log_rate_limit_in_bytes_per_second": limits.log_rate_limit_in_bytes_per_second,
            "total_instances": limits.total_instances,
            "per_app_tasks": limits.per_app_tasks,
        },
        "services": {
            "paid_services_allowed": limits.paid_services_allowed.unwrap_or(true),
            "total_service_instances": limits.total_service_instances,
            "total_service_keys": limits.total_service_keys,
        },
        "routes": {
            "total_routes": limits.total_routes,
            "total_reserved_ports": limits.total_reserved_ports,
        },
        "domains": {"total_domains": limits.total_domains},
        "relationships": relationships,
        "links": {"self": base.link(&format!("/v3/organization_quotas/{}", quota.guid))},
    })
}

const MAX_LIMIT: i64 = 2_147_483_647;
