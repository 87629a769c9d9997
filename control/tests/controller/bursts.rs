//! Many starts at once: what fits is started, and no node gets more than it has.

use control::health::HealthSettings;

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};

#[tokio::test]
async fn a_thousand_starts_at_once_fill_the_nodes_and_overfill_none() {
    // All of them in one second, which is more than the policy lets out.
    let health = HealthSettings {
        starts_per_second: 1_000,
        ..HealthSettings::default()
    };
    let cloud = Cloud::start_with(health).await;
    let mut agents = Vec::new();
    // Room for 900 of them, and a little beside that is enough for none.
    for (id, instances, rest) in [("0-one", 300, 63), ("1-two", 400, 1), ("2-three", 200, 0)] {
        agents.push(Agent::start(&cloud, id, instances * MEMORY_MB + rest).await);
    }
    cloud.heard(3).await;
    for app in 0..100 {
        cloud.app(&name(app), 10, 64).await;
    }
    (0..100).for_each(|app| cloud.controller.app_changed(&name(app)));
    eventually("as many run as fit", || all(&agents) >= 900).await;
    assert_eq!(counts(&agents), [300, 400, 200]);
    agents.push(Agent::start(&cloud, "3-four", 100 * MEMORY_MB).await);
    eventually("the others have found room", || all(&agents) >= 1_000).await;
    assert_eq!(counts(&agents), [300, 400, 200, 100]);
}

fn name(app: usize) -> String {
    format!("app-{app}")
}

/// How many starts each agent was told.
fn counts(agents: &[Agent]) -> Vec<usize> {
    agents.iter().map(|agent| agent.starts().len()).collect()
}

fn all(agents: &[Agent]) -> usize {
    counts(agents).iter().sum()
}

const MEMORY_MB: i64 = 64;
