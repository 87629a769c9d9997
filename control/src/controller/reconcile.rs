//! Reconciling: what is wanted is told to the health decider, and what it decides is carried out.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::{info, warn};

use super::drive::Driver;
use super::site::now;
use super::start::start_message;
use crate::health::{Action, DesiredProcess};
use crate::placement::{Request, Shortage};
use crate::store::{StartFacts, StoreError, WantedProcess};
use crate::wire::{Stop, Update, subject};

impl Driver {
    /// Looks at one application whose desired state was written, and acts at once.
    pub(super) async fn reconcile_app(&mut self, app: &str) {
        match self.read_app(app).await {
            Ok(()) => {
                self.repair().await;
                let processes = self.known.get(app).cloned().unwrap_or_default();
                processes.iter().for_each(|process| self.show(process));
            }
            Err(error) => warn!(%error, app, "application-not-reconciled"),
        }
    }

    /// Reads everything that is wanted.
    pub(super) async fn read_desired(&mut self) {
        match self.site.store.wanted().await {
            Ok(wanted) => {
                self.known.clear();
                for one in &wanted {
                    let processes = self.known.entry(one.app.clone()).or_default();
                    processes.insert(one.process.clone());
                }
                let snapshot = wanted.iter().map(desired).collect();
                self.health.desired(now(), snapshot);
            }
            Err(error) => warn!(%error, "desired-state-unread"),
        }
    }

    /// Carries out what the decider wants now.
    pub(super) async fn repair(&mut self) {
        let actions = self.health.tick(now(), &mut rand::rng());
        let mut facts: Option<StartFacts> = None;
        for action in actions {
            match action {
                Action::Start {
                    process,
                    version,
                    index,
                    reason,
                    ..
                } => {
                    info!(process, version, index, ?reason, "instance-starting");
                    // Most starts of one round are of one process.
                    if facts
                        .as_ref()
                        .is_none_or(|facts| facts.process.guid != process)
                    {
                        facts = self.facts(&process).await;
                    }
                    match &facts {
                        Some(facts) if facts.process.version == version => {
                            self.start(facts, index).await;
                        }
                        // It was changed or removed since; the decider will be told.
                        Some(_) | None => {}
                    }
                }
                Action::Stop {
                    process,
                    version,
                    instance,
                    index,
                    reason,
                } => {
                    info!(
                        process,
                        version,
                        instance,
                        index,
                        ?reason,
                        "instance-stopping"
                    );
                    self.stop(&process, vec![instance]).await;
                }
            }
        }
    }

    /// Tells the agents and the decider what is wanted of one application.
    async fn read_app(&mut self, app: &str) -> Result<(), StoreError> {
        let wanted = self.site.store.wanted_of_app(app).await?;
        let listed = self.site.store.processes_and_routes(app).await?;
        let processes: BTreeSet<String> = listed.iter().map(|(guid, ..)| guid.clone()).collect();
        for (process, uris, uri_options) in listed {
            let one = wanted.iter().find(|one| one.process == process);
            match one {
                Some(one) => self.health.desired_one(now(), desired(one)),
                None => self.stopped(&process).await,
            }
            if one.is_some() {
                let update = Update {
                    process,
                    uris,
                    uri_options,
                    version: None,
                };
                self.site.say(subject::UPDATE, &update).await;
            }
        }
        // What was removed from the store is only known from before.
        let before = match processes.is_empty() {
            true => self.known.remove(app),
            false => self.known.insert(app.to_owned(), processes.clone()),
        };
        for process in before.iter().flatten() {
            if !processes.contains(process) {
                self.health.removed(process);
                self.stop_known(process).await;
            }
        }
        Ok(())
    }

    /// A process of which nothing should run.
    async fn stopped(&mut self, process: &str) {
        let nothing = DesiredProcess {
            process: process.to_owned(),
            version: String::new(),
            instances: 0,
        };
        self.health.desired_one(now(), nothing);
        self.stop_known(process).await;
    }

    /// Ends at once what is known to run. It names instances, since an order for a whole process
    /// would end the staging of its application too.
    async fn stop_known(&self, process: &str) {
        let live = self.health.live(process);
        let instances: Vec<String> = live.map(|(guid, _)| guid.to_owned()).collect();
        if !instances.is_empty() {
            self.stop(process, instances).await;
        }
    }

    async fn stop(&self, process: &str, instances: Vec<String>) {
        let stop = Stop {
            process: process.to_owned(),
            instances: Some(instances),
            ..Stop::default()
        };
        self.site.say(subject::STOP, &stop).await;
    }

    async fn facts(&self, process: &str) -> Option<StartFacts> {
        let api = &self.site.settings.api_url;
        let facts = self.site.store.start_facts(process, api).await;
        facts.unwrap_or_else(|error| {
            warn!(%error, process, "instance-not-started");
            None
        })
    }

    /// Starts one instance on the node that suits it best.
    async fn start(&mut self, facts: &StartFacts, index: u32) {
        let process = &facts.process;
        let request = Request {
            process: &process.guid,
            memory_mb: i64::from(process.memory_mb),
            disk_mb: i64::from(process.disk_mb),
            stack: facts.app.lifecycle.stack(),
            zone: None,
        };
        let placed = self.site.pool().place(&request, now(), &mut rand::rng());
        match placed {
            Ok(chosen) if !self.remember_node(&chosen.agent).await => {
                let why = "the node cannot be written down";
                self.health.unplaced(now(), &process.guid, index, why);
            }
            Ok(chosen) => {
                let agent = chosen.agent;
                info!(process = process.guid, index, agent, "instance-placed");
                self.short.remove(&facts.app.guid);
                let message = start_message(&self.site, facts, index);
                self.site.say(&subject::start(&agent), &message).await;
            }
            Err(shortage) => self.no_room(facts, index, &shortage).await,
        }
    }

    /// The decider tries again; the user is told why, now and then.
    async fn no_room(&mut self, facts: &StartFacts, index: u32, shortage: &Shortage) {
        let why = shortage.to_string();
        self.health
            .unplaced(now(), &facts.process.guid, index, &why);
        let app = &facts.app.guid;
        let said = self.short.get(app).copied();
        if said.is_some_and(|said| now().since(said) < SHORTAGE_PAUSE) {
            return;
        }
        self.short.insert(app.clone(), now());
        let process_type = &facts.process.process_type;
        let text = format!("NORESOURCES instance {index} of {process_type} waits: {why}");
        self.site.log(app, "API", &text).await;
    }

    /// Ends one instance; the decider hears of its end and starts another one.
    pub(super) async fn stop_instance(&self, process: &str, index: u32) {
        let stop = Stop {
            process: process.to_owned(),
            indices: Some(vec![index]),
            ..Stop::default()
        };
        self.site.say(subject::STOP, &stop).await;
    }
}

fn desired(wanted: &WantedProcess) -> DesiredProcess {
    DesiredProcess {
        process: wanted.process.clone(),
        version: wanted.version.clone(),
        instances: wanted.instances,
    }
}

const SHORTAGE_PAUSE: Duration = Duration::from_secs(30);
