//! A transaction: all of it or nothing.

use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use super::StoreError;

/// A transaction; dropping it before [`Tx::commit`] undoes what was written in it.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Any>,
    // invariant: declared after the transaction, so that the next writer's turn comes after its end.
    _turn: OwnedSemaphorePermit,
}

impl Tx {
    pub(super) const fn new(inner: Transaction<'static, Any>, turn: OwnedSemaphorePermit) -> Self {
        Self { inner, _turn: turn }
    }

    /// The connection that carries this transaction.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// Makes everything that was written in it permanent, and visible to others.
    ///
    /// # Errors
    ///
    /// Fails when the database does; nothing was written then.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }
}
