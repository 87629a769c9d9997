//! Answers: what the health decider knows, for those who ask on the bus.

use tracing::warn;

use super::drive::Driver;
use super::ears::Question;
use crate::model::{InstanceReport, Micros};
use crate::wire::{
    CrashedInstance, CrashedInstances, FlappingIndex, FlappingIndices, HealthyInstances,
    IndexRecord, ProcessName, ProcessRecord, StatusQuestion, Wire,
};

impl Driver {
    /// Answers a question, if this controller is the one to ask.
    pub(super) async fn answer(&self, question: Question, inbox: &str) {
        if !self.leads() {
            return;
        }
        match question {
            Question::Status(asked) => match asked.state.as_str() {
                "CRASHED" => self.reply(inbox, &self.crashed(&asked)).await,
                "FLAPPING" => self.reply(inbox, &self.flapping(&asked)).await,
                other => warn!(state = other, "bus-question-not-understood"),
            },
            Question::Health(names) => {
                for name in &names.processes {
                    self.reply(inbox, &self.healthy(name)).await;
                }
            }
            Question::Process(names) => {
                for name in &names.processes {
                    self.reply(inbox, &self.record(&name.process)).await;
                }
            }
        }
    }

    async fn reply(&self, inbox: &str, answer: &impl Wire) {
        self.site.say(inbox, answer).await;
    }

    fn live_version(&self, process: &str) -> String {
        let desired = self.health.desired_of(process);
        desired.map_or_else(String::new, |desired| desired.version.clone())
    }

    fn crashed(&self, asked: &StatusQuestion) -> CrashedInstances {
        let live = || self.live_version(&asked.process);
        let version = asked.version.clone().unwrap_or_else(live);
        let crashes = self.health.crashes(&asked.process).into_iter();
        let instances = crashes.filter(|crash| crash.version == version);
        CrashedInstances {
            instances: instances
                .map(|crash| CrashedInstance {
                    instance: crash.instance,
                    since: seconds(crash.since),
                })
                .collect(),
        }
    }

    fn flapping(&self, asked: &StatusQuestion) -> FlappingIndices {
        let live = self.live_version(&asked.process);
        if asked.version.as_ref().is_some_and(|asked| *asked != live) {
            return FlappingIndices::default();
        }
        let indices = self.health.flapping(&asked.process).into_iter();
        let index = |(index, since)| FlappingIndex {
            index,
            since: seconds(since),
        };
        FlappingIndices {
            indices: indices.map(index).collect(),
        }
    }

    fn healthy(&self, name: &ProcessName) -> HealthyInstances {
        let live = || self.live_version(&name.process);
        let version = name.version.clone().unwrap_or_else(live);
        let running = self.health.running(&name.process);
        HealthyInstances {
            process: name.process.clone(),
            healthy: running.get(&version).copied().unwrap_or(0),
            version,
        }
    }

    fn record(&self, process: &str) -> ProcessRecord {
        let desired = self.health.desired_of(process);
        let flapping = self.health.flapping(process);
        let index = |report: InstanceReport| IndexRecord {
            index: report.index,
            instance: report.instance,
            state: report.state.as_str().to_owned(),
            since: seconds(report.since),
            flapping: flapping.iter().any(|(at, _)| *at == report.index),
            details: report.details,
        };
        ProcessRecord {
            process: process.to_owned(),
            version: self.live_version(process),
            desired: desired.map_or(0, |desired| desired.instances),
            running: self.health.running(process),
            indices: self
                .health
                .instances(process)
                .into_iter()
                .map(index)
                .collect(),
        }
    }
}

/// Seconds since 1970.
fn seconds(at: Micros) -> f64 {
    at.0 as f64 / 1e6
}
