//! Settings: what the platform remembers about itself, by name.

use super::{Row, Store, StoreError, Tx};

impl Store {
    /// The setting of this name.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut connection = self.connection().await?;
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *connection)
            .await?;
        row.map(|row| Row(&row).text("value")).transpose()
    }
}

impl Tx {
    /// Writes a setting, over what it was.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn set_setting(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes a setting unless there is one, and says which one there is now.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn setting_or(&mut self, name: &str, value: &str) -> Result<String, StoreError> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(value)
        .execute(self.connection())
        .await?;
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_one(self.connection())
            .await?;
        Row(&row).text("value")
    }
}
