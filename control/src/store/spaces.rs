//! Spaces: where applications live.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// A part of an organization, in which applications, routes and services live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Space {
    /// Its guid.
    pub guid: String,
    /// Unique in its organization.
    pub name: String,
    /// Its organization.
    pub organization_guid: String,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for Space {
    const TABLE: &'static str = "spaces t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            organization_guid: row.text("organization_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The space of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn space(&self, guid: &str) -> Result<Option<Space>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// Writes a space that was not there before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when its organization has one of this name.
    pub async fn insert_space(&mut self, space: &Space) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO spaces (guid, name, organization_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&space.guid)
        .bind(&space.name)
        .bind(&space.organization_guid)
        .bind(space.created_at.0)
        .bind(space.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives a space another name.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when its organization has one of this name.
    pub async fn update_space(&mut self, space: &Space) -> Result<(), StoreError> {
        sqlx::query("UPDATE spaces SET name = $1, updated_at = $2 WHERE guid = $3")
            .bind(&space.name)
            .bind(space.updated_at.0)
            .bind(&space.guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes a space away with everything in it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_space(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM roles WHERE space_guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        sqlx::query("DELETE FROM spaces WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        self.delete_metadata(guid).await
    }

    /// The guids of the applications in these spaces, before they are taken away.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn apps_in_spaces(&mut self, spaces: &[Space]) -> Result<Vec<String>, StoreError> {
        let mut guids = Vec::new();
        for space in spaces {
            let rows = sqlx::query("SELECT guid FROM apps WHERE space_guid = $1")
                .bind(&space.guid)
                .fetch_all(self.connection())
                .await?;
            for row in &rows {
                guids.push(Row(row).text("guid")?);
            }
        }
        Ok(guids)
    }
}
