//! Stacks, buildpacks and feature flags: what the operator offers.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Micros, StackState};

/// What applications run on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stack {
    /// Its guid.
    pub guid: String,
    /// Unique on the platform.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether applications that name none run on it.
    pub is_default: bool,
    /// What may be staged for it.
    pub state: StackState,
    /// What the operator says about that.
    pub state_reason: Option<String>,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for Stack {
    const TABLE: &'static str = "stacks t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            description: row.text("description")?,
            is_default: row.flag("is_default")?,
            state: row.word("state", StackState::parse)?,
            state_reason: row.optional_text("state_reason")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

/// A buildpack of the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Buildpack {
    /// Its guid.
    pub guid: String,
    /// Unique together with its stack.
    pub name: String,
    /// The stack it is for; `None` for any.
    pub stack: Option<String>,
    /// The order of detection, from 1.
    pub position: i64,
    /// Whether it is tried.
    pub enabled: bool,
    /// Whether its bits may not be replaced.
    pub locked: bool,
    /// The name of the file that was uploaded.
    pub filename: Option<String>,
    /// The digest of its bits; `None` until they were uploaded.
    pub sha256: Option<String>,
    /// Since when.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for Buildpack {
    const TABLE: &'static str = "buildpacks t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            stack: Some(row.text("stack")?).filter(|stack| !stack.is_empty()),
            position: row.integer("position")?,
            enabled: row.flag("enabled")?,
            locked: row.flag("locked")?,
            filename: row.optional_text("filename")?,
            sha256: row.optional_text("sha256")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Buildpack {
    /// The word that clients know: whether its bits are there.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        if self.sha256.is_some() {
            "READY"
        } else {
            "AWAITING_UPLOAD"
        }
    }
}

/// A switch of the operator that is not as it usually is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeatureFlag {
    /// Which one.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// What those are told who may not.
    pub custom_error_message: Option<String>,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for FeatureFlag {
    const TABLE: &'static str = "(SELECT name AS guid, name, enabled, custom_error_message, \
         updated_at, updated_at AS created_at FROM feature_flags) t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            enabled: row.flag("enabled")?,
            custom_error_message: row.optional_text("custom_error_message")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The stack of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn stack(&self, guid: &str) -> Result<Option<Stack>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The buildpack of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn buildpack(&self, guid: &str) -> Result<Option<Buildpack>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The flag of this name, when it was ever changed.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn feature_flag(&self, name: &str) -> Result<Option<FeatureFlag>, StoreError> {
        self.first(vec![Filter::equals("t.name", name)]).await
    }
}

impl Tx {
    /// Writes a stack, over what it was.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the name is.
    pub async fn write_stack(&mut self, stack: &Stack) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO stacks (guid, name, description, is_default, created_at, updated_at, \
             state, state_reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (guid) DO UPDATE SET description = excluded.description, \
             state = excluded.state, state_reason = excluded.state_reason, \
             updated_at = excluded.updated_at",
        )
        .bind(&stack.guid)
        .bind(&stack.name)
        .bind(&stack.description)
        .bind(i64::from(stack.is_default))
        .bind(stack.created_at.0)
        .bind(stack.updated_at.0)
        .bind(stack.state.as_str())
        .bind(&stack.state_reason)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a stack away.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_stack(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM stacks WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        self.delete_metadata(guid).await
    }

    /// Writes a buildpack, over what it was.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when name and stack are.
    pub async fn write_buildpack(&mut self, buildpack: &Buildpack) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO buildpacks (guid, name, stack, position, enabled, locked, state, filename, \
             sha256, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (guid) DO UPDATE SET name = excluded.name, stack = excluded.stack, \
             position = excluded.position, enabled = excluded.enabled, locked = excluded.locked, \
             state = excluded.state, filename = excluded.filename, sha256 = excluded.sha256, \
             updated_at = excluded.updated_at",
        )
        .bind(&buildpack.guid)
        .bind(&buildpack.name)
        .bind(buildpack.stack.as_deref().unwrap_or_default())
        .bind(buildpack.position)
        .bind(i64::from(buildpack.enabled))
        .bind(i64::from(buildpack.locked))
        .bind(buildpack.state())
        .bind(&buildpack.filename)
        .bind(&buildpack.sha256)
        .bind(buildpack.created_at.0)
        .bind(buildpack.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a buildpack away.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_buildpack(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM buildpacks WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        self.delete_metadata(guid).await
    }

    /// Writes a flag, over what it was.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn write_feature_flag(&mut self, flag: &FeatureFlag) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feature_flags (name, enabled, custom_error_message, updated_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, \
             custom_error_message = excluded.custom_error_message, updated_at = excluded.updated_at",
        )
        .bind(&flag.name)
        .bind(i64::from(flag.enabled))
        .bind(&flag.custom_error_message)
        .bind(flag.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
