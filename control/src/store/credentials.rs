//! What proves who somebody is: clients, refresh tokens, signing keys, one-time links.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::Micros;

/// A program that comes in under its own name.
#[derive(Clone, Debug)]
pub struct OauthClient {
    /// Its id.
    pub id: String,
    /// A hash of its secret.
    pub secret_hash: String,
    /// What it may ask for, separated by spaces.
    pub scopes: String,
}

impl Record for OauthClient {
    const TABLE: &'static str =
        "(SELECT id AS guid, id, secret_hash, scopes, created_at FROM oauth_clients) t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            secret_hash: row.text("secret_hash")?,
            scopes: row.text("scopes")?,
        })
    }
}

/// A login that goes on when its access token has ended; the token itself is not kept.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// SHA-256 of the token, in hex.
    pub digest: String,
    /// Whose it is.
    pub user_guid: String,
    /// Which client it was given to.
    pub client_id: String,
    /// Until when it counts.
    pub expires_at: Micros,
    /// Since when.
    pub created_at: Micros,
}

impl Record for RefreshToken {
    const TABLE: &'static str = "refresh_tokens t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            digest: row.text("digest")?,
            user_guid: row.text("user_guid")?,
            client_id: row.text("client_id")?,
            expires_at: row.instant("expires_at")?,
            created_at: row.instant("created_at")?,
        })
    }
}

/// A key that signs access tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its id, named in each token.
    pub kid: String,
    /// PKCS#8, in base64.
    pub private_key: String,
}

impl Record for SigningKey {
    const TABLE: &'static str = "signing_keys t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            kid: row.text("kid")?,
            private_key: row.text("private_key")?,
        })
    }
}

impl Store {
    /// The client of this id.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn oauth_client(&self, id: &str) -> Result<Option<OauthClient>, StoreError> {
        self.first(vec![Filter::equals("t.id", id)]).await
    }

    /// The refresh token of this digest.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn refresh_token(&self, digest: &str) -> Result<Option<RefreshToken>, StoreError> {
        self.first(vec![Filter::equals("t.digest", digest)]).await
    }

    /// All signing keys, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.all(Vec::new()).await
    }
}

impl Tx {
    /// Writes a client, over what it was.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn write_oauth_client(
        &mut self,
        client: &OauthClient,
        now: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO oauth_clients (id, secret_hash, scopes, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, scopes = excluded.scopes",
        )
        .bind(&client.id)
        .bind(&client.secret_hash)
        .bind(&client.scopes)
        .bind(now.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes a refresh token.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_refresh_token(&mut self, token: &RefreshToken) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO refresh_tokens (digest, user_guid, client_id, expires_at, created_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&token.digest)
        .bind(&token.user_guid)
        .bind(&token.client_id)
        .bind(token.expires_at.0)
        .bind(token.created_at.0)
        .execute(self.connection())
        .await?;
        sqlx::query("DELETE FROM refresh_tokens WHERE expires_at < $1")
            .bind(token.created_at.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets all refresh tokens of a user.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_refresh_tokens(&mut self, user_guid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM refresh_tokens WHERE user_guid = $1")
            .bind(user_guid)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// All signing keys, oldest first, as this transaction sees them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        self.all(Vec::new()).await
    }

    /// Writes a signing key.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_signing_key(
        &mut self,
        key: &SigningKey,
        now: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO signing_keys (kid, private_key, created_at) VALUES ($1, $2, $3)")
            .bind(&key.kid)
            .bind(&key.private_key)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Writes a one-time link in place of those that were not used.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn replace_setup_link(
        &mut self,
        digest: &str,
        expires_at: Micros,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM setup_links WHERE used_at IS NULL")
            .execute(self.connection())
            .await?;
        sqlx::query("INSERT INTO setup_links (digest, expires_at, used_at) VALUES ($1, $2, NULL)")
            .bind(digest)
            .bind(expires_at.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Uses a one-time link; `false` when it is unknown, expired or was used before.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn use_setup_link(&mut self, digest: &str, now: Micros) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE setup_links SET used_at = $1 WHERE digest = $2 AND used_at IS NULL AND expires_at > $1",
        )
        .bind(now.0)
        .bind(digest)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Store {
    /// Whether a one-time link could be used now.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn setup_link_counts(&self, digest: &str, now: Micros) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let row = sqlx::query(
            "SELECT digest FROM setup_links WHERE digest = $1 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(digest)
        .bind(now.0)
        .fetch_optional(&mut *connection)
        .await?;
        Ok(row.is_some())
    }
}
