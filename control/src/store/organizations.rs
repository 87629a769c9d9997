//! Organizations and their quotas.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// Who shares quotas, domains and people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organization {
    /// Its guid.
    pub guid: String,
    /// Unique on the platform.
    pub name: String,
    /// Whether only admins may change anything in it.
    pub suspended: bool,
    /// Its quota.
    pub quota_guid: String,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for Organization {
    const TABLE: &'static str = "organizations t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            suspended: row.flag("suspended")?,
            quota_guid: row.text("quota_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

/// How much an organization may use.
#[derive(Clone, Debug)]
pub struct OrganizationQuota {
    /// Its guid.
    pub guid: String,
    /// Unique on the platform.
    pub name: String,
    /// What is limited to how much; what is missing or `null` is not limited.
    pub limits: QuotaLimits,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// The limits of a quota; `None` is no limit.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct QuotaLimits {
    /// Memory of all started instances together, in MB.
    pub total_memory_in_mb: Option<i64>,
    /// Memory of one instance, in MB.
    pub per_process_memory_in_mb: Option<i64>,
    /// Log bytes of all started instances together, per second.
    pub log_rate_limit_in_bytes_per_second: Option<i64>,
    /// Instances of all started processes together.
    pub total_instances: Option<i64>,
    /// Tasks of one application.
    pub per_app_tasks: Option<i64>,
    /// Whether services that cost something are allowed; `None` counts as yes.
    pub paid_services_allowed: Option<bool>,
    /// Service instances.
    pub total_service_instances: Option<i64>,
    /// Service keys.
    pub total_service_keys: Option<i64>,
    /// Routes.
    pub total_routes: Option<i64>,
    /// Routes with a reserved port.
    pub total_reserved_ports: Option<i64>,
    /// Domains.
    pub total_domains: Option<i64>,
}

impl Record for OrganizationQuota {
    const TABLE: &'static str = "organization_quotas t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            limits: row.document("limits")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The organization of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn organization(&self, guid: &str) -> Result<Option<Organization>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The quota of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn organization_quota(
        &self,
        guid: &str,
    ) -> Result<Option<OrganizationQuota>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The quota of an organization.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn quota_of(&self, organization: &str) -> Result<QuotaLimits, StoreError> {
        let filter = Filter::sql("t.guid = (SELECT quota_guid FROM organizations WHERE guid = ")
            .value(organization)
            .then(")");
        let quota: Option<OrganizationQuota> = self.first(vec![filter]).await?;
        Ok(quota.map(|quota| quota.limits).unwrap_or_default())
    }
}

impl Tx {
    /// Writes an organization that was not there before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the name is.
    pub async fn insert_organization(
        &mut self,
        organization: &Organization,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO organizations (guid, name, suspended, quota_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&organization.guid)
        .bind(&organization.name)
        .bind(i64::from(organization.suspended))
        .bind(&organization.quota_guid)
        .bind(organization.created_at.0)
        .bind(organization.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes what may change of an organization.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the name is.
    pub async fn update_organization(
        &mut self,
        organization: &Organization,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE organizations SET name = $1, suspended = $2, quota_guid = $3, updated_at = $4 \
             WHERE guid = $5",
        )
        .bind(&organization.name)
        .bind(i64::from(organization.suspended))
        .bind(&organization.quota_guid)
        .bind(organization.updated_at.0)
        .bind(&organization.guid)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes an organization away with everything in it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_organization(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM roles WHERE organization_guid = $1 OR space_guid IN \
             (SELECT guid FROM spaces WHERE organization_guid = $1)",
        )
        .bind(guid)
        .execute(self.connection())
        .await?;
        sqlx::query("DELETE FROM organizations WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        self.delete_metadata(guid).await
    }

    /// Writes a quota, over what it was.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when another has its name.
    pub async fn write_organization_quota(
        &mut self,
        quota: &OrganizationQuota,
    ) -> Result<(), StoreError> {
        let limits = serde_json::to_string(&quota.limits)
            .map_err(|_| StoreError::Garbled { column: "limits" })?;
        sqlx::query(
            "INSERT INTO organization_quotas (guid, name, limits, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
             limits = excluded.limits, updated_at = excluded.updated_at",
        )
        .bind(&quota.guid)
        .bind(&quota.name)
        .bind(limits)
        .bind(quota.created_at.0)
        .bind(quota.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a quota away.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Named`] while an organization has it.
    pub async fn delete_organization_quota(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM organization_quotas WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
