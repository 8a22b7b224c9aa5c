//! Postgres out of reach, not as it should be, stopped and started again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use domain::OrgId;
use domain::org::Org;
use sea_orm::{ConnectionTrait, Database};
use store::{Author, Store, StoreError};

use crate::world::{APP, NOW, OWNER, World, empty_database, seen_by, server};

fn org(number: u128) -> Org {
    Org { id: OrgId::new(NOW, number), name: format!("org {number}") }
}

async fn refusal(url: &str) -> StoreError {
    Store::connect(url, NOW).await.unwrap_err()
}

/// The same server with another database.
fn with_database(url: &str, name: &str) -> String {
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

pub(crate) async fn what_waiting_mends_is_told_from_what_it_does_not(world: World) {
    let nowhere = refusal("postgres://weir_app:s3cret@127.0.0.1:1/weir").await;
    assert!(nowhere.is_worth_waiting(), "{nowhere}");
    assert!(nowhere.to_string().contains("127.0.0.1:1, database weir"), "{nowhere}");
    assert!(!format!("{nowhere:?}").contains("s3cret"), "{nowhere:?}");

    let missing = refusal(&with_database(&world.app_url, "weir_is_not_here")).await;
    assert!(missing.is_worth_waiting(), "{missing}");
    assert!(missing.to_string().contains("no database weir_is_not_here"), "{missing}");

    let stranger = refusal(&seen_by("nobody_knows_me", &world.url)).await;
    assert!(!stranger.is_worth_waiting(), "{stranger}");
    assert!(stranger.to_string().contains("does not let nobody_knows_me into"), "{stranger}");

    let garbled = refusal("postgres://weir_app:s3cret@host:port/weir").await;
    assert!(!garbled.is_worth_waiting() && !format!("{garbled:?}").contains("s3cret"), "{garbled:?}");
}

pub(crate) async fn a_database_that_is_newer_or_older_than_this_release_is_refused(world: World) {
    let empty = empty_database(&server().unwrap()).await;
    let unmigrated = refusal(&seen_by(APP, &empty)).await;
    assert!(unmigrated.is_worth_waiting() && unmigrated.to_string().contains("weir migrate"), "{unmigrated}");
    store::migrate(&seen_by(OWNER, &empty), None, NOW).await.unwrap();
    let without_rights = refusal(&seen_by(APP, &empty)).await;
    assert!(without_rights.is_worth_waiting(), "{without_rights}");
    assert!(without_rights.to_string().contains("no rights"), "{without_rights}");

    let owner = world.sql().await;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)";
    owner.execute_unprepared(newer).await.unwrap();
    let newer = refusal(&world.app_url).await;
    assert!(!newer.is_worth_waiting() && newer.to_string().contains("newer release"), "{newer}");
    let older = "DELETE FROM seaql_migrations WHERE version IN ('m9999_later', 'm0009_key_limits')";
    owner.execute_unprepared(older).await.unwrap();
    let older = refusal(&world.app_url).await;
    assert!(older.is_worth_waiting() && older.to_string().contains("lacks 1 step"), "{older}");
}

pub(crate) async fn a_cut_connection_before_a_commit_means_nothing_was_done(world: World) {
    let tx = world.store.create_org(&org(7), Author::system(), NOW).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    world.sql().await.execute_unprepared(cut).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    // Nothing was done, so it can be done again; and the pool has other connections.
    world.store.create_org(&org(7), Author::system(), NOW).await.unwrap().commit().await.unwrap();
}

/// A Postgres of this test alone, which it may stop.
struct Own {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Own {
    fn start() -> Self {
        let obey = r#"echo "$TEST_POSTGRES_URL"; while read -r order; do eval "$TEST_POSTGRES_CTL $order"; echo done; done"#;
        let mut shell = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres.sh"))
            .args(["bash", "-c", obey])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (shell.stdin.take(), BufReader::new(shell.stdout.take().unwrap()));
        let mut own = Self { shell, orders, answers, url: String::new() };
        own.url = own.answer();
        own
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        assert_eq!(self.answer(), "done");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Without orders the shell ends, and the script removes the server.
        self.orders = None;
        let _ = self.shell.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_recovers_when_postgres_was_stopped_and_started() {
    if server().is_none() {
        return;
    }
    let mut postgres = tokio::task::spawn_blocking(Own::start).await.unwrap();
    let url = postgres.url.clone();
    store::migrate(&url, None, NOW).await.unwrap();
    let store = Store::connect(&url, NOW).await.unwrap();
    let tx = store.create_org(&org(1), Author::system(), NOW).await.unwrap();

    postgres.order("stop -m immediate");
    let cut = tx.commit().await.unwrap_err();
    assert!(matches!(cut, StoreError::Away(_)), "{cut:?}");
    let down = store.create_org(&org(1), Author::system(), NOW).await.unwrap_err();
    assert!(down.is_worth_waiting(), "{down:?}");
    assert!(refusal(&url).await.is_worth_waiting());

    postgres.order("start");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match store.create_org(&org(1), Author::system(), NOW).await {
            Ok(tx) => break tx.commit().await.map(drop).unwrap(),
            Err(error) => assert!(error.is_worth_waiting() && Instant::now() < deadline, "{error:?}"),
        }
    }
    assert_eq!(store.index().await.unwrap(), [(org(1).id, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_waited_for_and_not_shown() {
    let Some(_) = server() else { return };
    let postgres = tokio::task::spawn_blocking(Own::start).await.unwrap();
    let admin = Database::connect(&postgres.url).await.unwrap();
    admin.execute_unprepared("CREATE ROLE weir_locked LOGIN PASSWORD 'right'").await.unwrap();
    let wrong = refusal(&seen_by("weir_locked", &postgres.url).replace(":weir_locked@", ":wr0ng@")).await;
    assert!(!wrong.is_worth_waiting(), "{wrong:?}");
    assert!(wrong.to_string().contains("does not let weir_locked into postgres"), "{wrong}");
    assert!(!format!("{wrong:?} {wrong}").contains("wr0ng"), "{wrong:?}");
}
