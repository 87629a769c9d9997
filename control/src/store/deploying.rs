//! Deployments as the controller reads them and carries them on.

use sqlx::any::AnyRow;

use super::desired::small;
use super::{Lease, Row, Store, StoreError, Tx};
use crate::model::{AppState, DeploymentState, Micros, Strategy};

/// A deployment that is not over, with the web processes that it is about.
#[derive(Clone, Debug)]
pub struct ActiveDeployment {
    /// Its guid.
    pub guid: String,
    /// The application.
    pub app: String,
    /// Whether that should run at all.
    pub app_state: AppState,
    /// How far it has come.
    pub state: DeploymentState,
    /// How it goes on.
    pub strategy: Strategy,
    /// Percent of the instances that are new at each pause of a canary.
    pub canary_steps: Vec<u32>,
    /// How many of these pauses were reached.
    pub canaries_ran: u32,
    /// How many new instances may be on their way at once.
    pub max_in_flight: u32,
    /// What the new process runs.
    pub droplet: String,
    /// The new process.
    pub process: String,
    /// The process that comes back when it is canceled.
    pub previous_process: String,
    /// How many instances that had.
    pub original_instances: u32,
    /// How many instances the new process is to have.
    pub desired_instances: u32,
    /// When it is given up if nothing has happened since its creation.
    pub deadline: Micros,
    /// When it was created.
    pub created_at: Micros,
    /// When it last got further.
    pub updated_at: Micros,
    /// Every web process of the application, oldest first.
    pub web: Vec<WebProcess>,
}

/// One web process of an application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebProcess {
    /// The process.
    pub guid: String,
    /// How many instances are wanted of it.
    pub instances: u32,
    /// The version of these.
    pub version: String,
}

/// What is written about a deployment in one go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeploymentStep {
    /// How many instances these processes are to have.
    pub scale: Vec<(String, u32)>,
    /// Processes that go.
    pub remove: Vec<String>,
    /// What the deployment becomes.
    pub state: Option<DeploymentState>,
    /// One more canary has run.
    pub canary_ran: bool,
}

impl Store {
    /// All deployments that are not over, newest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn active_deployments(&self) -> Result<Vec<ActiveDeployment>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(
            "SELECT d.*, a.state AS app_state FROM deployments d JOIN apps a ON a.guid = d.app_guid \
             WHERE d.status_value = 'ACTIVE' ORDER BY d.created_at DESC, d.guid DESC",
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut deployments = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut deployment = deployment_of(row)?;
            let web = sqlx::query(
                "SELECT guid, instances, version FROM processes \
                 WHERE app_guid = $1 AND type = 'web' ORDER BY created_at, guid",
            )
            .bind(&deployment.app)
            .fetch_all(&mut *connection)
            .await?;
            deployment.web = web.iter().map(web_of).collect::<Result<_, _>>()?;
            deployments.push(deployment);
        }
        Ok(deployments)
    }
}

impl Tx {
    /// Carries a deployment on by one step.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the lease is lost.
    pub async fn step_deployment(
        &mut self,
        lease: &Lease,
        deployment: &ActiveDeployment,
        step: &DeploymentStep,
        now: Micros,
    ) -> Result<bool, StoreError> {
        self.check_epoch(lease).await?;
        if !self.move_deployment(deployment, step, now).await? {
            return Ok(false);
        }
        for (process, instances) in &step.scale {
            sqlx::query("UPDATE processes SET instances = $1, updated_at = $2 WHERE guid = $3")
                .bind(i64::from(*instances))
                .bind(now.0)
                .bind(process)
                .execute(self.connection())
                .await?;
        }
        for process in &step.remove {
            sqlx::query("DELETE FROM processes WHERE guid = $1")
                .bind(process)
                .execute(self.connection())
                .await?;
        }
        Ok(true)
    }

    /// The application runs what was deployed: its other process types follow with `version`.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn settle_deployment(
        &mut self,
        deployment: &ActiveDeployment,
        version: &str,
        now: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE apps SET droplet_guid = $1, updated_at = $2 WHERE guid = $3")
            .bind(&deployment.droplet)
            .bind(now.0)
            .bind(&deployment.app)
            .execute(self.connection())
            .await?;
        sqlx::query("UPDATE processes SET deployment_guid = NULL WHERE app_guid = $1")
            .bind(&deployment.app)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "UPDATE processes SET droplet_guid = $1, version = $2, updated_at = $3 \
             WHERE app_guid = $4 AND type <> 'web'",
        )
        .bind(&deployment.droplet)
        .bind(version)
        .bind(now.0)
        .bind(&deployment.app)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes the state; says whether the deployment still stood where it was read.
    async fn move_deployment(
        &mut self,
        deployment: &ActiveDeployment,
        step: &DeploymentStep,
        now: Micros,
    ) -> Result<bool, StoreError> {
        let state = step.state.unwrap_or(deployment.state);
        let done = sqlx::query(
            "UPDATE deployments SET state = $1, status_value = $2, status_reason = $3, \
             canaries_ran = canaries_ran + $4, updated_at = $5 WHERE guid = $6 AND state = $7",
        )
        .bind(state.as_str())
        .bind(state.status_value())
        .bind(state.status_reason())
        .bind(i64::from(step.canary_ran))
        .bind(now.0)
        .bind(&deployment.guid)
        .bind(deployment.state.as_str())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn web_of(row: &AnyRow) -> Result<WebProcess, StoreError> {
    let row = Row(row);
    Ok(WebProcess {
        guid: row.text("guid")?,
        instances: small(row.integer("instances")?),
        version: row.text("version")?,
    })
}

fn deployment_of(row: &AnyRow) -> Result<ActiveDeployment, StoreError> {
    let row = Row(row);
    Ok(ActiveDeployment {
        guid: row.text("guid")?,
        app: row.text("app_guid")?,
        app_state: row.word("app_state", AppState::parse)?,
        state: row.word("state", DeploymentState::parse)?,
        strategy: row.word("strategy", Strategy::parse)?,
        canary_steps: row.document("canary_steps")?,
        canaries_ran: small(row.integer("canaries_ran")?),
        max_in_flight: small(row.integer("max_in_flight")?).max(1),
        droplet: row.text("droplet_guid")?,
        process: row.text("process_guid")?,
        previous_process: row.text("previous_process_guid")?,
        original_instances: small(row.integer("original_instances")?),
        desired_instances: small(row.integer("desired_instances")?),
        deadline: row.instant("deadline")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        web: Vec::new(),
    })
}
