//! Nodes that may have instances, for the controller that leads next.

use super::{Lease, Row, Store, StoreError, Tx};

impl Store {
    /// The names of all nodes that may have instances, in order.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn nodes(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query("SELECT name FROM nodes ORDER BY name")
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(|row| Row(row).text("name")).collect()
    }
}

impl Tx {
    /// Writes down a node that may have instances from now on, and forgets those that are lost.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the lease is lost.
    pub async fn set_nodes(
        &mut self,
        lease: &Lease,
        new: Option<&str>,
        lost: &[String],
    ) -> Result<(), StoreError> {
        self.check_epoch(lease).await?;
        if let Some(node) = new {
            sqlx::query("INSERT INTO nodes (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
                .bind(node)
                .execute(self.connection())
                .await?;
        }
        for node in lost {
            sqlx::query("DELETE FROM nodes WHERE name = $1")
                .bind(node)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }
}
