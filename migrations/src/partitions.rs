//! Partitions by admission month, on Postgres; SQLite keeps plain tables.
//!
//! Invariant: every row has a place, since what no month's partition takes goes to the rest; every partition is behind the
//! same triggers and row-level security as its table, and the control plane's role has no right to it but through it.

use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// What is partitioned by its column `period`.
const TABLES: [&str; 2] = ["usage_events", "ledger_entries"];
/// Stands in a step's SQL where Postgres is told of it.
const MARK: &str = "/* by period */";
/// The partition of what belongs to no other, in place of a month.
const REST: &str = "rest";

/// Runs the SQL of a step.
pub(crate) async fn create<C: ConnectionTrait>(database: &C, sql: &str) -> Result<(), DbErr> {
    let by_period = match database.get_database_backend() {
        DbBackend::Postgres => "PARTITION BY LIST (period)",
        _ => "",
    };
    database.execute_unprepared(&sql.replace(MARK, by_period)).await.map(drop)
}

/// Gives every table its rest, and the function that makes partitions, which runs with the owner's rights. Twice is
/// harmless.
pub(crate) async fn install(database: &DatabaseConnection) -> Result<(), DbErr> {
    database.execute_unprepared(MAKE_PARTITION).await?;
    prepare(database, &[REST]).await
}

/// Makes the partitions of `months` (`2026-11`) that are not there, one by one. Does nothing on SQLite, nor where the rest
/// has rows of the month already: they stay there.
///
/// # Errors
/// What the database says, also where somebody held a table for too long; what was made before stays.
pub async fn prepare(database: &DatabaseConnection, months: &[&str]) -> Result<(), DbErr> {
    if database.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in TABLES {
        for month in months {
            let values = [table.into(), (*month).into()];
            let make = "SELECT weir_make_partition($1, $2)";
            database.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, make, values)).await?;
        }
    }
    Ok(())
}

/// Each call makes one partition: who commits usage holds several tables, and would wait for us as we for them. What a
/// table points at is taken first, for the same reason.
const MAKE_PARTITION: &str = r"
CREATE OR REPLACE FUNCTION weir_make_partition(parent text, month text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '3s' AS $make$
DECLARE
    part text := parent || '_' || replace(month, '-', '_');
    bounds text := CASE month WHEN 'rest' THEN 'DEFAULT' ELSE format('FOR VALUES IN (%L)', month) END;
    mine text := 'current_setting(''weir.org'', true) IN (org_id, ''*'')';
BEGIN
    IF parent NOT IN ('usage_events', 'ledger_entries') OR month !~ '^([0-9]{4}-(0[1-9]|1[0-2])|rest)$' THEN
        RAISE EXCEPTION 'there is no partition % of %', month, parent;
    END IF;
    IF to_regclass(part) IS NOT NULL THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(5931776453);
    IF to_regclass(part) IS NOT NULL THEN RETURN false; END IF;
    IF parent = 'ledger_entries' THEN
        LOCK TABLE ledger_batches IN SHARE ROW EXCLUSIVE MODE;
    ELSE
        LOCK TABLE orgs IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF %I %s', part, parent, bounds);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY of_one_org ON %I USING (%s) WITH CHECK (%s)', part, mine, mine);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                   parent || '_no_truncate', part, parent || '_append_only');
    RETURN true;
EXCEPTION WHEN check_violation THEN
    -- The rest has rows of this month.
    RETURN false;
END
$make$;
REVOKE ALL ON FUNCTION weir_make_partition(text, text) FROM PUBLIC;";
