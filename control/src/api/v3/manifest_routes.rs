//! The routes of one application of a manifest.

use serde_json::Map;

use super::destinations;
use super::manifest_apply::Applying;
use super::reach::fresh_guid;
use super::route_rules;
use crate::api::ApiError;
use crate::model::manifest::RouteManifest;
use crate::model::{Route, route};
use crate::store::{Domain, Filter};

/// Maps and makes what the manifest names; `no-route` takes all away.
pub(super) async fn apply(applying: &mut Applying<'_>) -> Result<(), ApiError> {
    let wanted = applying.wanted;
    if wanted.no_route {
        applying.tx.unmap_app(&applying.app.guid).await?;
        return Ok(());
    }
    let domains = route_rules::domains(applying.tx, applying.space).await?;
    for named in &wanted.routes {
        map_named(applying, &domains, named).await?;
    }
    if !wanted.routes.is_empty() || !(wanted.default_route || wanted.random_route) {
        return Ok(());
    }
    let has_routes = !applying.tx.routes_to(&applying.app.guid).await?.is_empty();
    if has_routes {
        return Ok(());
    }
    let platform = &applying.call.api.settings().domain;
    let public = |domain: &&Domain| !domain.internal && domain.organization_guid.is_none();
    let domain = domains
        .iter()
        .find(|domain| domain.name == *platform)
        .or_else(|| domains.iter().find(public))
        .ok_or_else(|| ApiError::unprocessable("No default domains available"))?;
    let host = default_host(applying);
    let text = Place {
        host: &host,
        path: "",
        domain,
    };
    map(applying, text, None).await
}

/// Where a route is: one host and path under a domain.
struct Place<'a> {
    host: &'a str,
    path: &'a str,
    domain: &'a Domain,
}

async fn map_named(
    applying: &mut Applying<'_>,
    domains: &[Domain],
    named: &RouteManifest,
) -> Result<(), ApiError> {
    let fits = domains
        .iter()
        .filter_map(|domain| Some((named.text.host_under(&domain.name)?, domain)));
    // `a.b.example.com` is under both `b.example.com` and `example.com`; the longer one is meant.
    let Some((host, domain)) = fits.max_by_key(|(_, domain)| domain.name.len()) else {
        return Err(ApiError::unprocessable(format!(
            "The route '{}' did not match any existing domains.",
            named.written
        )));
    };
    if named.text.port.is_some() {
        return Err(ApiError::unprocessable(
            "Ports are not supported for HTTP routes.",
        ));
    }
    let path = named.text.path.as_str();
    map(applying, Place { host, path, domain }, Some(named)).await
}

/// Finds the route or makes it, and lets it lead to the application.
async fn map(
    applying: &mut Applying<'_>,
    place: Place<'_>,
    named: Option<&RouteManifest>,
) -> Result<(), ApiError> {
    let found: Option<Route> = applying
        .tx
        .first(vec![
            Filter::equals("t.domain_guid", &place.domain.guid),
            Filter::equals("t.host", place.host),
            Filter::equals("t.path", place.path),
            Filter::equals("t.port", 0_i64),
        ])
        .await?;
    let options = named.map(|named| named.options.clone());
    let found = match found {
        Some(found) if found.space_guid != applying.space.guid => {
            return Err(ApiError::unprocessable(
                "Routes cannot be mapped to destinations in different spaces.",
            ));
        }
        Some(mut found) => {
            if let Some(options) = options.filter(|options| !options.is_empty()) {
                route::change_options(&mut found.options, &options);
                found.updated_at = applying.call.now;
                applying.tx.update_route(&found).await?;
            }
            found
        }
        None => {
            let mut made = Route {
                guid: fresh_guid(),
                space_guid: applying.space.guid.clone(),
                domain_guid: place.domain.guid.clone(),
                domain_name: place.domain.name.clone(),
                protocol: "http".to_owned(),
                host: place.host.to_owned(),
                path: place.path.to_owned(),
                port: 0,
                options: Map::new(),
                created_at: applying.call.now,
                updated_at: applying.call.now,
            };
            route::change_options(&mut made.options, &options.unwrap_or_default());
            let wanted = (&made, place.domain);
            route_rules::insert(applying.call, applying.tx, applying.space, wanted).await?;
            made
        }
    };
    let mut leads = destinations::to_web(applying.call, &found, &applying.app.guid);
    if let Some(protocol) = named.and_then(|named| named.protocol.clone()) {
        leads.protocol = protocol;
    }
    applying.tx.insert_destination(&leads).await?;
    Ok(())
}

fn default_host(applying: &Applying<'_>) -> String {
    let name = &applying.wanted.name;
    if !applying.wanted.random_route {
        // invariant: a manifest whose name makes no host was refused when it was read.
        return route::default_host(name).unwrap_or_default();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let stem: String = name.chars().map(plain).take(40).collect();
    let stem = stem.trim_matches('-').to_ascii_lowercase();
    let word = |words: &[&'static str]| {
        let at = usize::from(rand::random::<u16>()) % words.len().max(1);
        words.get(at).copied().unwrap_or("plain")
    };
    format!(
        "{stem}-{}-{}-{:04x}",
        word(&FIRST),
        word(&SECOND),
        rand::random::<u16>()
    )
}

const FIRST: [&str; 8] = [
    "amber", "brisk", "calm", "early", "green", "lucky", "quiet", "swift",
];
const SECOND: [&str; 8] = [
    "bridge", "engine", "junction", "platform", "signal", "station", "track", "wagon",
];
