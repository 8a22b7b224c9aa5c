//! The connection: which engine, how durable, how transactions begin.
//!
//! Invariant: SQLite has one writer connection, which callers queue for, so that no transaction ever fails for another
//! one's sake; every write transaction takes the write lock as it begins.

use std::time::Duration;

use domain::{OrgId, Timestamp, Window};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::error::{StoreError, code};
use crate::{catalogue, rights, scope::OrgScope};

/// How long a caller waits for a connection, or SQLite for its lock, before it is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// Whose rows a transaction may see: on Postgres the database itself holds to it (row-level security), behind the
/// conditions of the queries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// One organization's.
    Org(OrgId),
    /// Everybody's: to find whose a key, person or lease is, and for what is done for all of them.
    Every,
}

impl Whose {
    async fn narrow(self, sql: &DatabaseTransaction) -> Result<(), StoreError> {
        if sql.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let whose = match self {
            Self::Org(org) => org.to_string(),
            Self::Every => "*".to_owned(),
        };
        // The text of an id, or a star: nothing in it needs quoting.
        sql.execute_unprepared(&format!("SET LOCAL weir.org = '{whose}'"))
            .await
            .map_err(StoreError::not_begun)?;
        Ok(())
    }
}

/// Ends a transaction. Every commit is made here: it alone may have been done although it failed.
pub(crate) async fn commit(sql: DatabaseTransaction) -> Result<(), StoreError> {
    sql.commit().await.map_err(StoreError::unsure)
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
}

/// Brings the schema up to date, as the role that owns it. Replicas on Postgres share this step; `now` becomes the epoch
/// of a new database. `app_role`, where given, gets the rights that a control plane needs, and no more. Row-level security
/// stands behind every table of organizations, also where the owner itself is the control plane's role.
///
/// # Errors
/// [`StoreError`] when the database cannot be reached or a step fails.
pub async fn migrate(url: &str, app_role: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let store = Store::open(url).await?;
    store.bring_up_to_date(now).await?;
    if is_sqlite(url) {
        return Ok(());
    }
    rights::secure(&store.writer, app_role).await
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
        match migrations::standing(&store.writer).await.map_err(no_rights_yet)? {
            migrations::Standing::Current => {
                store.prepare_partitions(now).await?;
                Ok(store)
            }
            migrations::Standing::Behind(steps) => Err(StoreError::Away(format!(
                "the schema lacks {steps} steps of this release: run `weir migrate`"
            ))),
            migrations::Standing::Newer => Err(StoreError::Conflict(
                "the database was migrated by a newer release than this one: upgrade this process",
            )),
        }
    }

    /// Makes the ledger's partitions of this month and the next, where they are not there. What would have gone into one
    /// that could not be made goes to the rest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prepare_partitions(&self, now: Timestamp) -> Result<(), StoreError> {
        let this = Window::MONTH.at(now);
        let next = Window::MONTH.end(this).map(|end| Window::MONTH.at(end));
        let months: Vec<_> =
            [Some(this), next].into_iter().flatten().map(|month| month.to_string()).collect();
        let months: Vec<_> = months.iter().map(String::as_str).collect();
        Ok(migrations::prepare_partitions(&self.writer, &months).await?)
    }

    /// By how many seconds the database's clock is ahead of `now`; SQLite has none of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn skew_s(&self, now: Timestamp) -> Result<i64, StoreError> {
        if self.writer.get_database_backend() != DbBackend::Postgres {
            return Ok(0);
        }
        let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let row = self.writer.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await?;
        let theirs = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
        Ok(theirs.map_or(0, |theirs| (theirs - now.as_micros()) / 1_000_000))
    }

    /// One organization's rows. Whoever calls this has checked what the caller may do there.
    #[must_use]
    pub fn scope(&self, org: domain::OrgId) -> OrgScope {
        OrgScope::new(self.clone(), org)
    }

    async fn open(url: &str) -> Result<Self, StoreError> {
        if !is_sqlite(url) {
            let Ok(place) = url.parse::<PgConnectOptions>() else {
                // Not what the library says: it repeats the URL, which may hold a password.
                return Err(StoreError::Conflict(
                    "store.url (or store.migrate_url) cannot be understood: it should look like \
                     postgres://role:password@host:5432/database, with %-escapes in the password",
                ));
            };
            let pool = Database::connect(options(url, POSTGRES_CONNECTIONS)).await;
            let pool = pool.map_err(|error| unreachable(&place, &error))?;
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
    pub(crate) async fn begin_read(&self, whose: Whose) -> Result<DatabaseTransaction, StoreError> {
        // SQLite knows only this one isolation, and complains about being asked for it.
        let is_postgres = self.readers.get_database_backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: is_postgres.then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        let sql = self.readers.begin_with_options(options).await.map_err(StoreError::not_begun)?;
        whose.narrow(&sql).await?;
        Ok(sql)
    }

    /// Reads and writes, all or none.
    pub(crate) async fn begin_write(&self, whose: Whose) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let sql = self.writer.begin_with_options(options).await.map_err(StoreError::not_begun)?;
        whose.narrow(&sql).await?;
        Ok(sql)
    }
}

/// Why no connection could be made: away for now, or never without somebody mending it. Says where, never a password.
fn unreachable(place: &PgConnectOptions, error: &DbErr) -> StoreError {
    let (host, port, role) = (place.get_host(), place.get_port(), place.get_username());
    let database = place.get_database().unwrap_or(role);
    match code(error).as_deref() {
        // Wrong password, no such role, not let in by pg_hba.conf.
        Some("28P01" | "28000") => StoreError::Internal(
            format!("Postgres at {host}:{port} does not let {role} into {database}: {error}").into(),
        ),
        // No such database: somebody may be about to make it.
        Some("3D000") => {
            StoreError::Away(format!("Postgres at {host}:{port} has no database {database} yet"))
        }
        _ => StoreError::Away(format!(
            "Postgres at {host}:{port}, database {database}, is out of reach: {error}"
        )),
    }
}

/// Where a schema stands cannot be read: the role gets its rights when the schema is there.
fn no_rights_yet(error: DbErr) -> StoreError {
    match code(&error).as_deref() {
        Some("42501") => {
            StoreError::Away("the role of store.url has no rights here yet: run `weir migrate`".to_owned())
        }
        _ => StoreError::not_begun(error),
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
