//! Room for what is to be started: asked of the nodes before anything is written.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::api::{ApiError, Call, Code};
use crate::controller::Room;
use crate::model::{App, AppState, Process, ProcessChange, WEB};

/// Refuses an application that no node has room for, and says in its log what is short.
///
/// Nodes advertise every few seconds, and what has just ended gives its room back, so it is looked
/// for a while. Builds that go on hold room that comes back: then the application is started, and
/// waits for it. Where no controller works beside this API, nobody knows.
pub(super) async fn check_start(call: &Call, app: &App) -> Result<(), ApiError> {
    let begun = Instant::now();
    for process in call.store().processes_of(&app.guid).await? {
        check(call, app, &process, begun).await?;
    }
    Ok(())
}

/// Refuses the same of the process that a deployment would put in place of the running one: it begins with
/// one instance more.
pub(super) async fn check_deployment(
    call: &Call,
    app: &App,
    change: &ProcessChange,
) -> Result<(), ApiError> {
    let processes = call.store().processes_of(&app.guid).await?;
    let web = processes
        .into_iter()
        .rfind(|process| process.process_type == WEB);
    if let Some(mut web) = web {
        web.change(change.clone(), AppState::Stopped, String::new());
        check(call, app, &web, Instant::now()).await?;
    }
    Ok(())
}

async fn check(call: &Call, app: &App, process: &Process, begun: Instant) -> Result<(), ApiError> {
    if process.instances == 0 {
        return Ok(());
    }
    let room = Room {
        memory_mb: u64::from(process.memory_mb),
        disk_mb: u64::from(process.disk_mb),
        stack: app.lifecycle.stack().to_owned(),
    };
    while let Some(Err(shortage)) = call.controller().has_room(&room) {
        if begun.elapsed() < PATIENCE {
            sleep(PAUSE).await;
            continue;
        }
        if !call.store().builds_to_stage().await?.is_empty() {
            break;
        }
        let kind = &process.process_type;
        let text = format!("NORESOURCES {kind} is not started: {shortage}");
        call.controller().log(&app.guid, "API", &text);
        let text = format!("{INSUFFICIENT} ({shortage})");
        return Err(ApiError::new(Code::InsufficientRunningResources, text));
    }
    Ok(())
}

const INSUFFICIENT: &str =
    "One or more instances could not be started because of insufficient running resources.";
/// More than two advertisements of an agent.
const PATIENCE: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(200);
