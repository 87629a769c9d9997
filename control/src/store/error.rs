//! What can go wrong between the platform and its database.

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored value is not what its column promises.
    #[error("column {column} holds something else than it should")]
    Garbled {
        /// The column.
        column: &'static str,
    },
    /// A write was made under a lease that somebody else has taken since.
    #[error("the lease was lost to another holder")]
    LeaseLost,
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// What a row names does not exist, or what is to be deleted is still named.
    #[error("a row names another that does not exist, or is still named")]
    Named,
    /// The database could not be opened.
    #[error("the database could not be opened")]
    Open(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// Another row has the same name.
    #[error("another row has the same name")]
    Taken,
    /// The database is away or too busy; the same call may succeed later.
    #[error("the database is away or too busy")]
    Unavailable(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(fault) = &error {
            if fault.is_unique_violation() {
                return Self::Taken;
            }
            if fault.is_foreign_key_violation() {
                return Self::Named;
            }
        }
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}
