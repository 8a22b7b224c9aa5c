//! Postgres itself, behind the queries: whose rows the control plane's role sees, and what it may not do.

use domain::{Pico, Window};
use metering::sample;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use store::{Author, Store};

use crate::world::{NOW, OWNER, World, empty_database, seen_by, server};

async fn count<C: ConnectionTrait>(database: &C, table: &str) -> i64 {
    let query = Statement::from_string(DbBackend::Postgres, format!("SELECT count(*) FROM {table}"));
    database.query_one_raw(query).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn names(database: &DatabaseConnection, query: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Every table that says whose its rows are.
async fn tables_of_orgs(database: &DatabaseConnection) -> Vec<String> {
    let query = "SELECT c.table_name::text FROM information_schema.columns c JOIN information_schema.tables b \
                 USING (table_schema, table_name) WHERE c.table_schema = 'public' AND b.table_type = 'BASE TABLE' \
                 AND c.column_name = 'org_id' UNION SELECT 'orgs' UNION SELECT 'audit' ORDER BY 1";
    names(database, query).await
}

pub(crate) async fn without_a_name_no_row_of_any_org_is_seen(world: World) {
    let app = Database::connect(&world.app_url).await.unwrap();
    for table in tables_of_orgs(&app).await {
        assert_eq!(count(&app, &table).await, 0, "{table}");
    }
    assert!(count(&world.sql().await, "keys").await >= 2, "there is something to see");
}

pub(crate) async fn another_orgs_rows_are_not_seen_where_the_query_forgets_to_ask(world: World) {
    let app = Database::connect(&world.app_url).await.unwrap();
    let sql = app.begin().await.unwrap();
    sql.execute_unprepared(&format!("SET LOCAL weir.org = '{}'", world.ours.org.id)).await.unwrap();
    for table in ["orgs", "teams", "members", "keys"] {
        assert_eq!(count(&sql, table).await, 1, "{table}");
    }
    let theirs = world.theirs.org.id;
    let stolen = format!("UPDATE teams SET name = 'ours now' WHERE org_id = '{theirs}'");
    assert_eq!(sql.execute_unprepared(&stolen).await.unwrap().rows_affected(), 0);
    let planted = format!("INSERT INTO teams (org_id, id, name) VALUES ('{theirs}', 'x', 'planted')");
    let error = sql.execute_unprepared(&planted).await.unwrap_err().to_string();
    assert!(error.contains("row-level security"), "{error}");
}

pub(crate) async fn every_table_of_orgs_is_behind_row_level_security(world: World) {
    let owner = world.sql().await;
    let query = "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY 1";
    let (behind, all) = (names(&owner, query).await, tables_of_orgs(&owner).await);
    assert!(all.len() > 10, "{all:?}");
    assert_eq!(behind, all);
}

pub(crate) async fn an_owner_without_another_role_is_held_to_it_too(world: World) {
    let url = seen_by(OWNER, &empty_database(&server().unwrap()).await);
    for _ in 0..2 {
        store::migrate(&url, None, NOW).await.unwrap();
    }
    let store = Store::connect(&url, NOW).await.unwrap();
    store.create_org(&world.ours.org, Author::system(), NOW).await.unwrap().commit().await.unwrap();
    assert_eq!(store.index().await.unwrap().len(), 1);
    assert_eq!(count(&Database::connect(&url).await.unwrap(), "orgs").await, 0);
}

pub(crate) async fn the_control_planes_role_cannot_rewrite_history_or_the_schema(world: World) {
    let app = Database::connect(&world.app_url).await.unwrap();
    for table in
        ["usage_events", "ledger_entries", "ledger_batches", "audit", "price_versions", "suspense_notes"]
    {
        let columns =
            format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'");
        let column = names(&app, &columns).await.remove(0);
        let update = format!("UPDATE {table} SET {column} = {column}");
        for attempt in [update, format!("DELETE FROM {table}"), format!("TRUNCATE {table}")] {
            let error = app.execute_unprepared(&attempt).await.unwrap_err().to_string();
            assert!(error.contains("permission denied"), "{attempt}: {error}");
        }
    }
    for attempt in [
        "ALTER TABLE keys DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_one_org ON keys",
        "CREATE TABLE mine (id TEXT)",
        "DELETE FROM seaql_migrations",
    ] {
        let error = app.execute_unprepared(attempt).await.unwrap_err().to_string();
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{attempt}: {error}");
    }
}

pub(crate) async fn every_partition_is_as_protected_as_its_table(world: World) {
    let event = sample::answered(world.ours.attempt(1, &[]), Pico::new(10));
    world.store.commit_events(&[event], NOW).await.unwrap();
    // As the control plane's role, a year later.
    world.store.prepare_partitions(NOW.plus_seconds(365 * 86_400)).await.unwrap();
    let owner = world.sql().await;
    let partitions =
        names(&owner, "SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r'").await;
    for table in ["usage_events", "ledger_entries"] {
        for month in ["2026_11", "2026_12", "2027_11", "2027_12", "rest"] {
            assert!(partitions.contains(&format!("{table}_{month}")), "{partitions:?}");
        }
    }
    assert_eq!(count(&owner, "usage_events_2026_11").await, 1);
    assert_eq!(count(&owner, "ledger_entries_2026_11").await, 2);
    let app = Database::connect(&world.app_url).await.unwrap();
    for part in &partitions {
        let error = app.execute_unprepared(&format!("SELECT FROM {part}")).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{part}: {error}");
        let protected = format!(
            "SELECT relname::text FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid \
             WHERE relname = '{part}' AND relrowsecurity AND relforcerowsecurity AND polname = 'of_one_org'"
        );
        assert_eq!(names(&owner, &protected).await, [part.as_str()]);
        let error = owner.execute_unprepared(&format!("TRUNCATE {part}")).await.unwrap_err().to_string();
        assert!(error.contains("is append-only"), "{part}: {error}");
    }
    for attempt in ["UPDATE usage_events_2026_11 SET cost = 0", "DELETE FROM ledger_entries_2026_11"] {
        let error = owner.execute_unprepared(attempt).await.unwrap_err().to_string();
        assert!(error.contains("is append-only"), "{attempt}: {error}");
    }
    for (table, month) in [("keys", "2027-01"), ("usage_events", "2027-13"), ("usage_events", "x; DROP")] {
        let made = format!("SELECT weir_make_partition('{table}', '{month}')");
        let error = app.execute_unprepared(&made).await.unwrap_err().to_string();
        assert!(error.contains("there is no partition"), "{made}: {error}");
    }
}

pub(crate) async fn partitions_are_made_while_usage_is_committed(world: World) {
    let months = async {
        for month in 1..12 {
            world.store.prepare_partitions(NOW.plus_seconds(month * 31 * 86_400)).await.unwrap();
        }
    };
    let usage = async {
        for number in 0..40 {
            let event = sample::answered(world.ours.attempt(number, &[]), Pico::new(10));
            world.store.commit_events(&[event], NOW).await.unwrap();
        }
    };
    futures::join!(months, usage);
    assert_eq!(world.ours.scope.totals(Window::MONTH.at(NOW)).await.unwrap().count, 40);
}
