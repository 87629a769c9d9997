//! What instances say, on the bus.

use serde_json::Value;

use crate::files::Droplet;
use crate::scene::{Scene, worker};

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
    let stop = control::wire::Stop {
        process: "p1".into(),
        ..control::wire::Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    let [last, stopped] = said(&mut scene, ["last", "Instance 0 has stopped"]).await;
    assert_eq!(last["stream"], "ERR");
    assert_eq!(stopped["source_type"], "CELL");
}
