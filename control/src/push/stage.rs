//! A package to a droplet, with the words of its staging as they come.

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::json;
use tokio::time::sleep;

use super::client::Client;
use super::error::KatoError;
use super::progress::Progress;
use super::record::{App, Build, Droplet};
use super::tail::Tail;

/// Stages the package and waits for the droplet.
pub(super) async fn stage(
    client: &Client,
    progress: &Progress,
    app: &App,
    package: &str,
) -> Result<Droplet, KatoError> {
    let mut tail = Tail::from_now(client, &app.guid).await;
    let document = json!({"package": {"guid": package}});
    let path = "/v3/builds";
    let mut build: Build = client
        .send("stage the package", Method::POST, path, &document)
        .await?;
    let began = Instant::now();
    let wait = progress.wait("staging");
    let what = "look at the staging";
    let path = format!("/v3/builds/{}", build.guid);
    while build.state == "STAGING" {
        if began.elapsed() > LIMIT {
            return Err(KatoError::Late {
                what: "staging".to_owned(),
                seconds: LIMIT.as_secs(),
                lines: Vec::new(),
            });
        }
        sleep(PAUSE).await;
        wait.say(format!("{} s", began.elapsed().as_secs()));
        show(&mut tail, progress).await;
        build = client.get(what, &path).await?;
    }
    // The last lines may have arrived together with the end.
    show(&mut tail, progress).await;
    drop(wait);
    match (build.state.as_str(), build.droplet) {
        ("STAGED", Some(droplet)) => {
            let path = format!("/v3/droplets/{}", droplet.guid);
            client.get("read the droplet", &path).await
        }
        (state, _) => Err(KatoError::Build {
            reason: build.error.unwrap_or_else(|| format!("it is {state}")),
        }),
    }
}

/// Tells what is new of the staging; a log that cannot be read is no reason to give up the push.
async fn show(tail: &mut Tail<'_>, progress: &Progress) {
    for line in tail.next().await.unwrap_or_default() {
        if !line.is_of_app() {
            progress.line(&format!("  | {}", line.text));
        }
    }
}

const LIMIT: Duration = Duration::from_secs(15 * 60);
const PAUSE: Duration = Duration::from_millis(300);
