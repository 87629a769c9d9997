//! From a droplet to instances that serve, and the wait for them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::json;
use tokio::time::sleep;

use super::client::Client;
use super::error::KatoError;
use super::plan::Strategy;
use super::progress::Progress;
use super::record::{App, Deployment, Instance, Process, Stats};
use super::tail::last_words;
use super::transport::Payload;

/// The instances that ran before a restart; they do not count as its success.
pub(super) type Old = BTreeSet<String>;

/// Asks for one of `start`, `stop` and `restart`.
pub(super) async fn act(client: &Client, app: &App, action: &str) -> Result<(), KatoError> {
    let what = format!("{action} {}", app.name);
    let path = format!("/v3/apps/{}/actions/{action}", app.guid);
    let nothing = Payload::Json("{}".to_owned());
    let answer = client.call(&what, Method::POST, &path, nothing).await;
    answer.map(drop)
}

/// All processes of the application.
pub(super) async fn processes(client: &Client, app: &App) -> Result<Vec<Process>, KatoError> {
    let path = format!("/v3/apps/{}/processes", app.guid);
    client.list("list the processes", &path).await
}

/// What the instances of a process do now.
pub(super) async fn stats(client: &Client, process: &str) -> Result<Vec<Instance>, KatoError> {
    let path = format!("/v3/processes/{process}/stats");
    let stats: Stats = client.get("look at the instances", &path).await?;
    Ok(stats.resources)
}

/// The instances that there are before a restart.
pub(super) async fn present(client: &Client, app: &App) -> Result<Old, KatoError> {
    let mut old = Old::new();
    for process in processes(client, app).await? {
        let instances = stats(client, &process.guid).await?;
        old.extend(instances.into_iter().filter_map(|i| i.instance_guid));
    }
    Ok(old)
}

/// Replaces instances by those of another droplet, and waits for the end of it.
pub(super) async fn replace(
    client: &Client,
    progress: &Progress,
    app: &App,
    (droplet, strategy): (Option<&str>, Strategy),
) -> Result<(), KatoError> {
    let name = match strategy {
        Strategy::Canary => "canary",
        Strategy::NoStart | Strategy::Restart | Strategy::Rolling => "rolling",
    };
    let mut document = json!({
        "strategy": name,
        "options": {"max_in_flight": 1},
        "relationships": {"app": {"data": {"guid": app.guid}}},
    });
    if let (Some(droplet), Some(fields)) = (droplet, document.as_object_mut()) {
        fields.insert("droplet".to_owned(), json!({"guid": droplet}));
    }
    let what = "deploy";
    let mut deployment: Deployment = client
        .send(what, Method::POST, "/v3/deployments", &document)
        .await?;
    let wait = progress.wait("deploying");
    let began = Instant::now();
    let path = format!("/v3/deployments/{}", deployment.guid);
    loop {
        let status = &deployment.status;
        match (status.value.as_str(), status.reason.as_str()) {
            ("FINALIZED", "DEPLOYED") => return Ok(()),
            ("ACTIVE", "PAUSED") if strategy == Strategy::Canary => return Ok(()),
            ("FINALIZED", reason) => return Err(KatoError::Deployment(reason.to_owned())),
            (_, reason) => wait.say(reason.to_lowercase()),
        }
        if began.elapsed() > DEPLOYMENT_LIMIT {
            let cancel = format!("{path}/actions/cancel");
            let nothing = Payload::Json("{}".to_owned());
            client.call(what, Method::POST, &cancel, nothing).await?;
            return Err(late("the deployment", DEPLOYMENT_LIMIT, Vec::new()));
        }
        sleep(PAUSE).await;
        deployment = client.get("look at the deployment", &path).await?;
    }
}

/// Waits until every process of the application has instances that run.
pub(super) async fn settle(
    client: &Client,
    progress: &Progress,
    app: &App,
    old: &Old,
) -> Result<(), KatoError> {
    for process in processes(client, app).await? {
        if process.instances > 0 {
            settle_process(client, progress, app, (&process, old)).await?;
        }
    }
    Ok(())
}

async fn settle_process(
    client: &Client,
    progress: &Progress,
    app: &App,
    (process, old): (&Process, &Old),
) -> Result<(), KatoError> {
    let wait = progress.wait("starting");
    let began = Instant::now();
    let mut first_ran = None;
    loop {
        let instances = stats(client, &process.guid).await?;
        match judge(&instances, old) {
            Standing::Settled => break,
            Standing::Crashed(reason) => {
                return Err(KatoError::Crashed {
                    app: app.name.clone(),
                    reason,
                    lines: last_words(client, &app.guid).await,
                });
            }
            Standing::Waiting { running, all } => {
                wait.say(format!("{running} of {all} {}", process.kind));
                if running > 0 {
                    let since = *first_ran.get_or_insert_with(Instant::now);
                    if since.elapsed() > STRAGGLERS {
                        break;
                    }
                }
            }
        }
        if began.elapsed() > START_LIMIT {
            let lines = last_words(client, &app.guid).await;
            let what = format!("the start of {}", app.name);
            return Err(late(&what, START_LIMIT, lines));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

fn late(what: &str, limit: Duration, lines: Vec<String>) -> KatoError {
    KatoError::Late {
        what: what.to_owned(),
        seconds: limit.as_secs(),
        lines,
    }
}

/// How far the instances of a process are.
#[derive(Debug, Eq, PartialEq)]
enum Standing {
    /// All of them crashed; the reason of the first.
    Crashed(String),
    /// All of them run, or none is wanted.
    Settled,
    /// Some are not there yet.
    Waiting { running: usize, all: usize },
}

fn judge(instances: &[Instance], old: &Old) -> Standing {
    let all = instances.len();
    let is_old = |i: &&Instance| i.instance_guid.as_ref().is_some_and(|id| old.contains(id));
    let fresh: Vec<&Instance> = instances.iter().filter(|i| !is_old(i)).collect();
    let running = fresh.iter().filter(|i| i.state == "RUNNING").count();
    if running == all {
        return Standing::Settled;
    }
    let crashed = fresh.iter().filter(|i| i.state == "CRASHED");
    if crashed.clone().count() == all {
        let details = crashed.filter_map(|i| i.details.clone()).next();
        return Standing::Crashed(details.unwrap_or_else(|| "all instances crashed".to_owned()));
    }
    Standing::Waiting { running, all }
}

const PAUSE: Duration = Duration::from_millis(300);
/// How long the others are waited for once one instance runs.
const STRAGGLERS: Duration = Duration::from_secs(30);
const START_LIMIT: Duration = Duration::from_secs(300);
const DEPLOYMENT_LIMIT: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn instances(states: &[&str]) -> Vec<Instance> {
        let all = states.iter().enumerate();
        let all = all.map(|(index, state)| {
            json!({"index": index, "state": state, "instance_guid": format!("i{index}"), "details": "why"})
        });
        serde_json::from_value(Value::Array(all.collect())).unwrap()
    }

    #[test]
    fn a_process_is_settled_when_all_of_its_instances_run() {
        let old = Old::new();
        assert_eq!(judge(&instances(&[]), &old), Standing::Settled);
        let two = instances(&["RUNNING", "RUNNING"]);
        assert_eq!(judge(&two, &old), Standing::Settled);
        let mixed = instances(&["RUNNING", "CRASHED"]);
        let waiting = Standing::Waiting { running: 1, all: 2 };
        assert_eq!(judge(&mixed, &old), waiting);
    }

    #[test]
    fn only_the_crash_of_all_instances_ends_the_wait() {
        let all = instances(&["CRASHED", "CRASHED"]);
        let crashed = Standing::Crashed("why".to_owned());
        assert_eq!(judge(&all, &Old::new()), crashed);
    }

    #[test]
    fn instances_from_before_the_restart_do_not_count() {
        let old = Old::from(["i0".to_owned()]);
        let waiting = Standing::Waiting { running: 0, all: 1 };
        assert_eq!(judge(&instances(&["RUNNING"]), &old), waiting);
    }
}
