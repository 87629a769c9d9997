//! Deployments, carried out: what was decided is written, and instances follow.

use std::collections::HashSet;

use tracing::{info, warn};

use super::deployment::{Fleet, Scene, Step, decide};
use super::drive::Driver;
use super::site::{now, random_guid};
use crate::model::{
    AppState, DeploymentState, InstanceReport, InstanceState, Micros, canary_pauses, canary_size,
};
use crate::store::{ActiveDeployment, DeploymentStep, StoreError, WebProcess};

impl Driver {
    /// Carries every deployment on by one step.
    pub(super) async fn advance_deployments(&mut self) {
        let deployments = match self.site.store.active_deployments().await {
            Ok(deployments) => deployments,
            Err(error) => return warn!(%error, "deployments-unread"),
        };
        let mut newest = HashSet::new();
        for deployment in deployments {
            let superseded = !newest.insert(deployment.app.clone());
            let scene = self.scene(&deployment, superseded);
            let step = decide(&scene);
            if step == Step::Wait {
                continue;
            }
            match self.write(&deployment, &step).await {
                Ok(true) => {
                    info!(deployment = deployment.guid, ?step, "deployment-stepped");
                    self.reconcile_app(&deployment.app).await;
                }
                Ok(false) => {}
                Err(error) => warn!(%error, deployment = deployment.guid, "deployment-stuck"),
            }
        }
    }

    fn scene(&self, deployment: &ActiveDeployment, superseded: bool) -> Scene {
        let fleet = |guid: &str| {
            let web = deployment.web.iter().find(|web| web.guid == guid);
            web.map_or_else(Fleet::default, |web| self.fleet(web))
        };
        Scene {
            state: deployment.state,
            canary: canary(deployment),
            max_in_flight: deployment.max_in_flight,
            goal: deployment.desired_instances,
            original: deployment.original_instances,
            started: deployment.app_state == AppState::Started,
            superseded,
            overdue: is_overdue(deployment, now()),
            new: fleet(&deployment.process),
            previous: fleet(&deployment.previous_process),
            old: others(deployment).map(|web| web.instances).collect(),
        }
    }

    fn fleet(&self, web: &WebProcess) -> Fleet {
        let reports = self.health.instances(&web.guid);
        let is_routable = |report: &&InstanceReport| {
            report.state == InstanceState::Running && report.routable != Some(false)
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let crashed = reports
            .iter()
            .filter(|one| one.state == InstanceState::Crashed);
        Fleet {
            wanted: web.instances,
            routable: count(reports.iter().filter(is_routable).count()),
            crashed: count(crashed.count()),
        }
    }

    async fn write(&self, deployment: &ActiveDeployment, step: &Step) -> Result<bool, StoreError> {
        let Some(lease) = self.site.lease() else {
            return Ok(false);
        };
        let mut tx = self.site.store.begin().await?;
        let written = written(deployment, step);
        if !tx
            .step_deployment(&lease, deployment, &written, now())
            .await?
        {
            return Ok(false);
        }
        if *step == Step::Deployed {
            tx.settle_deployment(deployment, &random_guid(), now())
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// What a step means for the rows.
fn written(deployment: &ActiveDeployment, step: &Step) -> DeploymentStep {
    let new = &deployment.process;
    let previous = &deployment.previous_process;
    let but = |kept: &str| {
        let others = deployment.web.iter().filter(|web| web.guid != *kept);
        others.map(|web| web.guid.clone()).collect()
    };
    let state = |state| DeploymentStep {
        state: Some(state),
        ..DeploymentStep::default()
    };
    match step {
        Step::Cancel => state(DeploymentState::Canceling),
        Step::Canceled => DeploymentStep {
            scale: vec![(previous.clone(), deployment.original_instances)],
            remove: but(previous),
            ..state(DeploymentState::Canceled)
        },
        Step::Deployed => DeploymentStep {
            scale: vec![(new.clone(), deployment.desired_instances)],
            remove: but(new),
            ..state(DeploymentState::Deployed)
        },
        Step::Pause => DeploymentStep {
            canary_ran: true,
            ..state(DeploymentState::Paused)
        },
        Step::Scale { new: count, old } => {
            let old = others(deployment).zip(old);
            let old = old.map(|(web, count)| (web.guid.clone(), *count));
            let scale = std::iter::once((new.clone(), *count)).chain(old);
            DeploymentStep {
                scale: scale.collect(),
                ..DeploymentStep::default()
            }
        }
        Step::Restore {
            previous: back,
            new: left,
        } => DeploymentStep {
            scale: vec![(previous.clone(), *back), (new.clone(), *left)],
            ..DeploymentStep::default()
        },
        Step::Superseded => state(DeploymentState::Superseded),
        Step::Wait => DeploymentStep::default(),
    }
}

/// How many new instances are wanted before the next pause, when there is still one.
fn canary(deployment: &ActiveDeployment) -> Option<u32> {
    let (steps, ran) = (&deployment.canary_steps, deployment.canaries_ran);
    let left = ran < canary_pauses(deployment.strategy, steps);
    left.then(|| canary_size(steps, ran, deployment.desired_instances))
}

/// The web processes that the new one takes the place of, oldest first.
fn others(deployment: &ActiveDeployment) -> impl Iterator<Item = &WebProcess> {
    let web = deployment.web.iter();
    web.filter(|web| web.guid != deployment.process)
}

/// Whether nothing has happened for as long as the whole was given at first.
fn is_overdue(deployment: &ActiveDeployment, now: Micros) -> bool {
    let patience = deployment.deadline.since(deployment.created_at);
    now > deployment
        .deadline
        .max(deployment.updated_at.after(patience))
}
