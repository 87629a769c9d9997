//! Three controllers of one platform: they begin at once, and one is killed under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::server::{Server, ServerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};
use crate::members::{Caller, Member, Place};
use crate::postgres::Postgres;

/// Three members, and a client that knows them.
struct Trio {
    members: Vec<Member>,
    caller: Caller,
    _directory: TempDir,
}

impl Trio {
    /// Starts all three at the same moment.
    async fn start(database: String, bus: std::net::SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Place {
            bus,
            database,
            directory: directory.path().join("shared"),
        };
        let starting: Vec<_> = (0..3)
            .map(|number| place.start(directory.path(), number))
            .collect();
        let mut members = Vec::new();
        for one in starting {
            members.push(one.listening().await);
        }
        let addresses = members.iter().map(|member| member.address).collect();
        Self {
            caller: Caller::log_in(addresses).await,
            members,
            _directory: directory,
        }
    }

    /// How often any of them began to lead.
    fn led(&self) -> usize {
        self.members.iter().map(Member::led).sum()
    }

    /// Which one leads, by the word that operators find them with.
    async fn leader(&self, cloud: &Cloud) -> usize {
        let mut answers = cloud.bus.subscribe("_INBOX.members").await.unwrap();
        cloud.bus.flush().await.unwrap();
        let (question, inbox) = ("vcap.component.discover", "_INBOX.members");
        let asked = cloud.bus.publish_with_reply(question, inbox, "".into());
        asked.await.unwrap();
        let mut ids = BTreeMap::new();
        while ids.len() < self.members.len() {
            let found: Value =
                serde_json::from_slice(&answers.next().await.unwrap().payload).unwrap();
            let text = |field: &str| found[field].as_str().unwrap().to_owned();
            ids.insert(text("uuid"), text("host"));
        }
        let host = &ids[&format!("0-{}", cloud.row(HOLDER).await)];
        let here = |member: &Member| member.address.to_string() == *host;
        self.members.iter().position(here).unwrap()
    }
}

#[tokio::test]
async fn three_controllers_that_begin_at_once_on_a_new_database_all_stand_and_one_leads() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let trio = Trio::start(postgres.url(), server.addr()).await;
    // A login at one of them counts at all of them.
    for first in 0..3 {
        let answer = trio
            .caller
            .call(first, "GET /v3/stacks", &Value::Null)
            .await;
        let answer = answer.unwrap();
        assert!(answer.at_first && answer.status == 200, "{answer:?}");
        assert_eq!(answer.document["pagination"]["total_results"], 1);
    }
    eventually("one leads", || trio.led() == 1).await;
}

#[tokio::test]
async fn the_leader_of_three_is_killed_under_load_and_no_call_fails_and_nothing_starts_twice() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let cloud = Cloud::without_controller(postgres.url()).await;
    let mut trio = Trio::start(postgres.url(), cloud.bus_address()).await;
    let one = Agent::start(&cloud, "0-one", 4096).await;
    let two = Agent::start(&cloud, "1-two", 4096).await;
    cloud.app("shop", 1, 64).await;
    let running = || one.running("shop") + two.running("shop");
    eventually("the first one runs", || running() == 1).await;
    let first = trio.leader(&cloud).await;
    let load = Load::start(&trio.caller);
    // One more instance with each call, so that starts are on their way whenever the leader dies.
    let mut pace = interval(Duration::from_millis(50));
    for wanted in 2..=WANTED {
        pace.tick().await;
        let scale = "POST /v3/apps/shop/processes/web/actions/scale";
        let body = json!({ "instances": wanted });
        let answer = trio.caller.call(wanted, scale, &body).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        if wanted == WANTED / 2 {
            eventually("half of them run", || running() > WANTED / 4).await;
            trio.members[first].kill();
        }
    }
    eventually("all run", || running() == WANTED).await;
    let calls = load.end().await;
    println!("{calls} calls");
    let starts = [one.starts(), two.starts()].concat();
    let mut indices: Vec<u64> = starts
        .iter()
        .filter_map(|start| start["index"].as_u64())
        .collect();
    indices.sort_unstable();
    let each_once: Vec<u64> = (0..).take(WANTED).collect();
    assert_eq!(indices, each_once);
    // The first has led, and one other: the third only looks on.
    let led: Vec<usize> = trio.members.iter().map(Member::led).collect();
    assert_eq!((led[first], led.iter().sum::<usize>()), (1, 2), "{led:?}");
}

#[tokio::test]
async fn a_controller_whose_directory_is_not_the_shared_one_refuses_to_start() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let notes = tempfile::tempdir().unwrap();
    let shared = Place {
        bus: server.addr(),
        database: format!(
            "sqlite://{}?mode=rwc",
            notes.path().join("state.db").display()
        ),
        directory: notes.path().join("shared"),
    };
    let member = shared.start(notes.path(), 0).listening().await;
    let elsewhere = Place {
        directory: notes.path().join("not-mounted"),
        ..shared.clone()
    };
    let mut command = elsewhere.command();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not-mounted/blobs/platform"), "{said}");
    assert!(said.contains("is it mounted?"), "{said}");
    assert!(!elsewhere.directory.join("blobs").exists());
    drop(member);
    shared.start(notes.path(), 1).listening().await;
}

/// Calls without a pause, until it is told to end.
struct Load {
    ended: Arc<AtomicBool>,
    clients: JoinSet<usize>,
}

impl Load {
    fn start(caller: &Caller) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for client in 0..3 {
            clients.spawn(calls(caller.clone(), client, Arc::clone(&ended)));
        }
        Self { ended, clients }
    }

    /// How many calls there were; none may have failed.
    async fn end(self) -> usize {
        self.ended.store(true, Ordering::Relaxed);
        let calls: usize = self.clients.join_all().await.into_iter().sum();
        assert!(calls > 100, "{calls} calls are no load");
        calls
    }
}

async fn calls(caller: Caller, client: usize, ended: Arc<AtomicBool>) -> usize {
    let mut number = 0;
    while !ended.load(Ordering::Relaxed) {
        number += 1;
        let name = format!("app-{client}-{number}");
        let space = json!({ "space": { "data": { "guid": "s" } } });
        let app = json!({ "name": name, "relationships": space });
        let variable = json!({ "var": { "NUMBER": name } });
        let answer = caller.call(number, "POST /v3/apps", &app).await.unwrap();
        // Where the first one died over it, the second one may find it done.
        let done = answer.status == 422 && !answer.at_first;
        assert!(answer.status == 201 || done, "{answer:?}");
        for (asked, body) in [
            ("GET /v3/apps?names=shop", &Value::Null),
            ("PATCH /v3/apps/shop/environment_variables", &variable),
        ] {
            let answer = caller.call(number + 1, asked, body).await.unwrap();
            assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        }
    }
    3 * number
}

const WANTED: usize = 40;
const HOLDER: &str = "SELECT holder AS text FROM leases WHERE name = 'controller'";
