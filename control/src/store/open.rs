//! Opening the database: which one, how, and with the schema up to date.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor as _};
use tokio::sync::Semaphore;

use super::{StoreError, Tx};

/// The platform's desired state. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    engine: Engine,
    /// SQLite has one writer at a time. Waiting here rather than in the database keeps
    /// connections free for readers, and nobody is turned away as busy.
    writer: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Engine {
    Postgres,
    Sqlite,
}

impl Store {
    /// Opens the database at a URL (`sqlite://FILE?mode=rwc` or `postgres://…`) and brings its
    /// schema up to date.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be opened, or when its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        install_default_drivers();
        let engine = if url.starts_with("sqlite:") {
            Engine::Sqlite
        } else {
            Engine::Postgres
        };
        let pool = AnyPoolOptions::new()
            .max_connections(engine.connections())
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        connection.execute(SQLITE_SETTINGS).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(StoreError::Open)?;
        MIGRATIONS.run(&pool).await.map_err(StoreError::Migrate)?;
        let writer = Arc::new(Semaphore::new(engine.writers()));
        Ok(Self {
            pool,
            engine,
            writer,
        })
    }

    /// Begins a transaction: what is written in it is written all or not at all.
    ///
    /// # Errors
    ///
    /// Fails when the database is away or too busy.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.writer).acquire_owned())
            .await
            .map_err(|_| StoreError::Unavailable(sqlx::Error::PoolTimedOut))?
            .map_err(|_| StoreError::Unavailable(sqlx::Error::PoolClosed))?;
        let inner = match self.engine {
            // A transaction that reads first and writes later would be refused as busy when
            // somebody wrote in between, so the write lock is taken at once.
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Engine::Postgres => self.pool.begin().await?,
        };
        Ok(Tx::new(inner, turn))
    }

    /// A connection for reading.
    pub(super) async fn connection(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// Ends all connections, after their current statement.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl Engine {
    const fn connections(self) -> u32 {
        match self {
            Self::Postgres => 16,
            Self::Sqlite => 6,
        }
    }

    /// Fewer than there are connections: a writer may read beside its transaction, and must not
    /// wait for a connection that only other writers hold.
    const fn writers(self) -> usize {
        match self {
            Self::Postgres => 8,
            Self::Sqlite => 1,
        }
    }
}

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations");

/// How long a call waits for its turn before it is told that the database is too busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 10000; \
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";
