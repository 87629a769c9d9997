//! Crash counts: what the controller that leads next must know of indices that crash.

use sqlx::any::AnyRow;

use super::desired::small;
use super::{Lease, Row, Store, StoreError, Tx};
use crate::model::CrashCount;

impl Store {
    /// Every count that was written, for whichever version.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn crash_counts(&self) -> Result<Vec<CrashCount>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query("SELECT * FROM crash_counts ORDER BY process_guid, instance_index")
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(count_of).collect()
    }
}

impl Tx {
    /// Writes counts in place of those that there were; those of processes that are gone are left
    /// out.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the lease is lost.
    pub async fn set_crash_counts(
        &mut self,
        lease: &Lease,
        counts: &[CrashCount],
    ) -> Result<(), StoreError> {
        self.check_epoch(lease).await?;
        for count in counts {
            sqlx::query(
                "INSERT INTO crash_counts (process_guid, instance_index, version, crashes, \
                 last_crash_at) SELECT p.guid, CAST($1 AS BIGINT), CAST($2 AS TEXT), \
                 CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM processes p WHERE p.guid = $5 \
                 ON CONFLICT (process_guid, instance_index) DO UPDATE SET \
                 version = excluded.version, crashes = excluded.crashes, \
                 last_crash_at = excluded.last_crash_at",
            )
            .bind(i64::from(count.index))
            .bind(&count.version)
            .bind(i64::from(count.crashes))
            .bind(count.last.0)
            .bind(&count.process)
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }
}

fn count_of(row: &AnyRow) -> Result<CrashCount, StoreError> {
    let row = Row(row);
    Ok(CrashCount {
        process: row.text("process_guid")?,
        version: row.text("version")?,
        index: small(row.integer("instance_index")?),
        crashes: small(row.integer("crashes")?),
        last: row.instant("last_crash_at")?,
    })
}
