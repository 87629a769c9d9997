//! What an application asks for in its manifest holds on the node.

use std::fs;

use crate::cloud::eventually;
use crate::world::World;

#[test]
fn a_log_rate_of_the_manifest_is_kept_by_the_node_and_told_in_the_log() {
    let Some(world) = World::start() else { return };
    let app = tempfile::tempdir().unwrap();
    let manifest =
        "applications:\n- name: chatty\n  memory: 64M\n  log-rate-limit-per-second: 1K\n";
    fs::write(app.path().join("manifest.yml"), manifest).unwrap();
    let start = "web: seq 100000 199999; exec python3 -m http.server $PORT\n";
    fs::write(app.path().join("Procfile"), start).unwrap();
    let file = app.path().join("manifest.yml");
    world.kato(&["push", "-f", file.to_str().unwrap()]);
    let told = "app instance exceeded log rate limit (1024 bytes/sec)";
    eventually("the notice", || {
        let log = world.kato(&["logs", "chatty", "--recent"]);
        log.contains(told).then_some(())
    });
    world.expect_page("chatty.localhost", 200);
}
