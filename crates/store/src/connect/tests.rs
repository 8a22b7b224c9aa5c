use sea_orm::{ConnectionTrait, Statement};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

async fn pragma(connection: &DatabaseConnection, name: &str) -> String {
    let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {name}"));
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<String>(0)
        .or_else(|_| row.try_get_by_index::<i64>(0).map(|n| n.to_string()))
        .unwrap()
}

#[tokio::test]
async fn sqlite_is_durable_and_its_readers_only_read() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/weir.db?mode=rwc", directory.path().display());
    let store = Store::connect(&url, NOW).await.unwrap();
    assert_eq!(pragma(&store.writer, "journal_mode").await, "wal");
    assert_eq!(pragma(&store.writer, "synchronous").await, "2", "full");
    assert_eq!(pragma(&store.writer, "foreign_keys").await, "1");
    assert_eq!(pragma(&store.writer, "busy_timeout").await, "5000");
    let refused = store.readers.execute_unprepared("DELETE FROM persons").await.unwrap_err().to_string();
    assert!(refused.contains("readonly"), "{refused}");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_gives_the_writer_free() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/weir.db?mode=rwc", directory.path().display());
    let store = Store::connect(&url, NOW).await.unwrap();
    for _ in 0..20 {
        let sql = store.begin_write(Whose::Every).await.unwrap();
        sql.execute_unprepared("UPDATE platform_state SET epoch = 7").await.unwrap();
        drop(sql);
    }
    assert_ne!(store.platform_version().await.unwrap().epoch, 7);
}
