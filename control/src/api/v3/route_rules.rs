//! Which routes a space may have.

use crate::api::{ApiError, Call};
use crate::model::Route;
use crate::store::{Domain, Filter, Space, StoreError, Tx};

/// The domain that a body names, if the space's organization may use it.
pub(super) async fn domain_by_guid(
    tx: &mut Tx,
    space: &Space,
    guid: &str,
) -> Result<Domain, ApiError> {
    let found: Option<Domain> = tx
        .first(vec![Filter::equals("t.guid", guid), usable_by(space)])
        .await?;
    found.ok_or_else(|| {
        ApiError::unprocessable(
            "Invalid domain. Ensure that the domain exists and you have access to it.",
        )
    })
}

/// All domains that the space's organization may use, oldest first.
pub(super) async fn domains(tx: &mut Tx, space: &Space) -> Result<Vec<Domain>, ApiError> {
    Ok(tx.all(vec![usable_by(space)]).await?)
}

/// Writes a route, if the space may have it.
pub(super) async fn insert(
    call: &Call,
    tx: &mut Tx,
    space: &Space,
    (route, domain): (&Route, &Domain),
) -> Result<(), ApiError> {
    if route.host.is_empty() && domain.organization_guid.is_none() {
        return Err(ApiError::unprocessable(
            "Missing host. Routes in shared domains must have a host defined.",
        ));
    }
    if domain.name == call.api.settings().domain && RESERVED.contains(&route.host.as_str()) {
        return Err(ApiError::unprocessable(format!(
            "Route already exists: host '{}' is reserved for the platform.",
            route.host
        )));
    }
    check_quota(call, tx, space).await?;
    check_neighbours(tx, route).await?;
    tx.insert_route(route).await.map_err(|error| match error {
        StoreError::Taken => ApiError::unprocessable(taken(route)),
        other => other.into(),
    })
}

/// One host belongs to one space, whatever its paths, so that nobody can take a part of another's
/// traffic.
async fn check_neighbours(tx: &mut Tx, route: &Route) -> Result<(), ApiError> {
    let neighbours: Vec<Route> = tx
        .all(vec![
            Filter::equals("t.domain_guid", &route.domain_guid),
            Filter::equals("t.host", &route.host),
        ])
        .await?;
    if neighbours
        .iter()
        .any(|other| other.path == route.path && other.port == route.port)
    {
        return Err(ApiError::unprocessable(taken(route)));
    }
    if neighbours
        .iter()
        .any(|other| other.space_guid != route.space_guid)
    {
        return Err(ApiError::unprocessable(
            "Routes for this host and domain have been reserved for another space.",
        ));
    }
    Ok(())
}

async fn check_quota(call: &Call, tx: &mut Tx, space: &Space) -> Result<(), ApiError> {
    let limits = call.store().quota_of(&space.organization_guid).await?;
    let Some(most) = limits.total_routes else {
        return Ok(());
    };
    let here = Filter::sql("t.space_guid IN (SELECT guid FROM spaces WHERE organization_guid = ")
        .value(&space.organization_guid)
        .then(")");
    let routes: Vec<Route> = tx.all(vec![here]).await?;
    let after = u64::try_from(routes.len())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let organization = call.store().organization(&space.organization_guid).await?;
    let name = organization
        .map(|organization| organization.name)
        .unwrap_or_default();
    let words = format!("Routes quota exceeded for organization '{name}'.");
    super::quota::refuse_over(after, most, &words)
}

fn taken(route: &Route) -> String {
    let path = match route.path.as_str() {
        "" => String::new(),
        path => format!(" and path '{path}'"),
    };
    format!(
        "Route already exists with host '{}'{path} for domain '{}'.",
        route.host, route.domain_name
    )
}

fn usable_by(space: &Space) -> Filter {
    Filter::sql("t.organization_guid IS NULL OR t.organization_guid = ")
        .value(&space.organization_guid)
        .then(" OR t.guid IN (SELECT domain_guid FROM domain_shares WHERE organization_guid = ")
        .value(&space.organization_guid)
        .then(")")
}

/// Where the platform itself is reached.
const RESERVED: [&str; 5] = ["api", "log-cache", "login", "logs", "uaa"];
