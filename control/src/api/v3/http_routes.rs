//! Routes: names that reach applications.

use std::collections::HashMap;

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::{fresh_guid, metadata_in};
use super::{destinations, flags, route_rules};
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Listing, Metadata, Need, Routes, created, ok,
    rfc3339,
};
use crate::model::{Destination, Route, route};
use crate::store::Filter;

pub(super) fn routes() -> Routes {
    Routes::new("Routes")
        .get("/v3/routes", "Lists routes", list)
        .post("/v3/routes", "Makes a route", create)
        .get("/v3/routes/{guid}", "Shows a route", show)
        .patch(
            "/v3/routes/{guid}",
            "Changes the options and marks of a route",
            change,
        )
        .delete("/v3/routes/{guid}", "Removes a route", delete)
        .get(
            "/v3/apps/{guid}/routes",
            "Lists the routes that lead to an application",
            list_of_app,
        )
        .delete(
            "/v3/spaces/{guid}/routes",
            "Removes the routes that lead nowhere",
            delete_unmapped,
        )
        .get(
            "/v3/domains/{guid}/route_reservations",
            "Tells whether a route is taken",
            reservations,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    listing
        .query
        .check_includes(&["domain", "space", "space.organization"])?;
    if let Some(filter) = call.caller.space_filter("t.space_guid") {
        listing.keep(filter);
    }
    listing.within_sql(
        "app_guids",
        "t.guid IN (SELECT route_guid FROM destinations WHERE app_guid IN ",
        ")",
    );
    listed(&call, listing).await
}

async fn list_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    let leads = "t.guid IN (SELECT route_guid FROM destinations WHERE app_guid = ";
    listing.keep(Filter::sql(leads).value(&app.guid).then(")"));
    listed(&call, listing).await
}

async fn listed(call: &Call, mut listing: Listing) -> Answer {
    listing.within("domain_guids", "t.domain_guid");
    listing.within("hosts", "t.host");
    listing.within("paths", "t.path");
    listing.within("space_guids", "t.space_guid");
    listing.within_sql(
        "organization_guids",
        "t.space_guid IN (SELECT guid FROM spaces WHERE organization_guid IN ",
        ")",
    );
    if let Some(ports) = listing.query.values("ports") {
        let ports = ports.iter().map(|port| port.parse::<i64>().unwrap_or(-1));
        listing.keep(Filter::within("t.port", ports));
    }
    let page = call.page::<Route>(&listing).await?;
    let guids: Vec<String> = page.items.iter().map(|route| route.guid.clone()).collect();
    let leads = destinations::by_route(call, &guids).await?;
    let names: Vec<&str> = guids.iter().map(String::as_str).collect();
    let marks = call.store().metadata_of(&names).await?;
    ok(listing.document(&call.base, &page, |route| {
        document(&call.base, route, &leads, &metadata_in(&marks, &route.guid))
    }))
}

/// What a body says about a new route.
struct Wanted {
    host: String,
    path: String,
    options: Map<String, Value>,
    space: String,
    domain: String,
}

fn read(fields: &mut Fields<'_>) -> Wanted {
    let host = fields.text("host").unwrap_or_default().to_ascii_lowercase();
    let path = fields.text("path").unwrap_or_default();
    if !route::is_host(&host) {
        fields.problem(
            "Host must be either \"*\" or contain only alphanumeric characters, \"_\", or \"-\"",
        );
    }
    if !route::is_path(&path) {
        fields.problem("Path must be a valid URI path that begins with '/' and is not '/' alone");
    }
    if fields
        .integer("port", 0..=65_535)
        .is_some_and(|port| port != 0)
    {
        fields.problem("Ports are not supported for HTTP routes.");
    }
    let options = options_in(fields);
    let relationships = fields.nested("relationships", |inner| {
        (inner.required_one("space"), inner.required_one("domain"))
    });
    if relationships.is_none() {
        fields.problem_of("relationships", "can't be blank");
    }
    let (space, domain) = relationships.unwrap_or_default();
    Wanted {
        host,
        path,
        options,
        space,
        domain,
    }
}

/// Options to set, or with `null` to take away.
fn options_in(fields: &mut Fields<'_>) -> Map<String, Value> {
    let read = fields.nested("options", |options| {
        let balance = options.nullable_text("loadbalancing");
        let unknown = |word: &String| !route::LOAD_BALANCING.contains(&word.as_str());
        if balance
            .as_ref()
            .and_then(Option::as_ref)
            .is_some_and(unknown)
        {
            let known = route::LOAD_BALANCING.join(", ");
            options.problem(format!("Loadbalancing must be one of '{known}' if present"));
        }
        let entry = |value| ("loadbalancing".to_owned(), json!(value));
        balance.map(entry).into_iter().collect()
    });
    read.unwrap_or_default()
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let wanted = read(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    let space = call.named_space(&wanted.space).await?;
    flags::need(&call, "route_creation").await?;
    let mut tx = call.store().begin().await?;
    let domain = route_rules::domain_by_guid(&mut tx, &space, &wanted.domain).await?;
    let mut route = Route {
        guid: fresh_guid(),
        space_guid: space.guid.clone(),
        domain_guid: domain.guid.clone(),
        domain_name: domain.name.clone(),
        protocol: "http".to_owned(),
        host: wanted.host,
        path: wanted.path,
        port: 0,
        options: Map::new(),
        created_at: call.now,
        updated_at: call.now,
    };
    route::change_options(&mut route.options, &wanted.options);
    route_rules::insert(&call, &mut tx, &space, (&route, &domain)).await?;
    tx.write_metadata(&route.guid, &patch).await?;
    let event = call
        .event("audit.route.create")
        .target("route", &route.guid, &route.url());
    event.space(&space).write(&mut tx).await?;
    tx.commit().await?;
    created(shown(&call, &route).await?)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["include"])?;
    query.check_includes(&["domain", "space", "space.organization"])?;
    let route = call.route(&guid, Need::Read).await?;
    ok(shown(&call, &route).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let options = options_in(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    let mut route = call.route(&guid, Need::Write).await?;
    route::change_options(&mut route.options, &options);
    route.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_route(&route).await?;
    tx.write_metadata(&route.guid, &patch).await?;
    tx.commit().await?;
    destinations::tell(&call, std::slice::from_ref(&route.guid)).await?;
    ok(shown(&call, &route).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let route = call.route(&guid, Need::Write).await?;
    let leads = call
        .store()
        .destinations_of(std::slice::from_ref(&route.guid))
        .await?;
    let space = call.space(&route.space_guid, Need::Write, "Route").await?;
    let mut tx = call.store().begin().await?;
    tx.delete_route(&route.guid).await?;
    tx.delete_metadata(&route.guid).await?;
    let event = call
        .event("audit.route.delete-request")
        .target("route", &route.guid, &route.url());
    event.space(&space).write(&mut tx).await?;
    tx.commit().await?;
    destinations::tell_apps(&call, &leads);
    call.job("route.delete").await
}

async fn delete_unmapped(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["unmapped"])?;
    let space = call.space(&guid, Need::Write, "Space").await?;
    if query.flag("unmapped")? != Some(true) {
        return Err(ApiError::unprocessable(
            "Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all \
             unmapped routes.",
        ));
    }
    let mut tx = call.store().begin().await?;
    let routes: Vec<Route> = tx
        .all(vec![
            Filter::equals("t.space_guid", &space.guid),
            Filter::sql("t.guid NOT IN (SELECT route_guid FROM destinations)"),
        ])
        .await?;
    for route in routes {
        tx.delete_route(&route.guid).await?;
        tx.delete_metadata(&route.guid).await?;
    }
    tx.commit().await?;
    call.job("space.delete_unmapped_routes").await
}

async fn reservations(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["host", "path", "port"])?;
    let port = query.text("port").and_then(|port| port.parse::<i64>().ok());
    let found: Option<Route> = call
        .store()
        .first(vec![
            Filter::equals("t.domain_guid", guid),
            Filter::equals("t.host", query.text("host").unwrap_or_default()),
            Filter::equals("t.path", query.text("path").unwrap_or_default()),
            Filter::equals("t.port", port.unwrap_or(0)),
        ])
        .await?;
    ok(json!({ "matching_route": found.is_some() }))
}

async fn shown(call: &Call, route: &Route) -> Result<Value, ApiError> {
    let guids = std::slice::from_ref(&route.guid);
    let leads = destinations::by_route(call, guids).await?;
    let marks = call.store().metadata_of(&[&route.guid]).await?;
    Ok(document(
        &call.base,
        route,
        &leads,
        &metadata_in(&marks, &route.guid),
    ))
}

fn document(
    base: &Base,
    route: &Route,
    leads: &HashMap<String, Vec<Destination>>,
    marks: &Metadata,
) -> Value {
    let own = format!("/v3/routes/{}", route.guid);
    let leads = leads
        .get(&route.guid)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let shown: Vec<Value> = leads.iter().map(destinations::document).collect();
    json!({
        "guid": route.guid,
        "protocol": route.protocol,
        "host": route.host,
        "path": route.path,
        "port": (route.port != 0).then_some(route.port),
        "url": route.url(),
        "destinations": shown,
        "options": route.options,
        "created_at": rfc3339(route.created_at),
        "updated_at": rfc3339(route.updated_at),
        "relationships": {
            "space": { "data": { "guid": route.space_guid } },
            "domain": { "data": { "guid": route.domain_guid } },
        },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "space": base.link(&format!("/v3/spaces/{}", route.space_guid)),
            "domain": base.link(&format!("/v3/domains/{}", route.domain_guid)),
            "destinations": base.link(&format!("{own}/destinations")),
        },
    })
}

const FILTERS: &[&str] = &[
    "app_guids",
    "domain_guids",
    "hosts",
    "include",
    "organization_guids",
    "paths",
    "ports",
    "space_guids",
];
