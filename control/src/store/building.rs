//! Builds as the controller reads and ends them.

use serde_json::{Map, Value};
use sqlx::any::AnyRow;

use super::desired::small;
use super::{Lease, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// A build that waits for its droplet.
#[derive(Clone, Debug)]
pub struct BuildTask {
    /// Its guid.
    pub guid: String,
    /// The application.
    pub app: String,
    /// The application's space.
    pub space: String,
    /// What is staged.
    pub package: String,
    /// Names or URLs of buildpacks; empty: all are tried.
    pub buildpacks: Vec<String>,
    /// The stack that is staged for.
    pub stack: String,
    /// Memory of the staging container in MB.
    pub memory_mb: u32,
    /// Disk of the staging container in MB.
    pub disk_mb: u32,
    /// The user's environment.
    pub environment: Map<String, Value>,
    /// The command that the user set for `web`.
    pub command: Option<String>,
    /// When it is given up.
    pub deadline: Micros,
    /// The image, when there is nothing to build.
    pub image: Option<String>,
    /// The agent that works on it, once one was chosen.
    pub stager: Option<String>,
    /// The earlier builds of the application that are not over, oldest first.
    pub others: Vec<String>,
}

/// A droplet that came out of a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StagedDroplet {
    /// The guid it gets.
    pub guid: String,
    /// Its SHA-1.
    pub sha1: Option<String>,
    /// Its SHA-256; `None` for an image.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Commands by process type, a JSON object.
    pub process_types: String,
    /// `[{name, detect_output, buildpack_name, version}]`, a JSON list.
    pub buildpacks: String,
    /// The image, if that is what it is.
    pub image: Option<String>,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildOutcome {
    /// With a droplet.
    Staged(StagedDroplet),
    /// With this error, for the user.
    Failed(String),
}

impl Store {
    /// The guids of all builds that are not over, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn builds_to_stage(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(
            "SELECT guid FROM builds WHERE state = 'STAGING' ORDER BY created_at, guid",
        )
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().map(|row| Row(row).text("guid")).collect()
    }

    /// What a build needs; `None` when it is over or gone.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn build_task(&self, guid: &str) -> Result<Option<BuildTask>, StoreError> {
        let mut connection = self.connection().await?;
        let others = sqlx::query(
            "SELECT o.guid AS guid FROM builds b JOIN builds o ON o.app_guid = b.app_guid \
             WHERE b.guid = $1 AND o.guid <> b.guid AND o.state = 'STAGING' \
             AND (o.created_at < b.created_at OR (o.created_at = b.created_at AND o.guid < b.guid)) \
             ORDER BY o.created_at, o.guid",
        )
        .bind(guid)
        .fetch_all(&mut *connection)
        .await?;
        let others = others.iter().map(|row| Row(row).text("guid"));
        let others = others.collect::<Result<_, _>>()?;
        let row = sqlx::query(
            "SELECT b.*, a.space_guid AS space, a.environment AS environment, k.image AS image, \
             (SELECT MIN(p.command) FROM processes p \
              WHERE p.app_guid = a.guid AND p.type = 'web') AS command \
             FROM builds b JOIN apps a ON a.guid = b.app_guid \
             JOIN packages k ON k.guid = b.package_guid \
             WHERE b.guid = $1 AND b.state = 'STAGING'",
        )
        .bind(guid)
        .fetch_optional(&mut *connection)
        .await?;
        row.map(|row| task_of(&row, others)).transpose()
    }

    /// The enabled buildpacks of a stack that have bits, in the order in which they are tried:
    /// guid, name and digest.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn ready_buildpacks(
        &self,
        stack: &str,
    ) -> Result<Vec<(String, String, String)>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(
            "SELECT guid, name, sha256 FROM buildpacks WHERE enabled = 1 AND sha256 IS NOT NULL \
             AND (stack = '' OR stack = $1) ORDER BY position, name",
        )
        .bind(stack)
        .fetch_all(&mut *connection)
        .await?;
        let one = |row: &AnyRow| {
            let row = Row(row);
            Ok((row.text("guid")?, row.text("name")?, row.text("sha256")?))
        };
        rows.iter().map(one).collect()
    }

    /// The SHA-256 under which the bits of a package, droplet or buildpack are stored.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn bits(&self, bits: Bits<'_>) -> Result<Option<String>, StoreError> {
        let (text, guid) = match bits {
            Bits::Buildpack(guid) => ("SELECT sha256 FROM buildpacks WHERE guid = $1", guid),
            Bits::Droplet(guid) => ("SELECT sha256 FROM droplets WHERE guid = $1", guid),
            Bits::Package(guid) => ("SELECT sha256 FROM packages WHERE guid = $1", guid),
        };
        let mut connection = self.connection().await?;
        let row = sqlx::query(text)
            .bind(guid)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Row(&row).optional_text("sha256")
    }
}

/// Something whose bits are stored.
#[derive(Clone, Copy, Debug)]
pub enum Bits<'a> {
    /// A buildpack of the platform.
    Buildpack(&'a str),
    /// A droplet.
    Droplet(&'a str),
    /// A package.
    Package(&'a str),
}

impl Tx {
    /// Writes which agent works on a build.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the lease is lost.
    pub async fn set_stager(
        &mut self,
        lease: &Lease,
        build: &str,
        stager: &str,
    ) -> Result<(), StoreError> {
        self.check_epoch(lease).await?;
        sqlx::query("UPDATE builds SET stager = $1 WHERE guid = $2 AND state = 'STAGING'")
            .bind(stager)
            .bind(build)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends a build; says whether it was still going on. One that was not stays as it is.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the lease is lost.
    pub async fn end_build(
        &mut self,
        lease: &Lease,
        build: &str,
        outcome: &BuildOutcome,
        now: Micros,
    ) -> Result<bool, StoreError> {
        self.check_epoch(lease).await?;
        let (state, droplet, error) = match outcome {
            BuildOutcome::Staged(droplet) => ("STAGED", Some(droplet), None),
            BuildOutcome::Failed(error) => ("FAILED", None, Some(error)),
        };
        let done = sqlx::query(
            "UPDATE builds SET state = $1, droplet_guid = $2, error = $3, updated_at = $4 \
             WHERE guid = $5 AND state = 'STAGING'",
        )
        .bind(state)
        .bind(droplet.map(|droplet| droplet.guid.clone()))
        .bind(error.cloned())
        .bind(now.0)
        .bind(build)
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(droplet) = droplet {
            self.add_droplet(build, droplet, now).await?;
        }
        Ok(true)
    }

    async fn add_droplet(
        &mut self,
        build: &str,
        droplet: &StagedDroplet,
        now: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO droplets (guid, app_guid, package_guid, state, sha1, sha256, size_bytes, \
             process_types, buildpacks, stack, image, created_at, updated_at) \
             SELECT $1, b.app_guid, b.package_guid, 'STAGED', $2, $3, $4, $5, $6, b.stack, $7, \
             $8, $8 FROM builds b WHERE b.guid = $9",
        )
        .bind(&droplet.guid)
        .bind(droplet.sha1.clone())
        .bind(droplet.sha256.clone())
        .bind(i64::try_from(droplet.size_bytes).unwrap_or(i64::MAX))
        .bind(&droplet.process_types)
        .bind(&droplet.buildpacks)
        .bind(droplet.image.clone())
        .bind(now.0)
        .bind(build)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn task_of(row: &AnyRow, others: Vec<String>) -> Result<BuildTask, StoreError> {
    let row = Row(row);
    Ok(BuildTask {
        guid: row.text("guid")?,
        app: row.text("app_guid")?,
        space: row.text("space")?,
        package: row.text("package_guid")?,
        buildpacks: row.document("buildpacks")?,
        stack: row.text("stack")?,
        memory_mb: small(row.integer("memory_mb")?),
        disk_mb: small(row.integer("disk_mb")?),
        environment: row.document("environment")?,
        command: row.optional_text("command")?,
        deadline: row.instant("deadline")?,
        image: row.optional_text("image")?,
        stager: row.optional_text("stager")?,
        others,
    })
}
