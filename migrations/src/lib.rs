//! The schema, step by step, for SQLite and for Postgres; `README.md` has the rules.
//!
//! Invariant: a released step is never edited, and each is one transaction.

use sea_orm_migration::prelude::{DbErr, MigrationTrait, MigratorTrait};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};

mod append_only;
mod m0001_platform;
mod m0002_persons;
mod m0003_orgs;
mod m0004_budgets;
mod m0005_usage;
mod m0006_ledger;
mod m0007_audit;
mod step;

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
    lock.commit().await
}

/// How many steps the schema lacks.
///
/// # Errors
/// What the database says.
pub async fn pending(database: &DatabaseConnection) -> Result<usize, DbErr> {
    Ok(Steps::get_pending_migrations(database).await?.len())
}
