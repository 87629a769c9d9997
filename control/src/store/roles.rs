//! Roles: who may do what, where.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// What a user may do in an organization or a space.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Its guid.
    pub guid: String,
    /// Which role.
    pub kind: RoleKind,
    /// Whose role.
    pub user_guid: String,
    /// Where; empty for roles in spaces.
    pub organization_guid: String,
    /// Where; empty for roles in organizations.
    pub space_guid: String,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// The roles there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoleKind {
    /// Reads an organization.
    OrganizationAuditor,
    /// Reads an organization's quota.
    OrganizationBillingManager,
    /// Runs an organization.
    OrganizationManager,
    /// Belongs to an organization.
    OrganizationUser,
    /// Reads a space.
    SpaceAuditor,
    /// Runs applications in a space.
    SpaceDeveloper,
    /// Runs a space.
    SpaceManager,
    /// Operates applications in a space without changing them.
    SpaceSupporter,
}

impl RoleKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OrganizationAuditor,
        Self::OrganizationBillingManager,
        Self::OrganizationManager,
        Self::OrganizationUser,
        Self::SpaceAuditor,
        Self::SpaceDeveloper,
        Self::SpaceManager,
        Self::SpaceSupporter,
    ];

    /// The word that clients use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationAuditor => "organization_auditor",
            Self::OrganizationBillingManager => "organization_billing_manager",
            Self::OrganizationManager => "organization_manager",
            Self::OrganizationUser => "organization_user",
            Self::SpaceAuditor => "space_auditor",
            Self::SpaceDeveloper => "space_developer",
            Self::SpaceManager => "space_manager",
            Self::SpaceSupporter => "space_supporter",
        }
    }

    /// The role of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is a role in a space.
    #[must_use]
    pub const fn is_of_space(self) -> bool {
        matches!(
            self,
            Self::SpaceAuditor | Self::SpaceDeveloper | Self::SpaceManager | Self::SpaceSupporter
        )
    }
}

impl Record for Role {
    const TABLE: &'static str = "roles t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            kind: row.word("type", RoleKind::parse)?,
            user_guid: row.text("user_guid")?,
            organization_guid: row.text("organization_guid")?,
            space_guid: row.text("space_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The role of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn role(&self, guid: &str) -> Result<Option<Role>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// All roles of a user.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn roles_of(&self, user_guid: &str) -> Result<Vec<Role>, StoreError> {
        self.all(vec![Filter::equals("t.user_guid", user_guid)])
            .await
    }
}

impl Tx {
    /// Writes a role that was not there before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the user has it, and with [`StoreError::Named`] when
    /// there is no such user.
    pub async fn insert_role(&mut self, role: &Role) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO roles (guid, type, user_guid, organization_guid, space_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&role.guid)
        .bind(role.kind.as_str())
        .bind(&role.user_guid)
        .bind(&role.organization_guid)
        .bind(&role.space_guid)
        .bind(role.created_at.0)
        .bind(role.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a role away; `false` when there was none.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_role(&mut self, guid: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM roles WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
