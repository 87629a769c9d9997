//! Crash counts that outlive a reconciler: what the next one must know, and how it takes it in.

use crate::model::{CrashCount, Micros};

use super::crash::{self, Verdict};
use super::index::Plan;
use super::reconciler::Health;

impl Health {
    /// The counts that have changed since they were last taken; to be kept for the next reconciler.
    pub fn take_crash_counts(&mut self) -> Vec<CrashCount> {
        let mut changed: Vec<_> = std::mem::take(&mut self.crash_news).into_iter().collect();
        changed.sort_unstable();
        let count = |(name, at): (String, u32)| {
            let process = self.processes.get(&name)?;
            let (version, index) = (process.version()?, process.indices.get(&at)?);
            Some(CrashCount {
                version: version.to_owned(),
                index: at,
                crashes: index.crashes,
                last: index.last_crash?,
                process: name,
            })
        };
        changed.into_iter().filter_map(count).collect()
    }

    /// Takes in what the last reconciler counted, after the desired state: an index that it gave up
    /// stays given up, and one that waited for its restart goes on waiting.
    pub fn recall(&mut self, now: Micros, counts: &[CrashCount]) {
        for count in counts {
            let Some(process) = self.processes.get_mut(&count.process) else {
                continue;
            };
            if process.version() != Some(&count.version) {
                continue;
            }
            let covered = process.is_covered(count.index);
            let Some(index) = process.indices.get_mut(&count.index) else {
                continue;
            };
            index.crashes = index.crashes.max(count.crashes);
            let last = index.last_crash.max(Some(count.last));
            index.last_crash = last;
            if covered {
                continue;
            }
            match crash::verdict(&self.settings, index.crashes) {
                Verdict::GiveUp => index.plan = Plan::GivenUp,
                // One that is over may have been restarted already, and is listened for like anything
                // missing; nothing that is delayed starts before it is known what runs.
                Verdict::Later(delay) if count.last.after(delay) > now => {
                    index.plan = Plan::Flapping {
                        crashed: count.last,
                    };
                }
                Verdict::Later(_) | Verdict::Now => {}
            }
            self.touched.insert(count.process.clone());
        }
    }

    /// Begins to act in another reconciler's place: what that has just done is listened for first.
    pub fn take_over(&mut self, now: Micros) {
        self.crash_news.clear();
        self.listen_again(now);
        self.agents.roll.forget(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::health::{Action, DesiredProcess, HealthSettings};
    use crate::wire::Heartbeat;

    const BEGIN: Micros = Micros(1_000_000_000);

    fn at(seconds: u64) -> Micros {
        BEGIN.after(Duration::from_secs(seconds))
    }

    fn count(crashes: u32, last: Micros, version: &str) -> CrashCount {
        CrashCount {
            process: "p".to_owned(),
            version: version.to_owned(),
            index: 0,
            crashes,
            last,
        }
    }

    /// When the one index is started by a reconciler that was told this count at its beginning.
    fn started_at(count: &CrashCount, limit: u64) -> Option<u64> {
        let mut health = Health::new(HealthSettings::default());
        let wanted = DesiredProcess {
            process: "p".to_owned(),
            version: "v".to_owned(),
            instances: 1,
        };
        let mut random = StdRng::seed_from_u64(1);
        health.desired(BEGIN, vec![wanted.clone()]);
        health.recall(BEGIN, std::slice::from_ref(count));
        (0..limit).find(|&second| {
            let now = at(second);
            health.desired(now, vec![wanted.clone()]);
            health.heartbeat(
                now,
                &Heartbeat {
                    agent: "0-a".to_owned(),
                    ..Heartbeat::default()
                },
            );
            let actions = health.tick(now, &mut random);
            actions
                .iter()
                .any(|one| matches!(one, Action::Start { .. }))
        })
    }

    #[test]
    fn what_was_given_up_stays_given_up_under_the_next_reconciler() {
        assert_eq!(started_at(&count(5, BEGIN, "v"), 1000), None);
    }

    #[test]
    fn a_delay_goes_on_under_the_next_reconciler() {
        let second = started_at(&count(4, BEGIN, "v"), 1000).unwrap();
        assert!((235..=246).contains(&second), "{second}");
    }

    #[test]
    fn a_delay_that_is_over_is_listened_out_like_anything_missing() {
        let long_ago = Micros(0);
        let second = started_at(&count(3, long_ago, "v"), 1000).unwrap();
        assert!((30..=41).contains(&second), "{second}");
    }

    #[test]
    fn crashes_of_another_version_do_not_count() {
        let second = started_at(&count(5, BEGIN, "old"), 1000).unwrap();
        assert!((30..=41).contains(&second), "{second}");
    }
}
