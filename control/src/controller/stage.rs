//! Staging: one build, from the queue over a stager to a droplet.

use std::sync::Arc;
use std::time::Duration;

use bus::Subscription;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::site::{Site, now, random_guid};
use super::staging_request::request;
use crate::blobs::Digest;
use crate::placement::{Request, Shortage};
use crate::store::{BuildOutcome, BuildTask, StagedDroplet, StoreError};
use crate::wire::{
    StagedBuildpack, StagingAnswer, StagingErrorInfo, StagingErrorKind, StagingStop, Wire, subject,
};

/// Why one attempt gave neither a droplet nor a final error.
enum Again {
    /// The stager cannot take it now, for this reason.
    Refused(String),
    /// The stager has fallen silent; another one may do it.
    Silent,
}

/// Stages one build, whatever it takes, until its deadline. Another task for the same build at another
/// controller does no harm: a build ends once.
pub(super) async fn stage(site: Arc<Site>, build: String) {
    match staged(&site, &build).await {
        Ok(()) => {}
        Err(StoreError::LeaseLost) => info!(build, "staging-left-to-another-controller"),
        Err(error) => warn!(%error, build, "staging-put-off"),
    }
    site.queue().leave(&build);
    site.stagers_changed.notify_waiters();
}

async fn staged(site: &Site, build: &str) -> Result<(), StoreError> {
    let Some(task) = site.store.build_task(build).await? else {
        return Ok(());
    };
    let outcome = match &task.image {
        Some(image) => BuildOutcome::Staged(image_droplet(image)),
        None => attempts(site, &task).await?,
    };
    let Some(lease) = site.lease() else {
        return Err(StoreError::LeaseLost);
    };
    if let BuildOutcome::Failed(error) = &outcome {
        site.log(&task.app, "STG", &format!("Staging failed: {error}"))
            .await;
    }
    let mut tx = site.store.begin().await?;
    let current = tx.end_build(&lease, build, &outcome, now()).await?;
    tx.commit().await?;
    info!(build, current, "build-ended");
    Ok(())
}

/// Tries one stager after the other until one of them gives an answer.
async fn attempts(site: &Site, task: &BuildTask) -> Result<BuildOutcome, StoreError> {
    for other in &task.others {
        end_staging(site, &task.app, other, None).await;
    }
    let mut refusals = 0;
    let mut before = task.stager.as_deref();
    loop {
        let stager = match resumed(site, task, before.take()).await {
            Some(stager) => Ok(stager),
            None => stager(site, task).await,
        };
        let stager = match stager {
            Ok(stager) => stager,
            Err(failed) => return Ok(failed),
        };
        let Some(lease) = site.lease() else {
            return Err(StoreError::LeaseLost);
        };
        let mut tx = site.store.begin().await?;
        tx.set_stager(&lease, &task.guid, &stager).await?;
        tx.commit().await?;
        site.queue().begin();
        let attempted = attempt(site, task, &stager).await;
        site.queue().end();
        site.pool().end_staging(&stager, &task.guid);
        let text = match attempted? {
            Ok(outcome) => return Ok(outcome),
            Err(Again::Refused(why)) if refusals >= REFUSALS => {
                return Ok(BuildOutcome::Failed(format!("StagingError - {why}")));
            }
            Err(Again::Refused(why)) => {
                refusals += 1;
                // Its other builds go on, so it is not forgotten; it may have room soon.
                sleep(CHOICE_PAUSE).await;
                format!("Stager {stager} refused: {why}")
            }
            Err(Again::Silent) => {
                // It is forgotten until it speaks again, so the next choice is another one.
                site.pool().remove(&stager);
                end_staging(site, &task.app, &task.guid, Some(&stager)).await;
                format!("Stager {stager} does not answer, trying another one")
            }
        };
        site.queue().rejoin(&task.guid);
        site.log(&task.app, "STG", &text).await;
    }
}

/// The stager that worked on a build for the last controller, if it is still there: asked again, it
/// goes on and answers us.
async fn resumed(site: &Site, task: &BuildTask, before: Option<&str>) -> Option<String> {
    let stager = before?;
    let end = Instant::now() + RESUME_PATIENCE;
    while !site.pool().is_alive(stager, now()) {
        if Instant::now() >= end {
            return None;
        }
        let changed = site.stagers_changed.notified();
        // What it does not say in time counts as not said.
        let _ = timeout(RESUME_PAUSE, changed).await;
    }
    site.queue().leave(&task.guid);
    Some(stager.to_owned())
}

/// Waits for a stager with room, in the order of the builds.
async fn stager(site: &Site, task: &BuildTask) -> Result<String, BuildOutcome> {
    let mut short_since = None;
    let mut told = usize::MAX;
    loop {
        // Made before the look, so that no change in between is missed.
        let changed = site.stagers_changed.notified();
        if now() > task.deadline {
            return Err(expired(task));
        }
        let ahead = site.queue().ahead(&task.guid);
        if ahead == 0 {
            match choose(site, task) {
                Ok(stager) => {
                    site.queue().leave(&task.guid);
                    site.stagers_changed.notify_waiters();
                    return Ok(stager);
                }
                // There will be room when a build ends.
                Err(_) if site.queue().is_staging() => short_since = None,
                Err(shortage) => {
                    let since = *short_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= SHORTAGE_PATIENCE {
                        return Err(no_stager(&shortage));
                    }
                }
            }
        }
        if ahead != told {
            told = ahead;
            let text = format!("Waiting for a stager, builds ahead in the queue: {ahead}");
            site.log(&task.app, "STG", &text).await;
        }
        // Either way it is time to look again.
        let _ = timeout(CHOICE_PAUSE, changed).await;
    }
}

fn choose(site: &Site, task: &BuildTask) -> Result<String, Shortage> {
    let request = Request {
        process: &task.guid,
        memory_mb: i64::from(task.memory_mb),
        disk_mb: i64::from(task.disk_mb),
        stack: &task.stack,
        zone: None,
    };
    let chosen = site.pool().choose_stager(&request, now(), &mut rand::rng());
    chosen.map(|chosen| chosen.agent)
}

async fn attempt(
    site: &Site,
    task: &BuildTask,
    stager: &str,
) -> Result<Result<BuildOutcome, Again>, StoreError> {
    let inbox = format!("_INBOX.{}", random_guid());
    let Ok(mut answers) = site.bus.subscribe(&inbox).await else {
        return Ok(Err(Again::Silent));
    };
    let message = request(site, task).await?.encode().into();
    let place = subject::staging_start(stager);
    if site
        .bus
        .publish_with_reply(&place, &inbox, message)
        .await
        .is_err()
    {
        return Ok(Err(Again::Silent));
    }
    info!(build = task.guid, stager, "staging-dispatched");
    let first = timeout(
        site.settings.stager_patience,
        answer(&mut answers, &task.guid),
    )
    .await;
    let Ok(Some(first)) = first else {
        return Ok(Err(Again::Silent));
    };
    if let Some(failure) = first.failure() {
        // It did not even begin.
        return Ok(Err(Again::Refused(failure.message)));
    }
    if is_final(&first) {
        return Ok(Ok(judged(site, task, &first).await));
    }
    Ok(second_answer(site, task, stager, &mut answers).await)
}

async fn second_answer(
    site: &Site,
    task: &BuildTask,
    stager: &str,
    answers: &mut Subscription,
) -> Result<BuildOutcome, Again> {
    loop {
        match timeout(LOOK_PAUSE, answer(answers, &task.guid)).await {
            Ok(Some(last)) => return Ok(judged(site, task, &last).await),
            Ok(None) => return Err(Again::Silent),
            Err(_) if now() > task.deadline => {
                end_staging(site, &task.app, &task.guid, Some(stager)).await;
                return Ok(expired(task));
            }
            Err(_) if !site.pool().is_alive(stager, now()) => return Err(Again::Silent),
            Err(_) => {}
        }
    }
}

/// Ends one build, at one agent or wherever it is. It names the build, since an agent may read this
/// after the request of the next one.
async fn end_staging(site: &Site, app: &str, build: &str, agent: Option<&str>) {
    let stop = StagingStop {
        app_id: app.to_owned(),
        task_id: Some(build.to_owned()),
        agent: agent.map(str::to_owned),
    };
    site.say(subject::STAGING_STOP, &stop).await;
}

/// The next answer about this build; answers about others are stale.
async fn answer(answers: &mut Subscription, build: &str) -> Option<StagingAnswer> {
    loop {
        let message = answers.next().await?;
        match StagingAnswer::decode(&message.payload) {
            Ok(answer) if answer.task_id == build => return Some(answer),
            Ok(answer) => info!(build = answer.task_id, "stale-staging-answer"),
            Err(error) => warn!(%error, "bus-message-dropped"),
        }
    }
}

/// Whether nothing follows this answer.
fn is_final(answer: &StagingAnswer) -> bool {
    answer.failure().is_some() || answer.app_id.is_some() || answer.sha256.is_some()
}

async fn judged(site: &Site, task: &BuildTask, answer: &StagingAnswer) -> BuildOutcome {
    if let Some(failure) = answer.failure() {
        return failed(&failure);
    }
    let stored = match answer.sha256.as_deref().map(str::parse::<Digest>) {
        Some(Ok(digest)) => matches!(site.blobs.size_bytes(&digest).await, Ok(Some(_))),
        Some(Err(_)) | None => false,
    };
    if !stored {
        return failed(&StagingErrorInfo {
            kind: StagingErrorKind::Staging,
            message: format!("the droplet of build {} did not arrive", task.guid),
        });
    }
    BuildOutcome::Staged(droplet(answer))
}

fn droplet(answer: &StagingAnswer) -> StagedDroplet {
    let mut types = answer.process_types.clone();
    if let Some(command) = &answer.detected_start_command {
        types
            .entry("web".to_owned())
            .or_insert_with(|| command.clone());
    }
    let buildpack = |one: &StagedBuildpack| {
        json!({
            "name": one.name,
            "detect_output": one.detect_output,
            "buildpack_name": one.name,
            "version": one.version,
        })
    };
    let buildpacks: Vec<_> = answer.buildpacks.iter().map(buildpack).collect();
    StagedDroplet {
        guid: random_guid(),
        sha1: answer.droplet_sha1.clone(),
        sha256: answer.sha256.clone(),
        size_bytes: answer.size_bytes.unwrap_or_default(),
        process_types: json!(types).to_string(),
        buildpacks: json!(buildpacks).to_string(),
        image: None,
    }
}

fn image_droplet(image: &str) -> StagedDroplet {
    StagedDroplet {
        guid: random_guid(),
        process_types: "{}".to_owned(),
        buildpacks: "[]".to_owned(),
        image: Some(image.to_owned()),
        ..StagedDroplet::default()
    }
}

/// The client API's name of a failure, and what the stager said.
fn failed(failure: &StagingErrorInfo) -> BuildOutcome {
    let name = match failure.kind {
        StagingErrorKind::Compile => "BuildpackCompileFailed",
        StagingErrorKind::Detect => "NoAppDetectedError",
        StagingErrorKind::Release => "BuildpackReleaseFailed",
        StagingErrorKind::Staging => "StagingError",
    };
    BuildOutcome::Failed(format!("{name} - {}", failure.message))
}

fn no_stager(shortage: &Shortage) -> BuildOutcome {
    BuildOutcome::Failed(format!("StagingError - no available stagers: {shortage}"))
}

fn expired(task: &BuildTask) -> BuildOutcome {
    let (app, build) = (&task.app, &task.guid);
    BuildOutcome::Failed(format!(
        "StagingTimeExpired - build {build} of application {app} was not done before its deadline"
    ))
}

const LOOK_PAUSE: Duration = Duration::from_secs(2);
const CHOICE_PAUSE: Duration = Duration::from_secs(3);
/// How long no stager may have room, while none is at work, before a build fails.
const SHORTAGE_PATIENCE: Duration = Duration::from_secs(30);
/// How often stagers may refuse before a build fails.
const REFUSALS: u32 = 10;
/// How long the stager of the last controller may take to be heard of: one advertisement.
const RESUME_PATIENCE: Duration = Duration::from_secs(6);
const RESUME_PAUSE: Duration = Duration::from_millis(500);
