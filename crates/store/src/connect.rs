//! The connection: which engine, how durable, how transactions begin.
//!
//! Invariant: SQLite has one writer connection, which callers queue for, so that no transaction ever fails for another
//! one's sake; every write transaction takes the write lock as it begins.

use std::time::Duration;

use domain::Timestamp;
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::error::StoreError;
use crate::{catalogue, scope::OrgScope};

/// How long a caller waits for a connection, or SQLite for its lock, before it is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
}

/// Brings the schema up to date. Replicas on Postgres share this step; `now` becomes the epoch of a new database.
///
/// # Errors
/// [`StoreError`] when the database cannot be reached or a step fails.
pub async fn migrate(url: &str, now: Timestamp) -> Result<(), StoreError> {
    Store::open(url).await?.bring_up_to_date(now).await
}

impl Store {
    /// Connects to `sqlite://path?mode=rwc` or `postgres://…`. A SQLite database is made, and its schema brought up to
    /// date; on Postgres that is a step of its own: [`migrate`]. `now` becomes the epoch of a new database.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached, or its schema is not up to date.
    pub async fn connect(url: &str, now: Timestamp) -> Result<Self, StoreError> {
        let store = Self::open(url).await?;
        if is_sqlite(url) {
            store.bring_up_to_date(now).await?;
            return Ok(store);
        }
        match migrations::pending(&store.writer).await? {
            0 => Ok(store),
            steps => {
                Err(StoreError::Internal(format!("the schema lacks {steps} steps: migrate it first").into()))
            }
        }
    }

    /// One organization's rows. Whoever calls this has checked what the caller may do there.
    #[must_use]
    pub fn scope(&self, org: domain::OrgId) -> OrgScope {
        OrgScope::new(self.clone(), org)
    }

    async fn open(url: &str) -> Result<Self, StoreError> {
        if !is_sqlite(url) {
            let pool = Database::connect(options(url, POSTGRES_CONNECTIONS)).await?;
            return Ok(Self { readers: pool.clone(), writer: pool });
        }
        let mut writer = options(url, 1);
        writer.map_sqlx_sqlite_opts(|options| {
            options
                .busy_timeout(PATIENCE)
                .foreign_keys(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
        });
        let mut readers = options(url, SQLITE_READERS);
        readers.map_sqlx_sqlite_opts(|options| options.busy_timeout(PATIENCE).pragma("query_only", "ON"));
        // The writer first: it makes the file.
        let writer = Database::connect(writer).await?;
        Ok(Self { readers: Database::connect(readers).await?, writer })
    }

    async fn bring_up_to_date(&self, now: Timestamp) -> Result<(), StoreError> {
        migrations::migrate(&self.writer).await?;
        catalogue::begin_epoch(&self.writer, now).await
    }

    /// For a single read.
    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// For a single write.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Several reads of the same moment.
    pub(crate) async fn begin_read(&self) -> Result<DatabaseTransaction, StoreError> {
        // SQLite knows only this one isolation, and complains about being asked for it.
        let is_postgres = self.readers.get_database_backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: is_postgres.then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        Ok(self.readers.begin_with_options(options).await?)
    }

    /// Reads and writes, all or none.
    pub(crate) async fn begin_write(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).min_connections(1).acquire_timeout(PATIENCE).sqlx_logging(false);
    // A SQLite connection is not worth replacing, and its one writer must not be.
    options.idle_timeout(None).max_lifetime(None);
    options
}

#[cfg(test)]
mod tests;
