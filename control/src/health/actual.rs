//! Who was heard of, and when: the agents and the instances that they reported.

use std::collections::{HashMap, HashSet};

use crate::model::Micros;

use super::roll::Roll;
use super::settings::HealthSettings;

/// An agent and what it last reported.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) heard: Micros,
    /// Process and instance of each.
    pub(super) instances: HashSet<(String, String)>,
}

/// Every agent, and since when they are listened to without a gap.
#[derive(Debug, Default)]
pub(super) struct Agents {
    pub(super) by_id: HashMap<String, Agent>,
    /// The last heartbeat of any agent.
    heard: Option<Micros>,
    /// Since when nothing was missed; `None` before the first heartbeat.
    listening: Option<Micros>,
    /// Whether nothing can be heard at all.
    blind: bool,
    /// Who is to say what it has before a gap is over.
    pub(super) roll: Roll,
}

impl Agents {
    /// Notes a heartbeat; returns the instances that the agent reported before.
    pub(super) fn hear(
        &mut self,
        now: Micros,
        agent: &str,
        instances: HashSet<(String, String)>,
        settings: &HealthSettings,
    ) -> HashSet<(String, String)> {
        // After silence from everybody it was the listener who was away; the others will follow.
        let silence = |heard| now.since(heard) > settings.longest_silence();
        let gap = self.blind || self.heard.is_none_or(silence);
        self.blind = false;
        if gap {
            self.listening = Some(now);
            self.roll.begin(now);
        }
        self.heard = Some(now);
        let known = self.by_id.insert(
            agent.to_owned(),
            Agent {
                heard: now,
                instances,
            },
        );
        known.map(|agent| agent.instances).unwrap_or_default()
    }

    /// Believes nothing until the next heartbeat.
    pub(super) fn be_blind(&mut self) {
        self.blind = true;
    }

    /// Begins to listen anew: what was missed is not known.
    pub(super) fn listen_again(&mut self, now: Micros) {
        self.listening = self.heard.map(|_| now);
        self.roll.begin(now);
        for agent in self.by_id.values_mut() {
            agent.heard = agent.heard.min(now);
        }
        self.heard = self.heard.map(|heard| heard.min(now));
    }

    /// Whether what the agents reported may be acted upon: somebody was heard just now.
    pub(super) fn is_fresh(&self, now: Micros, settings: &HealthSettings) -> bool {
        let recent = |heard| now.since(heard) <= settings.longest_silence();
        !self.blind && self.heard.is_some_and(recent)
    }

    /// Whether a missing report means a missing instance: all have answered, or had the time.
    pub(super) fn is_complete(&self, now: Micros, settings: &HealthSettings) -> bool {
        let long = |since| now.since(since) >= settings.droplet_lost;
        self.roll.answered().is_some() || self.listening.is_some_and(long)
    }

    /// Whether every node has said that it does not have what was missing already at `since`.
    pub(super) fn is_denied(&self, since: Micros) -> bool {
        self.roll.answered().is_some_and(|asked| since <= asked)
    }

    /// The agents that were silent for too long while others were heard.
    pub(super) fn silent(&self, now: Micros, settings: &HealthSettings) -> Vec<String> {
        if !self.is_fresh(now, settings) || !self.is_complete(now, settings) {
            return Vec::new();
        }
        let lost = |agent: &Agent| now.since(agent.heard) > settings.droplet_lost;
        let silent = self.by_id.iter().filter(|(_, agent)| lost(agent));
        silent.map(|(id, _)| id.clone()).collect()
    }
}
