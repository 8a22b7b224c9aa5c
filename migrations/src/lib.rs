//! The schema, step by step, for SQLite and for Postgres; `README.md` has the rules.
//!
//! Invariant: a released step is never edited, and each is one transaction.

use sea_orm_migration::prelude::{DbErr, MigrationTrait, MigratorTrait};
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait,
};

mod append_only;
mod m0001_platform;
mod m0002_persons;
mod m0003_orgs;
mod m0004_budgets;
mod m0005_usage;
mod m0006_ledger;
mod m0007_audit;
mod m0008_nodes;
mod m0009_key_limits;
mod m0010_windows;
mod m0011_wanted;
mod m0012_budget_terms;
mod m0013_budget_notices;
mod m0014_notice_targets;
mod partitions;
mod step;

pub use partitions::prepare as prepare_partitions;

struct Steps;

impl MigratorTrait for Steps {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_platform::STEP),
            Box::new(m0002_persons::STEP),
            Box::new(m0003_orgs::STEP),
            Box::new(m0004_budgets::STEP),
            Box::new(m0005_usage::STEP),
            Box::new(m0006_ledger::STEP),
            Box::new(m0007_audit::STEP),
            Box::new(m0008_nodes::STEP),
            Box::new(m0009_key_limits::STEP),
            Box::new(m0010_windows::STEP),
            Box::new(m0011_wanted::STEP),
            Box::new(m0012_budget_terms::STEP),
            Box::new(m0013_budget_notices::STEP),
            Box::new(m0014_notice_targets::STEP),
        ]
    }
}

/// Any number, the same in every release: who holds this lock of the database may change its schema.
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(5931776451)";

/// Brings the schema up to date. On Postgres others that do so wait meanwhile; needs two connections there.
///
/// # Errors
/// What the database says; the step it happened in is rolled back.
pub async fn migrate(database: &DatabaseConnection) -> Result<(), DbErr> {
    if database.get_database_backend() != DbBackend::Postgres {
        return Steps::up(database, None).await;
    }
    let lock = database.begin().await?;
    lock.execute_unprepared(SCHEMA_LOCK).await?;
    Steps::up(database, None).await?;
    partitions::install(database).await?;
    lock.commit().await
}

/// Where a schema stands against this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has exactly the steps of this release.
    Current,
    /// It lacks this many.
    Behind(usize),
    /// It has steps that this release does not know.
    Newer,
}

/// Where the schema stands. Reads only: the role that asks may own nothing.
///
/// # Errors
/// What the database says.
pub async fn standing(database: &DatabaseConnection) -> Result<Standing, DbErr> {
    let known: Vec<String> = Steps::migrations().iter().map(|step| step.name().to_owned()).collect();
    let table = Statement::from_string(DbBackend::Postgres, "SELECT to_regclass('seaql_migrations')::text");
    let table = database.query_one_raw(table).await?;
    if table.is_none_or(|row| row.try_get_by_index::<Option<String>>(0).ok().flatten().is_none()) {
        return Ok(Standing::Behind(known.len()));
    }
    let rows = Statement::from_string(DbBackend::Postgres, "SELECT version FROM seaql_migrations");
    let rows = database.query_all_raw(rows).await?;
    let applied = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    if applied.iter().any(|step| !known.contains(step)) {
        return Ok(Standing::Newer);
    }
    match known.len() - applied.len() {
        0 => Ok(Standing::Current),
        missing => Ok(Standing::Behind(missing)),
    }
}
