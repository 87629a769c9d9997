//! What an organization uses, as its quota counts it.

use super::{Row, Store, StoreError};

/// What the started applications and the routes and services of an organization take.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Memory of all started instances, in MB.
    pub memory_mb: u64,
    /// Started instances.
    pub instances: u64,
    /// Routes.
    pub routes: u64,
    /// Service instances.
    pub service_instances: u64,
}

impl Store {
    /// What an organization uses now.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn usage_of(&self, organization: &str) -> Result<Usage, StoreError> {
        let mut connection = self.connection().await?;
        // The casts give both databases a BIGINT: sums are NUMERIC in one of them. No process counts
        // for more than an exabyte, so that no sum grows too large for one.
        let row = sqlx::query(
            "SELECT \
             (SELECT CAST(COALESCE(SUM(CASE WHEN p.instances * p.memory_mb < 1000000000000 \
              THEN p.instances * p.memory_mb ELSE 1000000000000 END), 0) AS BIGINT) FROM processes p \
              JOIN apps a ON a.guid = p.app_guid JOIN spaces s ON s.guid = a.space_guid \
              WHERE s.organization_guid = $1 AND a.state = 'STARTED') AS memory_mb, \
             (SELECT CAST(COALESCE(SUM(p.instances), 0) AS BIGINT) FROM processes p \
              JOIN apps a ON a.guid = p.app_guid JOIN spaces s ON s.guid = a.space_guid \
              WHERE s.organization_guid = $1 AND a.state = 'STARTED') AS instances, \
             (SELECT COUNT(*) FROM routes r JOIN spaces s ON s.guid = r.space_guid \
              WHERE s.organization_guid = $1) AS routes, \
             (SELECT COUNT(*) FROM service_instances i JOIN spaces s ON s.guid = i.space_guid \
              WHERE s.organization_guid = $1) AS service_instances",
        )
        .bind(organization)
        .fetch_one(&mut *connection)
        .await?;
        let row = Row(&row);
        Ok(Usage {
            memory_mb: row.count("memory_mb")?,
            instances: row.count("instances")?,
            routes: row.count("routes")?,
            service_instances: row.count("service_instances")?,
        })
    }
}
