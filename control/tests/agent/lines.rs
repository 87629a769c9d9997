//! What instances say while agents come and go: no line is lost.

use std::time::Duration;

use bus::Subscription;
use control::wire::{LogBatch, LogRecord, LogStream, Wire};
use tokio::time::timeout;

use crate::files::Droplet;
use crate::scene::{Scene, worker};

/// Records of the app until one holds `last`.
async fn records_until(heard: &mut Subscription, last: &str) -> Vec<LogRecord> {
    let mut records: Vec<LogRecord> = Vec::new();
    while !records.iter().any(|record| record.text.contains(last)) {
        let next = timeout(Duration::from_secs(60), heard.next());
        let message = next.await.expect("records in time").unwrap();
        let batch = LogBatch::decode(&message.payload).unwrap();
        assert_eq!((batch.app.as_str(), batch.lost), ("a1", 0));
        records.extend(batch.records);
    }
    records
}

#[tokio::test]
async fn no_line_is_lost_with_an_agent_that_was_killed() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let mut heard = scene.bus.subscribe("switchyard.logs.a1").await.unwrap();
    scene.bus.flush().await.unwrap();
    let command = "for n in $(seq 300); do echo n=$n; sleep 0.01; done; echo bye >&2; exit 3";
    scene.start_instance(&worker(&droplet, command)).await;
    let mut records = records_until(&mut heard, "n=50").await;
    // Only an instance that was written down is taken up.
    scene.eventually("RUNNING", 1).await;
    scene.kill_agent();
    scene.start_agent().await;
    records.extend(records_until(&mut heard, "crashed:").await);

    let mut numbers: Vec<u32> = records
        .iter()
        .filter_map(|record| record.text.strip_prefix("n=")?.parse().ok())
        .collect();
    // The lines of the last second before the end may be told twice.
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (1..=300).collect::<Vec<u32>>());
    let at = |text: &str| records.iter().position(|record| record.text.contains(text));
    let bye = at("bye").unwrap();
    assert!(bye < at("crashed:").unwrap(), "last words come first");
    assert_eq!(records[bye].stream, LogStream::Err);
    assert_eq!(records[bye].source_type, "APP/PROC/WORKER");
}
