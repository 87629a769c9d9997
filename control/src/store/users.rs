//! Users: who may come in, and how often somebody failed to.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// Somebody who may come in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The guid, which is also the `user_id` of tokens.
    pub guid: String,
    /// Unique within its origin.
    pub username: String,
    /// Where the user is known, as in `uaa`.
    pub origin: String,
    /// A hash of the password; a user without one cannot log in with one.
    pub password_hash: Option<String>,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The address for mail.
    pub email: String,
    /// Whether the user may do everything.
    pub is_admin: bool,
    /// Failed logins since the last good one.
    pub failed_logins: i64,
    /// Until when no login is tried.
    pub locked_until: Option<Micros>,
    /// Since when the user is known.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

impl Record for User {
    const TABLE: &'static str = "users t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            username: row.text("username")?,
            origin: row.text("origin")?,
            password_hash: row.optional_text("password_hash")?,
            given_name: row.text("given_name")?,
            family_name: row.text("family_name")?,
            email: row.text("email")?,
            is_admin: row.flag("is_admin")?,
            failed_logins: row.integer("failed_logins")?,
            locked_until: row.optional_instant("locked_until")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The user of this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn user(&self, guid: &str) -> Result<Option<User>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The user of this name; names are the same whatever their case.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn user_named(&self, name: &str, origin: &str) -> Result<Option<User>, StoreError> {
        let named = Filter::equals("LOWER(t.username)", name.to_lowercase());
        self.first(vec![named, Filter::equals("t.origin", origin)])
            .await
    }
}

impl Tx {
    /// Writes a user who was not known before.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Taken`] when the name is.
    pub async fn insert_user(&mut self, user: &User) -> Result<(), StoreError> {
        let lower = user.username.to_lowercase();
        let named = Filter::equals("LOWER(t.username)", lower);
        let same = vec![named, Filter::equals("t.origin", user.origin.as_str())];
        if self.first::<User>(same).await?.is_some() {
            return Err(StoreError::Taken);
        }
        sqlx::query(
            "INSERT INTO users (guid, username, origin, password_hash, given_name, family_name, email, \
             is_admin, failed_logins, locked_until, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&user.guid)
        .bind(&user.username)
        .bind(&user.origin)
        .bind(&user.password_hash)
        .bind(&user.given_name)
        .bind(&user.family_name)
        .bind(&user.email)
        .bind(i64::from(user.is_admin))
        .bind(user.failed_logins)
        .bind(user.locked_until.map(|until| until.0))
        .bind(user.created_at.0)
        .bind(user.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a user away, with all roles and refresh tokens; `false` when there was none.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_user(&mut self, guid: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM users WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives a user another password, ends the lock, and forgets the refresh tokens of the old one.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn set_password(
        &mut self,
        guid: &str,
        hash: &str,
        now: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE users SET password_hash = $1, failed_logins = 0, locked_until = NULL, \
             updated_at = $2 WHERE guid = $3",
        )
        .bind(hash)
        .bind(now.0)
        .bind(guid)
        .execute(self.connection())
        .await?;
        self.delete_refresh_tokens(guid).await
    }

    /// Makes a user somebody who may do everything.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn make_admin(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET is_admin = 1 WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Remembers that a login went well.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn login_succeeded(&mut self, guid: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET failed_logins = 0, locked_until = NULL WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Counts a failed login; from the `allowed`-th on, the account is locked until `until`.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn login_failed(
        &mut self,
        guid: &str,
        allowed: i64,
        until: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET failed_logins = failed_logins + 1 WHERE guid = $1")
            .bind(guid)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "UPDATE users SET failed_logins = 0, locked_until = $1 WHERE guid = $2 AND failed_logins >= $3",
        )
        .bind(until.0)
        .bind(guid)
        .bind(allowed)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
