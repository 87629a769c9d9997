//! The walk of a push: manifest, package, upload, staging, start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::client::Client;
use super::error::KatoError;
use super::pack::{self, pack};
use super::plan::{Plan, Strategy};
use super::progress::Progress;
use super::record::{App, Package};
use super::size;
use super::space::{Space, app};
use super::stage::stage;
use super::start::{act, present, replace, settle};
use super::transport::Payload;
use super::upload::Upload;

/// A push that came to its end.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The application as it was found after the manifest was applied.
    pub app: App,
    /// The droplet that it has now.
    pub droplet: String,
}

/// Carries one application from its files to running instances.
///
/// # Errors
///
/// Fails when a file cannot be read, when the platform refuses a step, when staging fails, and
/// when no instance of a process starts.
pub async fn deploy(
    client: &Client,
    space: &Space,
    plan: &Plan,
    progress: &Progress,
) -> Result<Deployed, KatoError> {
    // Files that cannot be read should leave no application behind.
    let packed = packed(plan, progress).await?;
    let app = apply(client, space, plan, progress).await?;
    let package = upload(client, &app, packed, progress).await?;
    let droplet = stage(client, progress, &app, &package).await?;
    let kinds = droplet.process_types.iter().flatten();
    let kinds: Vec<&str> = kinds.map(|(kind, _)| kind.as_str()).collect();
    progress.step("staged", &format!("process types: {}", kinds.join(", ")));
    start(client, &app, (&droplet.guid, plan.strategy), progress).await?;
    Ok(Deployed {
        app,
        droplet: droplet.guid,
    })
}

/// Lets the platform make or change the application as the manifest says.
async fn apply(
    client: &Client,
    space: &Space,
    plan: &Plan,
    progress: &Progress,
) -> Result<App, KatoError> {
    let manifest = plan.manifest();
    let actions = format!("/v3/spaces/{}", space.guid);
    if plan.from_file {
        let path = format!("{actions}/manifest_diff");
        let payload = Payload::Yaml(manifest.clone());
        // compat: only a comfort, so that its failure is none of the push (cf push).
        let answer = client.call("compare", Method::POST, &path, payload).await;
        let changes = answer.ok().and_then(|reply| changes(&reply.body));
        if let Some(changes) = changes {
            progress.step("manifest", &format!("{changes} changes"));
        }
    }
    let path = format!("{actions}/actions/apply_manifest");
    let what = "apply the manifest";
    let payload = Payload::Yaml(manifest);
    client.finish(what, Method::POST, &path, payload).await?;
    progress.step("applied", &format!("{} in {}", plan.name, space.name));
    app(client, space, &plan.name).await
}

fn changes(body: &[u8]) -> Option<usize> {
    let document: Value = serde_json::from_slice(body).ok()?;
    Some(document.get("diff")?.as_array()?.len())
}

/// The files in one archive.
async fn packed(plan: &Plan, progress: &Progress) -> Result<pack::Package, KatoError> {
    let source = plan.path.clone();
    let packed = spawn_blocking(move || pack(&source)).await;
    let packed: pack::Package = packed.map_err(|error| KatoError::File {
        path: plan.path.clone(),
        source: error.into(),
    })??;
    let size = size::bytes(packed.bytes);
    let outcome = match packed.files {
        Some(files) => format!("{files} files, {size}"),
        None => size,
    };
    progress.step("packed", &outcome);
    Ok(packed)
}

/// Carries the files to the platform; the id of the package that is ready.
async fn upload(
    client: &Client,
    app: &App,
    packed: pack::Package,
    progress: &Progress,
) -> Result<String, KatoError> {
    let document = json!({
        "type": "bits",
        "relationships": {"app": {"data": {"guid": app.guid}}},
    });
    let package: Package = client
        .send("add a package", Method::POST, "/v3/packages", &document)
        .await?;
    let meter = Arc::new(progress.meter("uploaded", packed.bytes));
    let payload = Payload::Upload(Upload {
        file: packed.path.clone(),
        meter: Arc::clone(&meter),
    });
    let path = format!("/v3/packages/{}/upload", package.guid);
    let what = "upload the package";
    client.call(what, Method::POST, &path, payload).await?;
    meter.finish();
    ready(client, &package.guid).await?;
    Ok(package.guid)
}

/// Waits until the platform has taken the package in.
async fn ready(client: &Client, package: &str) -> Result<(), KatoError> {
    let path = format!("/v3/packages/{package}");
    let began = Instant::now();
    loop {
        let package: Package = client.get("look at the package", &path).await?;
        match package.state.as_str() {
            "READY" => return Ok(()),
            "FAILED" | "EXPIRED" => {
                let reason = package.data.error;
                return Err(KatoError::Package(reason.unwrap_or(package.state)));
            }
            _ if began.elapsed() > PACKAGE_LIMIT => {
                return Err(KatoError::Late {
                    what: "the platform's look at the package".to_owned(),
                    seconds: PACKAGE_LIMIT.as_secs(),
                    lines: Vec::new(),
                });
            }
            _ => sleep(PAUSE).await,
        }
    }
}

/// Puts the droplet in its place, as the strategy says.
async fn start(
    client: &Client,
    app: &App,
    (droplet, strategy): (&str, Strategy),
    progress: &Progress,
) -> Result<(), KatoError> {
    match strategy {
        Strategy::Canary | Strategy::Rolling if app.is_started() => {
            replace(client, progress, app, (Some(droplet), strategy)).await
        }
        Strategy::NoStart => {
            assign(client, app, droplet).await?;
            if app.is_started() {
                act(client, app, "stop").await?;
            }
            Ok(())
        }
        // An application that does not run has nothing to be replaced one by one.
        Strategy::Canary | Strategy::Restart | Strategy::Rolling => {
            let old = present(client, app).await?;
            assign(client, app, droplet).await?;
            act(client, app, "restart").await?;
            settle(client, progress, app, &old).await
        }
    }
}

async fn assign(client: &Client, app: &App, droplet: &str) -> Result<(), KatoError> {
    let path = format!("/v3/apps/{}/relationships/current_droplet", app.guid);
    let document = json!({"data": {"guid": droplet}});
    let payload = Payload::Json(document.to_string());
    let what = "set the droplet";
    let answer = client.call(what, Method::PATCH, &path, payload).await;
    answer.map(drop)
}

const PAUSE: Duration = Duration::from_millis(300);
const PACKAGE_LIMIT: Duration = Duration::from_secs(600);
