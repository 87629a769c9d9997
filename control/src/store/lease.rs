//! Leases: who may act for all, and a number that rises with each new holder.

use std::time::Duration;

use super::{Row, Store, StoreError, Tx};
use crate::model::Micros;

/// The right to act for all under a name, until it expires or is taken by somebody else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// What it is a lease of.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Rises with each acquisition; what is written under an older one is refused.
    pub epoch: i64,
}

impl Store {
    /// Takes a lease that is free, expired or already this holder's; `None` when another has it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: Micros,
        length: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "INSERT INTO leases (name, holder, epoch, expires_at) VALUES ($1, $2, 1, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
             epoch = leases.epoch + 1, expires_at = excluded.expires_at \
             WHERE leases.expires_at <= $4 OR leases.holder = excluded.holder \
             RETURNING epoch",
        )
        .bind(name)
        .bind(holder)
        .bind(now.after(length).0)
        .bind(now.0)
        .fetch_optional(tx.connection())
        .await?;
        let epoch = row.map(|row| Row(&row).integer("epoch")).transpose()?;
        tx.commit().await?;
        Ok(epoch.map(|epoch| Lease {
            name: name.to_owned(),
            holder: holder.to_owned(),
            epoch,
        }))
    }

    /// Makes a lease last until `length` after `now`.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::LeaseLost`] when somebody else has taken it.
    pub async fn renew_lease(
        &self,
        lease: &Lease,
        now: Micros,
        length: Duration,
    ) -> Result<(), StoreError> {
        self.extend(lease, now.after(length)).await
    }

    /// Gives a lease back, so that the next holder need not wait for its end.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::LeaseLost`] when somebody else has taken it.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        self.extend(lease, Micros(0)).await
    }

    async fn extend(&self, lease: &Lease, until: Micros) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE leases SET expires_at = $1 WHERE name = $2 AND holder = $3 AND epoch = $4",
        )
        .bind(until.0)
        .bind(&lease.name)
        .bind(&lease.holder)
        .bind(lease.epoch)
        .execute(tx.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::LeaseLost);
        }
        tx.commit().await
    }
}

impl Tx {
    /// Makes sure that the lease was not taken by somebody else, now and until this transaction ends.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::LeaseLost`] when it was.
    pub async fn check_epoch(&mut self, lease: &Lease) -> Result<(), StoreError> {
        // A write that changes nothing locks the row, so that nobody takes the lease in between.
        let done = sqlx::query("UPDATE leases SET epoch = epoch WHERE name = $1 AND epoch = $2")
            .bind(&lease.name)
            .bind(lease.epoch)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::LeaseLost);
        }
        Ok(())
    }
}
