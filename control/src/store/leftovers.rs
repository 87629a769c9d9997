//! Leftovers: rows that nobody needs any more, and which bits the others still name.

use std::collections::HashSet;

use super::{Row, Store, StoreError, Tx};

/// The newest packages and droplets that every application keeps.
pub const KEPT_PER_APP: i64 = 5;

impl Store {
    /// The SHA-256 of everything that a package, a droplet or a buildpack names.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn digests_in_use(&self) -> Result<HashSet<String>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(
            "SELECT sha256 FROM packages WHERE sha256 IS NOT NULL \
             UNION SELECT sha256 FROM droplets WHERE sha256 IS NOT NULL \
             UNION SELECT sha256 FROM buildpacks WHERE sha256 IS NOT NULL",
        )
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().map(|row| Row(row).text("sha256")).collect()
    }

    /// The guids of all applications.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn app_guids(&self) -> Result<HashSet<String>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query("SELECT guid FROM apps")
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(|row| Row(row).text("guid")).collect()
    }
}

impl Tx {
    /// Removes all but the newest packages of every application, and says how many went. One that is
    /// being staged, or that has no bits yet, stays.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn forget_old_packages(&mut self) -> Result<usize, StoreError> {
        let old = self
            .guids(
                "SELECT guid FROM (SELECT guid, ROW_NUMBER() OVER \
                 (PARTITION BY app_guid ORDER BY created_at DESC, guid DESC) AS place \
                 FROM packages WHERE state = 'READY') AS placed WHERE place > $1 \
                 AND guid NOT IN (SELECT package_guid FROM builds WHERE state = 'STAGING')",
            )
            .await?;
        for guid in &old {
            self.delete_package(guid).await?;
            self.delete_metadata(guid).await?;
        }
        Ok(old.len())
    }

    /// Removes all but the newest droplets of every application, and says how many went. One that an
    /// application or a process runs, or that a deployment may go back to, stays.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn forget_old_droplets(&mut self) -> Result<usize, StoreError> {
        let old = self
            .guids(
                "SELECT guid FROM (SELECT guid, ROW_NUMBER() OVER \
                 (PARTITION BY app_guid ORDER BY created_at DESC, guid DESC) AS place \
                 FROM droplets WHERE state = 'STAGED') AS placed WHERE place > $1 \
                 AND guid NOT IN (SELECT droplet_guid FROM apps WHERE droplet_guid IS NOT NULL) \
                 AND guid NOT IN (SELECT droplet_guid FROM processes WHERE droplet_guid IS NOT NULL) \
                 AND guid NOT IN (SELECT droplet_guid FROM deployments WHERE status_value = 'ACTIVE') \
                 AND guid NOT IN (SELECT previous_droplet_guid FROM deployments \
                 WHERE status_value = 'ACTIVE' AND previous_droplet_guid IS NOT NULL)",
            )
            .await?;
        for guid in &old {
            self.delete_droplet(guid).await?;
            self.delete_metadata(guid).await?;
        }
        Ok(old.len())
    }

    async fn guids(&mut self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(sql)
            .bind(KEPT_PER_APP)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Row(row).text("guid")).collect()
    }
}
