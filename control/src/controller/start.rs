//! The start message: everything that an agent must know to run one instance.

use std::time::Duration;

use serde_json::{Map, Value};

use super::site::Site;
use crate::blobs::Verb;
use crate::model::environment::{OPEN_FILES, database_url, services, text_of, vcap_application};
use crate::store::StartFacts;
use crate::wire::{Limits, ServiceEntry, StartMessage};

/// The message for instance `index` of the process that the facts are about.
pub(super) fn start_message(site: &Site, facts: &StartFacts, index: u32) -> StartMessage {
    let StartFacts {
        app,
        process,
        droplet,
        around,
        services: bound,
    } = facts;
    let path = format!("/internal/droplets/{}", droplet.guid);
    let vcap = vcap_application(app, Some(process), around);
    StartMessage {
        process: process.guid.clone(),
        app: app.guid.clone(),
        process_type: process.process_type.clone(),
        name: app.name.clone(),
        stack: app.lifecycle.stack().to_owned(),
        uris: around.uris.clone(),
        uri_options: around.uri_options.clone(),
        sha1: droplet.sha1.clone(),
        sha256: droplet.sha256.clone(),
        executable_file: "deprecated".to_owned(),
        executable_uri: site.signed(Verb::Get, &path, DOWNLOAD_LIFETIME),
        version: process.version.clone(),
        services: entries(services(bound)),
        limits: Limits {
            mem: i64::from(process.memory_mb),
            disk: i64::from(process.disk_mb),
            fds: i64::from(OPEN_FILES),
            allow_sudo: false,
            log_rate: Some(process.log_rate_limit),
        },
        env: environment(&app.environment, database_url(bound)),
        cc_partition: "default".to_owned(),
        index,
        start_command: start_command(facts),
        health_check_timeout: process.health_check.timeout,
        health_check: serde_json::from_value(process.health_check.to_json()).ok(),
        readiness_health_check: serde_json::from_value(process.readiness.to_json()).ok(),
        vcap_application: match vcap {
            Value::Object(fields) => fields,
            _ => Map::new(),
        },
        docker_image: droplet.image.clone(),
        ..StartMessage::default()
    }
}

/// The services of a binding as messages carry them.
pub(super) fn entries(services: Vec<Value>) -> Vec<ServiceEntry> {
    let entry = |service| serde_json::from_value(service).ok();
    services.into_iter().filter_map(entry).collect()
}

/// The user's variables, each `NAME=value`; a database is named unless the user named one.
pub(super) fn environment(user: &Map<String, Value>, database: Option<String>) -> Vec<String> {
    let named = user
        .iter()
        .map(|(name, value)| format!("{name}={}", text_of(value)));
    let database = database.filter(|_| !user.contains_key(DATABASE_URL));
    let database = database.map(|url| format!("{DATABASE_URL}={url}"));
    named.chain(database).collect()
}

fn start_command(facts: &StartFacts) -> Option<String> {
    let process = &facts.process;
    let staged = facts.droplet.process_types.get(&process.process_type);
    let staged = staged.and_then(|command| command.as_str().map(str::to_owned));
    process.command.clone().or(staged)
}

const DATABASE_URL: &str = "DATABASE_URL";
/// An agent fetches at once; a busy one may try again for a while.
const DOWNLOAD_LIFETIME: Duration = Duration::from_secs(3600);
