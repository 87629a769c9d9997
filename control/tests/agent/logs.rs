//! What instances say, on the bus.

use std::time::Instant;

use control::wire::{LogBatch, Stop, Wire};
use serde_json::Value;
use tokio::time::timeout;

use crate::files::Droplet;
use crate::scene::{DEADLINE, Scene, worker};

/// The records with these texts, in this order, whenever each of them comes.
async fn said<const N: usize>(scene: &mut Scene, texts: [&str; N]) -> [Value; N] {
    let mut found: [Option<Value>; N] = [const { None }; N];
    while found.iter().any(Option::is_none) {
        let batch = scene.hear("switchyard.logs.a1", |_| true).await;
        for record in batch["records"].as_array().unwrap() {
            if let Some(at) = texts.iter().position(|text| record["text"] == *text) {
                found[at] = Some(record.clone());
            }
        }
    }
    found.map(Option::unwrap)
}

#[tokio::test]
async fn lines_of_an_instance_are_published_across_a_restart_of_the_agent() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let command = "echo first; echo pid=$$; trap 'echo last >&2; exit 0' TERM; \
                   while :; do sleep 0.05; done";
    scene.start_instance(&worker(&droplet, command)).await;
    let [first, _healthy] = said(&mut scene, ["first", "Instance 0 is healthy"]).await;
    assert_eq!(first["source_type"], "APP/PROC/WORKER");
    assert_eq!(
        (&first["instance"], &first["stream"]),
        (&"0".into(), &"OUT".into())
    );

    scene.kill_agent();
    scene.start_agent().await;
    scene.eventually("RUNNING", 1).await;
    let stop = Stop {
        process: "p1".into(),
        ..Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    let [last, stopped] = said(&mut scene, ["last", "Instance 0 has stopped"]).await;
    assert_eq!(last["stream"], "ERR");
    assert_eq!(stopped["source_type"], "CELL");
}

/// A scene in which an instance with this limit has said `said=` and was stopped; all that it said.
async fn whole_log(command: &str, bytes_per_second: i64) -> Vec<String> {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let mut log = scene.bus.subscribe("switchyard.logs.a1").await.unwrap();
    let mut start = worker(&droplet, command);
    start.limits.log_rate = Some(bytes_per_second);
    scene.start_instance(&start).await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap();
    scene.said(instance, "said=").await;
    let stop = Stop {
        process: "p1".into(),
        ..Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    let mut texts = Vec::new();
    loop {
        let message = timeout(DEADLINE, log.next()).await.unwrap().unwrap();
        for record in LogBatch::decode(&message.payload).unwrap().records {
            if record.source_type == "APP/PROC/WORKER" {
                texts.push(record.text);
            } else if record.text == "Instance 0 has stopped" {
                return texts;
            }
        }
    }
}

#[tokio::test]
async fn an_instance_says_no_more_than_its_limit_and_is_told_so() {
    let line = "x".repeat(100);
    let command =
        format!("for n in $(seq 2000); do echo {line}; done; echo said=1; exec sleep 600");
    let began = Instant::now();
    let texts = whole_log(&command, 1000).await;
    let most = 1000.0 * (began.elapsed().as_secs_f64() + 1.0);
    let (passed, others): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| *text == line);
    assert!(
        (passed.len() * 100) as f64 <= most,
        "{} lines",
        passed.len()
    );
    let dropped = others.iter().filter_map(|text| {
        let told = "app instance exceeded log rate limit (1000 bytes/sec); ";
        let count = text.strip_prefix(told)?.split(' ').next()?;
        count.parse::<usize>().ok()
    });
    // All that is missing is told; the last line is a short one, which may have found room.
    let missing = 2001 - passed.len() - usize::from(others.contains(&"said=1".to_owned()));
    assert!(missing > 0);
    assert_eq!(dropped.sum::<usize>(), missing, "{others:?}");
}

#[tokio::test]
async fn an_instance_that_may_say_nothing_says_nothing() {
    let texts = whole_log("echo said=1; exec sleep 600", 0).await;
    assert_eq!(texts, Vec::<String>::new());
}
