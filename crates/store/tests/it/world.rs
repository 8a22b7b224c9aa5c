//! A database of its own for each test, with two organizations in it.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::key::{Key, KeyHash, KeyKind};
use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Thresholds, Window};
use domain::org::{Member, Org, Role, Team};
use domain::{Amount, BudgetId, KeyId, MemberId, OrgId, PersonId, TeamId, Timestamp};
use metering::sample;
use metering::usage::{Attempt, Draw};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend};
use store::{Author, OrgScope, Page, Person, PolicyTx, Store};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = sample::ADMITTED_AT;
pub(crate) const ALL: Page = Page { after: None, first: 100 };

/// The role of a control plane: it owns nothing.
pub(crate) const APP: &str = "weir_app";
/// The role that owns the schema, and nothing else.
pub(crate) const OWNER: &str = "weir_owner";

/// The same database as `role`, whose password is its name.
pub(crate) fn seen_by(role: &str, url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{role}:{role}@{place}")
}

/// Where the test server is; `None` when none was named, and nobody insists on Postgres.
#[expect(clippy::disallowed_methods, reason = "where the test server is, is the environment's to say")]
pub(crate) fn server() -> Option<String> {
    let named = std::env::var("TEST_POSTGRES_URL").ok();
    let is_required =
        ["CI", "WEIR_TESTS_REQUIRE_POSTGRES"].iter().any(|name| std::env::var_os(name).is_some());
    assert!(
        named.is_some() || !is_required,
        "TEST_POSTGRES_URL names no Postgres, and CI or WEIR_TESTS_REQUIRE_POSTGRES asks for it: run the tests by \
         `make rust`, or by tests/postgres.sh COMMAND"
    );
    named
}

/// A database of its own with nothing in it, as the test server's first role.
pub(crate) async fn empty_database(server: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::SeqCst);
    let name = format!("weir_store_{}_{number}", std::process::id());
    let admin = Database::connect(server).await.unwrap();
    for role in [APP, OWNER] {
        // Many tests make them at once; they are there after whichever was first.
        let _ = admin.execute_unprepared(&format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'")).await;
    }
    admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name} OWNER {OWNER}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// What is in an organization from the beginning.
pub(crate) struct Tenant {
    pub(crate) scope: OrgScope,
    pub(crate) org: Org,
    pub(crate) owner: Member,
    pub(crate) team: Team,
    pub(crate) key: Key,
}

/// A database with two organizations.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) ours: Tenant,
    pub(crate) theirs: Tenant,
    /// As a role that may do everything, past row-level security.
    pub(crate) url: String,
    /// As the role of a control plane.
    pub(crate) app_url: String,
    _directory: Option<TempDir>,
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/weir.db?mode=rwc", directory.path().display());
        Self::new(url.clone(), url, Some(directory)).await
    }

    /// `None` when no server was named.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = empty_database(&server()?).await;
        store::migrate(&seen_by(OWNER, &url), Some(APP), NOW).await.unwrap();
        Some(Self::new(seen_by(APP, &url), url, None).await)
    }

    async fn new(app_url: String, url: String, directory: Option<TempDir>) -> Self {
        let store = Store::connect(&app_url, NOW).await.unwrap();
        let ours = tenant(&store, 1).await;
        let theirs = tenant(&store, 2).await;
        Self { store, ours, theirs, url, app_url, _directory: directory }
    }

    /// The same database, past the store.
    pub(crate) async fn sql(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    /// Takes the triggers of `table` away, as somebody with the database's password can.
    pub(crate) async fn unprotect(&self, table: &str) -> DatabaseConnection {
        let sql = self.sql().await;
        let statement = match sql.get_database_backend() {
            DbBackend::Postgres => format!("DROP TRIGGER {table}_append_only ON {table}"),
            _ => format!("DROP TRIGGER {table}_append_only_UPDATE; DROP TRIGGER {table}_append_only_DELETE"),
        };
        sql.execute_unprepared(&statement).await.unwrap();
        sql
    }
}

async fn tenant(store: &Store, number: u128) -> Tenant {
    let org = Org { id: OrgId::new(NOW, number), name: format!("org {number}") };
    let person = Person {
        id: PersonId::new(NOW, number),
        email: format!("owner{number}@example.org"),
        name: "Olga Owner".to_owned(),
        password_hash: "$argon2id$".to_owned(),
    };
    let owner = Member {
        id: MemberId::new(NOW, number),
        org: org.id,
        person: person.id,
        role: Role::Owner,
        team: None,
    };
    let team = Team {
        id: TeamId::new(NOW, number),
        org: org.id,
        name: "search".to_owned(),
        cost_centre: Some("4711".into()),
    };
    let key = Key { team: Some(team.id), member: Some(owner.id), ..key(org.id, number) };
    let mut tx = store.create_org(&org, Author::system(), NOW).await.unwrap();
    tx.insert_person(&person).await.unwrap();
    tx.insert_member(&owner).await.unwrap();
    tx.insert_team(&team).await.unwrap();
    tx.insert_key(&key).await.unwrap();
    assert_eq!(tx.commit().await.unwrap(), 1);
    Tenant { scope: store.scope(org.id), org, owner, team, key }
}

/// A key of no team and no member.
pub(crate) fn key(org: OrgId, number: u128) -> Key {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&number.to_be_bytes());
    Key {
        id: KeyId::new(NOW, number),
        org,
        team: None,
        member: None,
        name: format!("key {number}"),
        kind: KeyKind::Inference,
        public_id: format!("public {number}"),
        label: "sk-weir-abc…xyz".to_owned(),
        hash: KeyHash(hash),
        previous: None,
        expires_at: None,
        revoked_at: None,
        requests_per_minute: None,
    }
}

impl Tenant {
    pub(crate) async fn begin(&self) -> PolicyTx {
        self.scope.begin(Author::person(self.owner.person), NOW).await.unwrap()
    }

    pub(crate) async fn revision(&self, store: &Store) -> u64 {
        let index = store.index().await.unwrap();
        index.into_iter().find(|(org, _)| *org == self.org.id).unwrap().1
    }

    /// A new budget of `pico`, and the draw on it in the sample's month.
    pub(crate) async fn budget(&self, number: u128, scope: BudgetScope, pico: i128) -> (Budget, Draw) {
        let budget = Budget {
            id: BudgetId::new(NOW, number),
            org: self.org.id,
            name: format!("budget {number}"),
            scope,
            limit: Amount::from_pico(pico),
            window: Window::MONTH,
            enforcement: Enforcement::Hard,
            filter: BudgetFilter::default(),
            thresholds: Thresholds::default(),
        };
        let mut tx = self.begin().await;
        tx.insert_budget(&budget).await.unwrap();
        tx.commit().await.unwrap();
        let draw = Draw { budget: budget.id, window: Window::MONTH.at(NOW) };
        (budget, draw)
    }

    /// Attempt 1 of request `number`, with the tenant's key, drawing on `draws`.
    pub(crate) fn attempt(&self, number: u128, draws: &[Draw]) -> Attempt {
        let mut attempt = sample::attempt(number);
        attempt.attribution.org = self.org.id;
        attempt.attribution.key = self.key.id;
        attempt.attribution.team = Some(self.team.id);
        attempt.draws = draws.to_vec();
        attempt
    }
}
