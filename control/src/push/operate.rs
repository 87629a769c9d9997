//! What is done to an application that is there already.

use hyper::Method;
use serde_json::{Map, json};

use super::client::Client;
use super::error::KatoError;
use super::options::{AppCommand, DeleteOptions, LogsOptions, RestartOptions, ScaleOptions};
use super::plan::Strategy;
use super::progress::Progress;
use super::record::App;
use super::space::{self, Space};
use super::start::{Old, act, present, replace, settle};
use super::summary::{routes, show};
use super::tail::{Tail, recent};
use super::transport::Payload;

/// Does what is asked, and shows what came of it where there is something to see.
pub(super) async fn operate(
    client: &Client,
    progress: &Progress,
    place: &Space,
    command: &AppCommand,
) -> Result<(), KatoError> {
    let app = space::app(client, place, command.name()).await?;
    match command {
        AppCommand::Delete(options) => return delete(client, progress, &app, options).await,
        AppCommand::Logs(options) => return logs(client, progress, &app, options).await,
        AppCommand::Stop(_) => return stop(client, progress, &app).await,
        AppCommand::App(_) => {}
        AppCommand::Restart(options) => restart(client, progress, &app, options).await?,
        AppCommand::Scale(options) => scale(client, progress, &app, options).await?,
        AppCommand::Start(_) => start(client, progress, &app).await?,
    }
    let app = space::app(client, place, command.name()).await?;
    show(client, progress, place, &app).await
}

/// Starts the application and waits for its instances.
async fn start(client: &Client, progress: &Progress, app: &App) -> Result<(), KatoError> {
    act(client, app, "start").await?;
    settle(client, progress, app, &Old::new()).await
}

/// Stops the application.
async fn stop(client: &Client, progress: &Progress, app: &App) -> Result<(), KatoError> {
    act(client, app, "stop").await?;
    progress.step("stopped", &app.name);
    Ok(())
}

/// Stops it and starts it again, all at once or one instance after the other.
async fn restart(
    client: &Client,
    progress: &Progress,
    app: &App,
    options: &RestartOptions,
) -> Result<(), KatoError> {
    if let Some(strategy) = options.strategy {
        return replace(client, progress, app, (None, strategy.into())).await;
    }
    let old = present(client, app).await?;
    act(client, app, "restart").await?;
    settle(client, progress, app, &old).await
}

/// Changes the number of instances while they run; another size needs a restart.
async fn scale(
    client: &Client,
    progress: &Progress,
    app: &App,
    options: &ScaleOptions,
) -> Result<(), KatoError> {
    let mut document = Map::new();
    for (key, value) in [
        ("instances", options.instances.map(u64::from)),
        ("memory_in_mb", options.memory),
        ("disk_in_mb", options.disk),
    ] {
        if let Some(value) = value {
            document.insert(key.to_owned(), json!(value));
        }
    }
    if document.is_empty() {
        return Ok(());
    }
    let path = format!("/v3/apps/{}/processes/web/actions/scale", app.guid);
    let payload = Payload::Json(json!(document).to_string());
    let what = format!("scale {}", app.name);
    client.call(&what, Method::POST, &path, payload).await?;
    if !app.is_started() {
        return Ok(());
    }
    if options.memory.is_some() || options.disk.is_some() {
        let strategy = Strategy::Rolling;
        return replace(client, progress, app, (None, strategy)).await;
    }
    settle(client, progress, app, &Old::new()).await
}

/// Deletes the application, and its routes when nobody else uses them.
async fn delete(
    client: &Client,
    progress: &Progress,
    app: &App,
    options: &DeleteOptions,
) -> Result<(), KatoError> {
    let routes = if options.routes {
        routes(client, app).await?
    } else {
        Vec::new()
    };
    let shared = routes.iter().find(|route| {
        let mut users = route.destinations.iter();
        users.any(|user| user.app.guid != app.guid)
    });
    if let Some(route) = shared {
        return Err(KatoError::Job {
            what: format!("delete {} with its routes", app.name),
            reason: format!("another application uses {} too", route.url),
        });
    }
    let what = format!("delete {}", app.name);
    let mut paths = vec![format!("/v3/apps/{}", app.guid)];
    paths.extend(
        routes
            .iter()
            .map(|route| format!("/v3/routes/{}", route.guid)),
    );
    for path in paths {
        let gone = client.finish(&what, Method::DELETE, &path, Payload::None);
        gone.await?;
    }
    progress.step("deleted", &app.name);
    Ok(())
}

/// Shows the last lines, and what comes after them until somebody says stop.
async fn logs(
    client: &Client,
    progress: &Progress,
    app: &App,
    options: &LogsOptions,
) -> Result<(), KatoError> {
    if options.recent {
        for line in recent(client, &app.guid, RECENT).await? {
            progress.line(&line.to_string());
        }
        return Ok(());
    }
    let mut tail = Tail::from_now(client, &app.guid).await;
    tail.follow(|line| progress.line(&line.to_string())).await
}

const RECENT: u32 = 1000;
