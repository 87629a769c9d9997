//! One application of a manifest, on its way into the store.

use serde_json::{Value, json};

use super::lifecycle::{self, LifecyclePatch};
use super::reach::fresh_guid;
use super::{apps, manifest_routes, quota, service_rules};
use crate::api::{ApiError, Call};
use crate::model::manifest::AppManifest;
use crate::model::{App, NewProcess, Process, Sidecar};
use crate::store::{Filter, Space, Tx};

/// An application that is being made what a manifest says.
pub(super) struct Applying<'a> {
    pub(super) call: &'a Call,
    pub(super) tx: &'a mut Tx,
    pub(super) space: &'a Space,
    pub(super) wanted: &'a AppManifest,
    pub(super) app: App,
    is_new: bool,
    /// Who waits for what brokers are asked for.
    job: &'a str,
    waits: bool,
}

/// An application that is what the manifest says, once the transaction is committed.
pub(super) struct Applied {
    pub(super) guid: String,
    pub(super) is_new: bool,
    /// Whether a broker is still to bind it.
    pub(super) waits: bool,
}

impl<'a> Applying<'a> {
    /// Finds the application, or makes it.
    pub(super) async fn begin(
        call: &'a Call,
        tx: &'a mut Tx,
        (space, wanted): (&'a Space, &'a AppManifest),
        job: &'a str,
    ) -> Result<Self, ApiError> {
        let found: Option<App> = tx
            .first(vec![
                Filter::equals("t.space_guid", &space.guid),
                Filter::equals("t.name", &wanted.name),
            ])
            .await?;
        let is_new = found.is_none();
        let app = match found {
            Some(app) => app,
            None => {
                let lifecycle = lifecycle::resolve(call, patch_of(wanted), None).await?;
                let app = apps::new_app(call, space, &wanted.name, lifecycle);
                apps::insert(tx, &app).await?;
                app
            }
        };
        Ok(Self {
            call,
            tx,
            space,
            wanted,
            app,
            is_new,
            job,
            waits: false,
        })
    }

    /// Writes all that the manifest says.
    pub(super) async fn finish(mut self) -> Result<Applied, ApiError> {
        self.apply_app().await?;
        self.apply_processes().await?;
        self.apply_sidecars().await?;
        manifest_routes::apply(&mut self).await?;
        self.apply_services().await?;
        let kind = if self.is_new {
            "audit.app.create"
        } else {
            "audit.app.update"
        };
        let data = json!({ "request": { "manifest": "[PRIVATE DATA HIDDEN]" } });
        self.call.record(self.tx, kind, &self.app, data).await?;
        Ok(Applied {
            guid: self.app.guid,
            is_new: self.is_new,
            waits: self.waits,
        })
    }

    async fn apply_app(&mut self) -> Result<(), ApiError> {
        let wanted = self.wanted;
        if let Some(patch) = patch_of(wanted) {
            let before = &self.app.lifecycle;
            self.app.lifecycle = lifecycle::resolve(self.call, Some(patch), Some(before)).await?;
        }
        for (name, value) in &wanted.environment {
            let value = Value::String(value.clone());
            self.app.environment.insert(name.clone(), value);
        }
        for (name, enabled) in &wanted.features {
            self.app.features.insert(name.clone(), json!(enabled));
        }
        self.app.updated_at = self.call.now;
        self.tx.update_app(&self.app).await?;
        self.tx
            .write_metadata(&self.app.guid, &apps::marks_of(wanted))
            .await?;
        Ok(())
    }

    async fn apply_processes(&mut self) -> Result<(), ApiError> {
        let mut processes = self.tx.processes_of(&self.app.guid).await?;
        for wanted in &self.wanted.processes {
            let of_type = |p: &Process| p.process_type == wanted.process_type;
            if !processes.iter().any(of_type) {
                let made = Process::new(NewProcess {
                    guid: fresh_guid(),
                    app_guid: &self.app.guid,
                    process_type: &wanted.process_type,
                    version: fresh_guid(),
                    now: self.call.now,
                });
                self.tx.insert_process(&made).await?;
                processes.push(made);
            }
            // During a deployment there are two of one type; the newest is the one that stays.
            if let Some(process) = processes.iter_mut().rfind(|p| of_type(p)) {
                let change = wanted.change(process);
                apps::write_process(self.tx, &self.app, process, change).await?;
            }
        }
        quota::check_processes(self.call, &self.app, &processes).await
    }

    async fn apply_sidecars(&mut self) -> Result<(), ApiError> {
        for wanted in &self.wanted.sidecars {
            let sidecar = Sidecar {
                guid: fresh_guid(),
                app_guid: self.app.guid.clone(),
                name: wanted.name.clone(),
                command: wanted.command.clone(),
                process_types: wanted.process_types.clone(),
                memory_mb: wanted.memory_mb,
                created_at: self.call.now,
                updated_at: self.call.now,
            };
            self.tx.put_sidecar(&sidecar).await?;
        }
        Ok(())
    }

    async fn apply_services(&mut self) -> Result<(), ApiError> {
        for wanted in &self.wanted.services {
            let asked = (wanted, self.job);
            let app = (&self.app, self.space);
            self.waits |= service_rules::bind_by_name(self.call, self.tx, app, asked).await?;
        }
        Ok(())
    }
}

/// What a manifest says about the lifecycle; nothing when it says nothing.
fn patch_of(wanted: &AppManifest) -> Option<LifecyclePatch> {
    let docker = wanted.docker.is_some() || wanted.lifecycle.as_deref() == Some("docker");
    let says = docker
        || wanted.lifecycle.is_some()
        || wanted.buildpacks.is_some()
        || wanted.stack.is_some();
    says.then(|| LifecyclePatch {
        docker,
        buildpacks: wanted.buildpacks.clone(),
        stack: wanted.stack.clone(),
    })
}
