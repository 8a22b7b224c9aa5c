//! What the role of the control plane may do on Postgres, and the row-level security behind every query.
//!
//! Invariant: that role owns nothing, changes no schema, and never updates or deletes what is append-only; it makes
//! partitions of the ledger by a function, and has no right to one but through its table; of an organization's table it
//! sees the rows of the organization that its transaction names, and without a name none.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};

use crate::connect::commit;
use crate::error::StoreError;

/// Puts row-level security behind every table of organizations, and gives `role` its rights, all or none. Twice is
/// harmless.
///
/// # Errors
/// [`StoreError`]; nothing was changed then.
pub(crate) async fn secure(database: &DatabaseConnection, role: Option<&str>) -> Result<(), StoreError> {
    let sql = database.begin().await.map_err(StoreError::not_begun)?;
    sql.execute_unprepared(ROWS_OF_ONE_ORG).await?;
    if let Some(role) = role {
        grant(&sql, role).await?;
    }
    commit(sql).await
}

async fn grant(sql: &DatabaseTransaction, role: &str) -> Result<(), StoreError> {
    if !role.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Err(StoreError::Conflict(
            "the role in store.url has characters other than letters, digits and _",
        ));
    }
    sql.execute_unprepared(&rights(role)).await?;
    Ok(())
}

/// Any number but the schema's own lock: who holds this one may change rights.
const ROWS_OF_ONE_ORG: &str = r"DO $rights$
DECLARE
    t record;
    mine text;
BEGIN
    PERFORM pg_advisory_xact_lock(5931776452);
    FOR t IN
        SELECT c.table_name AS name, c.column_name AS org FROM information_schema.columns c
        JOIN information_schema.tables b ON b.table_name = c.table_name AND b.table_schema = c.table_schema
        WHERE c.table_schema = 'public' AND b.table_type = 'BASE TABLE'
          AND (c.column_name = 'org_id' OR (c.table_name = 'orgs' AND c.column_name = 'id')
               OR (c.table_name = 'audit' AND c.column_name = 'chain'))
    LOOP
        -- What stands already is left alone: to change it would stop everybody who reads the table.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_class k JOIN pg_policy p ON p.polrelid = k.oid
            WHERE k.oid = format('%I', t.name)::regclass AND k.relforcerowsecurity AND k.relrowsecurity
              AND p.polname = 'of_one_org');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t.name);
        EXECUTE format('DROP POLICY IF EXISTS of_one_org ON %I', t.name);
        mine := format('current_setting(''weir.org'', true) IN (%I, ''*'')', t.org);
        EXECUTE format('CREATE POLICY of_one_org ON %I USING (%s) WITH CHECK (%s)', t.name, mine, mine);
    END LOOP;
END
$rights$;";

fn rights(role: &str) -> String {
    format!(
        r#"DO $rights$
DECLARE
    t record;
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), '{role}');
    GRANT USAGE ON SCHEMA public TO "{role}";
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}";
    FOR t IN
        SELECT DISTINCT event_object_table AS name FROM information_schema.triggers
        WHERE trigger_schema = 'public' AND trigger_name LIKE '%\_append\_only'
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM %I', t.name, '{role}');
    END LOOP;
    -- Through its table alone.
    FOR t IN SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', t.name, '{role}');
    END LOOP;
    GRANT EXECUTE ON FUNCTION weir_make_partition(text, text) TO "{role}";
    REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM "{role}";
END
$rights$;"#
    )
}
