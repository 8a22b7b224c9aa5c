//! How many usage events per second go into the ledger of one Postgres, shipped as nodes ship them: two at once, 500 events
//! of four organizations each time, every event drawing on the budgets of its organization, team and key.
//!
//! Invariant: what was counted is in the ledger, which is verified, rollups included, before the figure is printed.
//!
//! `TEST_POSTGRES_URL` names a server on which a database can be made; `N` says how many events (50,000).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, not a product"
)]

use std::collections::HashMap;
use std::time::Instant;

use domain::key::{Key, KeyHash, KeyKind};
use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Thresholds, Window};
use domain::org::{Org, Team};
use domain::{Amount, BudgetId, KeyId, OrgId, Pico, TeamId};
use futures::future::try_join_all;
use metering::ports::LeaseRequest;
use metering::sample::{self, ADMITTED_AT};
use metering::usage::{Attempt, Draw, UsageEvent};
use sea_orm::{ConnectionTrait, Database};
use store::{Author, Chain, Store, StoreError};

const NODES: u128 = 2;
const ORGS: u128 = 4;
const KEYS: u128 = 25;
const BATCH: usize = 500;
const GOAL: f64 = 5_000.0;
const MODELS: [(&str, &str); 3] =
    [("openai/gpt-5-mini", "openai"), ("anthropic/claude", "anthropic"), ("google/gemini", "google")];

/// What an event is made from: whose it is, and what it draws on.
type Callers = Vec<(OrgId, TeamId, KeyId, Vec<Draw>)>;

#[tokio::main]
async fn main() {
    let count = std::env::var("N").ok().map_or(50_000, |text| text.parse().unwrap());
    let store = Store::connect(&database().await, ADMITTED_AT).await.unwrap();
    let mut callers = Callers::new();
    for number in 0..ORGS {
        callers.extend(org(&store, number).await.unwrap());
    }
    let shipments = shipments(&callers, count);
    let began = Instant::now();
    let nodes = shipments.iter().map(|batches| {
        let store = &store;
        async move {
            for batch in batches {
                store.commit_events(batch, ADMITTED_AT).await?;
            }
            Ok::<_, StoreError>(())
        }
    });
    try_join_all(nodes).await.unwrap();
    let value = f64::from(count) / began.elapsed().as_secs_f64();
    let mut events = 0;
    for number in 0..ORGS {
        let scope = store.scope(OrgId::new(ADMITTED_AT, number));
        events += scope.totals(Window::MONTH.at(ADMITTED_AT)).await.unwrap().count;
        assert!(matches!(scope.verify_ledger().await.unwrap(), Chain::Intact { .. }));
    }
    assert_eq!(events, u64::from(count));
    println!(
        "{{\"figure\": \"ingest_events_per_s\", \"value\": {value:.0}, \"unit\": \"events/s\", \"goal\": {GOAL}, \"n\": {count}}}"
    );
}

/// A database of its own, with the schema.
async fn database() -> String {
    let server = std::env::var("TEST_POSTGRES_URL").unwrap();
    let name = format!("weir_ingest_{}", std::process::id());
    Database::connect(&server)
        .await
        .unwrap()
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    store::migrate(&url, None, ADMITTED_AT).await.unwrap();
    url
}

/// An organization with its keys, and a lease of every budget for each node.
async fn org(store: &Store, number: u128) -> Result<Callers, StoreError> {
    let org = Org { id: OrgId::new(ADMITTED_AT, number), name: format!("org {number}") };
    let team = Team {
        id: TeamId::new(ADMITTED_AT, number),
        org: org.id,
        name: "search".to_owned(),
        cost_centre: Some("4711".to_owned()),
    };
    let mut tx = store.create_org(&org, Author::system(), ADMITTED_AT).await?;
    tx.insert_team(&team).await?;
    let shared = [budget(org.id, 1, BudgetScope::Org), budget(org.id, 2, BudgetScope::Team(team.id))];
    let (mut budgets, mut callers) = (shared.to_vec(), Callers::new());
    for place in 0..KEYS {
        let key = key(org.id, team.id, number * KEYS + place);
        tx.insert_key(&key).await?;
        let own = budget(org.id, 3 + place, BudgetScope::Key(key.id));
        let draws = shared.iter().chain([&own]).map(draw).collect();
        callers.push((org.id, team.id, key.id, draws));
        budgets.push(own);
    }
    for budget in &budgets {
        tx.insert_budget(budget).await?;
    }
    tx.commit().await?;
    for node in 1..=NODES {
        let at_least = Amount::from_pico(1_000_000_000_000);
        let request = |budget| LeaseRequest { org: org.id, draw: draw(budget), at_least };
        let requests: Vec<_> = budgets.iter().map(request).collect();
        store.grant(sample::holder(node), &requests, ADMITTED_AT).await?;
    }
    Ok(callers)
}

fn budget(org: OrgId, number: u128, scope: BudgetScope) -> Budget {
    let limit = Amount::from_pico(1_000_000_000_000_000);
    Budget {
        id: BudgetId::new(ADMITTED_AT, number),
        org,
        name: format!("budget {number}"),
        scope,
        limit,
        window: Window::MONTH,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    }
}

fn draw(budget: &Budget) -> Draw {
    Draw { budget: budget.id, window: budget.window.at(ADMITTED_AT) }
}

fn key(org: OrgId, team: TeamId, number: u128) -> Key {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&number.to_be_bytes());
    Key {
        id: KeyId::new(ADMITTED_AT, number),
        org,
        team: Some(team),
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

/// What each node ships, batch by batch.
fn shipments(callers: &Callers, count: u32) -> Vec<Vec<Vec<UsageEvent>>> {
    let mut of_node: HashMap<u128, Vec<UsageEvent>> = HashMap::new();
    for number in 0..u128::from(count) {
        let node = number % NODES + 1;
        let turn = usize::try_from(number / NODES).unwrap();
        let (org, team, key, draws) = &callers[turn * 7 % callers.len()];
        let (model, provider) = MODELS[turn % MODELS.len()];
        let mut attempt =
            Attempt { draws: draws.clone(), holder: sample::holder(node), ..sample::attempt(number) };
        attempt.attribution.org = *org;
        attempt.attribution.team = Some(*team);
        attempt.attribution.key = *key;
        (attempt.model, attempt.provider) = (model.to_owned(), provider.to_owned());
        attempt.admitted_at = ADMITTED_AT.plus_micros(i64::try_from(turn).unwrap() * 200);
        of_node.entry(node).or_default().push(sample::answered(attempt, Pico::new(81_000)));
    }
    of_node.into_values().map(|events| events.chunks(BATCH).map(<[_]>::to_vec).collect()).collect()
}
