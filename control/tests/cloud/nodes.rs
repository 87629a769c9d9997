//! A second node beside the first: an agent that dies is replaced by the others.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{eventually, within};
use crate::world::{World, command_line, example, processes_under};

/// After how long the instances of a node that died run elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(40);

/// One more agent of a cloud; its instances end when it is dropped.
struct Node {
    agent: Child,
    dir: TempDir,
}

impl Node {
    fn start(world: &World, memory_mb: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = command(&dir, world);
        let command = command.args(["--memory-mb", &memory_mb.to_string()]);
        let agent = command.spawn().unwrap();
        Self { agent, dir }
    }

    /// How many instances run here.
    fn instances(&self) -> usize {
        statics(processes_under(self.dir.path()))
    }

    fn kill(&mut self) {
        self.agent.kill().unwrap();
        self.agent.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Dead already where a test has killed it.
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        let mut clear = Command::new(env!("CARGO_BIN_EXE_switchyard"));
        clear.args(["agent", "--runtime", "process", "--clear", "0"]);
        clear.args(["--nats", "nats://127.0.0.1:1", "--dir"]);
        let _ = clear.arg(self.dir.path()).stderr(Stdio::null()).status();
    }
}

fn command(dir: &TempDir, world: &World) -> Command {
    let line = command_line(world.part(" agent "));
    let bus = line.split(' ').find(|word| word.starts_with("nats://"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command
        .args(["agent", "--runtime", "process", "--index", "1"])
        .args(["--disk-mb", "8192", "--nats"])
        .arg(bus.unwrap())
        .arg("--dir")
        .arg(dir.path())
        .stdin(Stdio::null());
    command
}

fn statics(pids: Vec<rustix::process::Pid>) -> usize {
    let is_static = |pid: &rustix::process::Pid| command_line(*pid).contains(" static ");
    pids.iter().filter(|pid| is_static(pid)).count()
}

#[test]
fn instances_of_an_agent_that_is_killed_run_elsewhere_within_40_s() {
    let Some(world) = World::start() else { return };
    let mut node = Node::start(&world, 4096);
    // Of two nodes, the one with fewer instances of an application gets the next one; the second is
    // there once one has come to it.
    let mut wanted = 2;
    eventually("an instance on the second node", || {
        world.kato(&["scale", "hello", "-i", &wanted.to_string()]);
        wanted += 1;
        (node.instances() > 0).then_some(())
    });
    let count = wanted - 1;
    let here = || statics(processes_under(world.cloud.dir.path()));
    assert!(here() < count);
    node.kill();
    let killed = Instant::now();
    within(ELSEWHERE, killed, "replacements on the first node", || {
        (here() == count).then_some(())
    });
    println!("elsewhere after {:?}", killed.elapsed());
    let said = world.kato(&["app", "hello"]);
    assert!(said.contains("running"), "{said}");
}

#[test]
fn what_no_node_has_room_for_is_refused_says_so_in_its_log_and_starts_when_a_node_appears() {
    let Some(world) = World::start() else { return };
    let app = example("static");
    world.kato(&["push", "big", "-p", app.to_str().unwrap()]);
    let scaled = world.kato_command(&["scale", "big", "-m", "8G"]).output();
    let scaled = scaled.unwrap();
    let complaint = String::from_utf8_lossy(&scaled.stderr);
    assert!(!scaled.status.success(), "{complaint}");
    assert!(
        complaint.contains("insufficient running resources") && complaint.contains("8192 MB"),
        "{complaint}"
    );
    world.expect_page("big.localhost", 200);
    let (_, found) = world.ask("GET /v3/deployments", &Value::Null);
    assert_eq!(found["pagination"]["total_results"], 0, "{found}");
    world.kato(&["stop", "big"]);
    world.kato(&["scale", "big", "-m", "8G"]);
    let (_, found) = world.ask("GET /v3/apps?names=big", &Value::Null);
    let guid = found["resources"][0]["guid"].as_str().unwrap();
    let start = format!("POST /v3/apps/{guid}/actions/start");
    let (status, refusal) = world.ask(&start, &Value::Null);
    let error = &refusal["errors"][0];
    assert_eq!(
        (status, &error["code"]),
        (503, &json!(150_003)),
        "{refusal}"
    );
    assert_eq!(error["title"], "CF-InsufficientRunningResourcesAvailable");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("8192 MB"), "{detail}");
    let said = world.kato(&["logs", "big", "--recent"]);
    assert!(
        said.contains("NORESOURCES") && said.contains("8192 MB"),
        "{said}"
    );
    let said = world.kato(&["app", "big"]);
    assert!(said.contains("stopped"), "{said}");
    let node = Node::start(&world, 16_384);
    world.kato(&["start", "big"]);
    world.expect_page("big.localhost", 200);
    assert_eq!(node.instances(), 1);
}
