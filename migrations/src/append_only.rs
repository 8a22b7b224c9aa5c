//! Triggers that refuse to change or delete rows.
//!
//! Invariant: a protected table refuses UPDATE and DELETE from everybody, whatever the application says.

use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Protects `table`, a name out of this crate's own steps.
pub(crate) async fn protect<C: ConnectionTrait>(database: &C, table: &str) -> Result<(), DbErr> {
    let sql = match database.get_database_backend() {
        DbBackend::Postgres => on_postgres(table),
        _ => on_sqlite(table),
    };
    database.execute_unprepared(&sql).await.map(drop)
}

fn on_postgres(table: &str) -> String {
    format!(
        "CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$; \
         CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
         FOR EACH ROW EXECUTE FUNCTION {table}_append_only(); \
         CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} \
         FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only();"
    )
}

fn on_sqlite(table: &str) -> String {
    let trigger = |operation: &str| {
        format!(
            "CREATE TRIGGER {table}_append_only_{operation} BEFORE {operation} ON {table} \
             BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;"
        )
    };
    format!("{} {}", trigger("UPDATE"), trigger("DELETE"))
}
