//! Domains: under which names applications are reached, and who may use them.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// A name under which routes are made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Domain {
    /// Its guid.
    pub guid: String,
    /// Unique on the platform, in lower case.
    pub name: String,
    /// Whether only applications reach it.
    pub internal: bool,
    /// Whose it is; nobody's domains are everybody's.
    pub organization_guid: Option<String>,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for Domain {
    const TABLE: &'static str = "domains t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            internal: row.flag("internal")?,
            organization_guid: row.optional_text("organization_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The domain of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn domain(&self, guid: &str) -> Result<Option<Domain>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// With which organizations a domain is shared, apart from its own.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn domain_shares(&self, guid: &str) -> Result<Vec<String>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query(
            "SELECT organization_guid FROM domain_shares WHERE domain_guid = $1 ORDER BY organization_guid",
        )
        .bind(guid)
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| Row(row).text("organization_guid"))
            .collect()
    }
}

impl Tx {
    /// The domain of this name, as this transaction sees it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn domain_named(&mut self, name: &str) -> Result<Option<Domain>, StoreError> {
        self.first(vec![Filter::equals("t.name", name)]).await
    }

    /// Writes a domain that was not there before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the name is.
    pub async fn insert_domain(&mut self, domain: &Domain) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO domains (guid, name, internal, organization_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&domain.guid)
        .bind(&domain.name)
        .bind(i64::from(domain.internal))
        .bind(&domain.organization_guid)
        .bind(domain.created_at.0)
        .bind(domain.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a domain away, with its routes.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_domain(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM domains WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        self.delete_metadata(guid).await
    }

    /// Lets an organization use a domain; it may have been allowed to before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Named`] when either is not there.
    pub async fn share_domain(&mut self, guid: &str, organization: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO domain_shares (domain_guid, organization_guid) VALUES ($1, $2) \
             ON CONFLICT (domain_guid, organization_guid) DO NOTHING",
        )
        .bind(guid)
        .bind(organization)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a domain away from an organization that it was shared with.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn unshare_domain(
        &mut self,
        guid: &str,
        organization: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM domain_shares WHERE domain_guid = $1 AND organization_guid = $2")
            .bind(guid)
            .bind(organization)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The guids of the applications that are reached under a domain.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn apps_under_domain(&mut self, guid: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT d.app_guid AS app_guid FROM destinations d JOIN routes r \
             ON r.guid = d.route_guid WHERE r.domain_guid = $1",
        )
        .bind(guid)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Row(row).text("app_guid")).collect()
    }
}
