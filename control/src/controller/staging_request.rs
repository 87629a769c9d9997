//! The staging request: everything that a stager must know to make a droplet.

use std::time::Duration;

use super::site::{Site, now};
use super::start::{entries, environment};
use crate::blobs::{Verb, build_cache};
use crate::model::environment::{
    OPEN_FILES, database_url, services, vcap_application, vcap_services,
};
use crate::store::{BuildTask, StoreError};
use crate::wire::{BuildpackLink, StagingLimits, StagingMeta, StagingProperties, StagingRequest};

/// The request for one build.
pub(super) async fn request(site: &Site, task: &BuildTask) -> Result<StagingRequest, StoreError> {
    let left = task.deadline.since(now());
    // What is fetched or put at the last moment may take a while.
    let lifetime = left + MARGIN;
    let cache = format!("/internal/apps/{}/buildpack_cache", task.app);
    let cached = site.blobs.named(&build_cache(&task.app)).await;
    let package = format!("/internal/packages/{}", task.package);
    let droplet = format!("/internal/builds/{}/droplet", task.guid);
    let admin_buildpacks = admin_buildpacks(site, task, lifetime).await?;
    Ok(StagingRequest {
        app_id: task.app.clone(),
        space_guid: task.space.clone(),
        stack: task.stack.clone(),
        task_id: task.guid.clone(),
        properties: properties(site, task).await?,
        download_uri: site.signed(Verb::Get, &package, lifetime),
        upload_uri: site.signed(Verb::Put, &droplet, lifetime),
        buildpack_cache_download_uri: match cached {
            Ok(Some(_)) => site.signed(Verb::Get, &cache, lifetime),
            // A build without its cache is slower, and no worse.
            Ok(None) | Err(_) => String::new(),
        },
        buildpack_cache_upload_uri: site.signed(Verb::Put, &cache, lifetime),
        admin_buildpacks,
        timeout: u32::try_from(left.as_secs()).ok(),
        ..StagingRequest::default()
    })
}

async fn properties(site: &Site, task: &BuildTask) -> Result<StagingProperties, StoreError> {
    let bound = site.store.bound_services(&task.app).await?;
    let mut variables = environment(&task.environment, database_url(&bound));
    if let Some(app) = site.store.app(&task.app).await? {
        let api = &site.settings.api_url;
        let around = site.store.surroundings(&app, "web", api).await?;
        let vcap = vcap_application(&app, None, &around);
        variables.push(format!("VCAP_APPLICATION={vcap}"));
    }
    variables.push(format!("VCAP_SERVICES={}", vcap_services(&bound)));
    Ok(StagingProperties {
        services: entries(services(&bound)),
        limits: StagingLimits {
            memory: i64::from(task.memory_mb),
            disk: i64::from(task.disk_mb),
            fds: i64::from(OPEN_FILES),
        },
        environment: variables,
        meta: StagingMeta {
            command: task.command.clone(),
            console: None,
        },
        buildpacks: task.buildpacks.clone(),
        ..StagingProperties::default()
    })
}

async fn admin_buildpacks(
    site: &Site,
    task: &BuildTask,
    lifetime: Duration,
) -> Result<Vec<BuildpackLink>, StoreError> {
    let ready = site.store.ready_buildpacks(&task.stack).await?;
    let link = |(guid, name, _): (String, String, String)| BuildpackLink {
        key: name,
        url: site.signed(Verb::Get, &format!("/internal/buildpacks/{guid}"), lifetime),
    };
    Ok(ready.into_iter().map(link).collect())
}

const MARGIN: Duration = Duration::from_secs(300);
