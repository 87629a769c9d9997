//! Destinations: where a route leads.

use std::collections::{BTreeSet, HashMap};

use axum::extract::Path;
use serde_json::{Value, json};

use super::reach::fresh_guid;
use crate::api::{Answer, ApiError, Body, Call, Fields, Need, Routes, no_content, ok};
use crate::model::{Destination, Route, WEB};

pub(super) fn routes() -> Routes {
    Routes::new("Routes")
        .get(
            "/v3/routes/{guid}/destinations",
            "Lists where a route leads",
            list,
        )
        .post(
            "/v3/routes/{guid}/destinations",
            "Lets a route lead to more places",
            insert,
        )
        .patch(
            "/v3/routes/{guid}/destinations",
            "Lets a route lead elsewhere",
            replace,
        )
        .delete(
            "/v3/routes/{guid}/destinations/{destination}",
            "Takes a place away",
            delete,
        )
}

async fn list(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&["guids", "app_guids"])?;
    let route = call.route(&guid, Need::Read).await?;
    ok(shown(&call, &route).await?)
}

async fn insert(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let wanted = read(&body)?;
    let route = call.route(&guid, Need::Write).await?;
    let made = destinations(&call, &route, wanted).await?;
    let mut tx = call.store().begin().await?;
    for destination in &made {
        tx.insert_destination(destination).await?;
    }
    tx.commit().await?;
    tell_apps(&call, &made);
    ok(shown(&call, &route).await?)
}

async fn replace(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let wanted = read(&body)?;
    let route = call.route(&guid, Need::Write).await?;
    let made = destinations(&call, &route, wanted).await?;
    let before = call
        .store()
        .destinations_of(std::slice::from_ref(&route.guid))
        .await?;
    let mut tx = call.store().begin().await?;
    for destination in &before {
        let stays = made.iter().any(|new| same_place(new, destination));
        if !stays {
            tx.delete_destination(&destination.guid).await?;
        }
    }
    for destination in &made {
        tx.insert_destination(destination).await?;
    }
    tx.commit().await?;
    tell_apps(&call, &before);
    tell_apps(&call, &made);
    ok(shown(&call, &route).await?)
}

async fn delete(call: Call, Path((guid, destination)): Path<(String, String)>) -> Answer {
    let route = call.route(&guid, Need::Write).await?;
    let leads = call
        .store()
        .destinations_of(std::slice::from_ref(&route.guid))
        .await?;
    let Some(gone) = leads.iter().find(|known| known.guid == destination) else {
        return Err(ApiError::unprocessable(
            "Unable to unmap route from destination. Ensure the route has a destination with this \
             guid.",
        ));
    };
    let mut tx = call.store().begin().await?;
    tx.delete_destination(&gone.guid).await?;
    tx.commit().await?;
    call.controller().app_changed(&gone.app_guid);
    no_content()
}

/// One entry of a body.
struct Wanted {
    app: String,
    process_type: String,
    port: u16,
    protocol: String,
}

fn read(body: &Body) -> Result<Vec<Wanted>, ApiError> {
    let mut fields = body.fields();
    let entries = fields.value("destinations").and_then(Value::as_array);
    let mut wanted = Vec::new();
    match entries {
        None => fields.problem_of("destinations", "must be an array of destination objects"),
        Some(entries) if entries.len() > MOST => {
            fields.problem_of("destinations", &format!("must be at most {MOST}"));
        }
        Some(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                match read_entry(entry) {
                    Ok(entry) => wanted.push(entry),
                    Err(problem) => fields.problem(format!("Destinations[{at}]: {problem}")),
                }
            }
        }
    }
    fields.finish()?;
    Ok(wanted)
}

fn read_entry(entry: &Value) -> Result<Wanted, String> {
    let Some(object) = entry.as_object() else {
        return Err("must be a hash.".to_owned());
    };
    let mut fields = Fields::of(object);
    let app = fields.nested("app", |app| {
        let process = app.nested("process", |process| process.required_text("type"));
        (app.required_text("guid"), process)
    });
    if app.is_none() {
        fields.problem_of(
            "app",
            "must have the structure {\"app\": {\"guid\": \"guid\"}}",
        );
    }
    if fields
        .value("weight")
        .is_some_and(|weight| !weight.is_null())
    {
        fields.problem("weighted destinations are not supported");
    }
    let port = fields.integer("port", 1024..=65_535);
    let protocol = fields.text("protocol");
    if !matches!(protocol.as_deref(), None | Some("http1" | "http2")) {
        fields.problem("protocol must be 'http1' or 'http2'");
    }
    fields.finish().map_err(|error| error.detail().to_owned())?;
    let (app, process_type) = app.unwrap_or_default();
    Ok(Wanted {
        app,
        process_type: process_type.unwrap_or_else(|| WEB.to_owned()),
        port: port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(DEFAULT_PORT),
        protocol: protocol.unwrap_or_else(|| HTTP1.to_owned()),
    })
}

/// The destinations that a body asks for, whose applications exist and live in the route's space.
async fn destinations(
    call: &Call,
    route: &Route,
    wanted: Vec<Wanted>,
) -> Result<Vec<Destination>, ApiError> {
    let mut made = Vec::new();
    for entry in wanted {
        let app = call.app(&entry.app, Need::Read).await.map_err(|_| {
            let guid = entry.app.escape_debug();
            ApiError::unprocessable(format!(
                "App(s) with guid(s) \"{guid}\" do not exist or you do not have access."
            ))
        })?;
        if app.space_guid != route.space_guid {
            return Err(ApiError::unprocessable(
                "Routes cannot be mapped to destinations in different spaces.",
            ));
        }
        made.push(Destination {
            guid: fresh_guid(),
            route_guid: route.guid.clone(),
            app_guid: app.guid,
            process_type: entry.process_type,
            port: entry.port,
            protocol: entry.protocol,
            created_at: call.now,
        });
    }
    Ok(made)
}

/// A destination of an application's `web` process with every default.
pub(super) fn to_web(call: &Call, route: &Route, app_guid: &str) -> Destination {
    Destination {
        guid: fresh_guid(),
        route_guid: route.guid.clone(),
        app_guid: app_guid.to_owned(),
        process_type: WEB.to_owned(),
        port: DEFAULT_PORT,
        protocol: HTTP1.to_owned(),
        created_at: call.now,
    }
}

/// The destinations of many routes.
pub(super) async fn by_route(
    call: &Call,
    routes: &[String],
) -> Result<HashMap<String, Vec<Destination>>, ApiError> {
    let mut found: HashMap<String, Vec<Destination>> = HashMap::new();
    for destination in call.store().destinations_of(routes).await? {
        found
            .entry(destination.route_guid.clone())
            .or_default()
            .push(destination);
    }
    Ok(found)
}

/// Tells the controller of every application that these routes lead to.
pub(super) async fn tell(call: &Call, routes: &[String]) -> Result<(), ApiError> {
    let leads = call.store().destinations_of(routes).await?;
    tell_apps(call, &leads);
    Ok(())
}

/// Tells the controller of every application among these.
pub(super) fn tell_apps(call: &Call, leads: &[Destination]) {
    let apps: BTreeSet<&str> = leads.iter().map(|lead| &*lead.app_guid).collect();
    for app in apps {
        call.controller().app_changed(app);
    }
}

pub(super) fn document(destination: &Destination) -> Value {
    json!({
        "guid": destination.guid,
        "app": {
            "guid": destination.app_guid,
            "process": { "type": destination.process_type },
        },
        "weight": null,
        "port": destination.port,
        "protocol": destination.protocol,
    })
}

async fn shown(call: &Call, route: &Route) -> Result<Value, ApiError> {
    let leads = call
        .store()
        .destinations_of(std::slice::from_ref(&route.guid))
        .await?;
    let own = format!("/v3/routes/{}", route.guid);
    let shown: Vec<Value> = leads.iter().map(document).collect();
    Ok(json!({
        "destinations": shown,
        "links": {
            "self": call.base.link(&format!("{own}/destinations")),
            "route": call.base.link(&own),
        },
    }))
}

fn same_place(one: &Destination, other: &Destination) -> bool {
    one.app_guid == other.app_guid
        && one.process_type == other.process_type
        && one.port == other.port
}

const DEFAULT_PORT: u16 = 8080;
const HTTP1: &str = "http1";
const MOST: usize = 100;
