//! How long the data plane takes to admit a request: who asks, may they, and is there money; with 100,000 keys of 1,000
//! organizations and 10,000 budgets, all leases warm.
//!
//! Invariant: what is timed are the functions that a request goes through, each time for another key, drawn at random; all
//! are admitted, and the money of one is given back before the next.
//!
//! `N` says how many (200,000). A round of half as many before it is not counted.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measurement, not a product"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use dataplane::lease::Leases;
use domain::key::{Key, KeyKind, KeyText};
use domain::limit::Budget;
use domain::model::ModelKind;
use domain::org::{Member, Org, Team};
use domain::{Amount, BudgetId, BudgetScope, KeyId, MemberId, OrgId, Pico, TeamId};
use metering::estimate;
use metering::memory::MemoryLeases;
use metering::usage::Draw;
use policy::record::{OrgObject, OrgRecords};
use policy::sample::{self, NOW, pepper};
use policy::{Ask, PolicySnapshot, decide};
use rand::RngExt;
use tokio_util::task::TaskTracker;

const ORGS: u128 = 1_000;
const KEYS: u128 = 100;
/// So many keys of each organization have a budget of their own, beside the organization's and the team's.
const OWN: u128 = 8;
const GOAL_US: u32 = 20;

struct World {
    snapshot: PolicySnapshot,
    leases: Arc<Leases>,
    keys: Vec<KeyText>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = std::env::var("N").ok().map_or(200_000, |text| text.parse().unwrap());
    let world = world();
    for key in &world.keys {
        admit(&world, key).await;
    }
    rounds(&world, count / 2).await;
    let mut took = rounds(&world, count).await;
    took.sort_unstable();
    let at = |permille: usize| took[(took.len() - 1) * permille / 1000].as_secs_f64() * 1e6;
    println!(
        "{{\"figure\": \"admission_p99_us\", \"value\": {:.1}, \"unit\": \"us\", \"goal\": \"<= {GOAL_US}\", \"n\": {count}, \
         \"p50\": {:.1}, \"p999\": {:.1}}}",
        at(990),
        at(500),
        at(999)
    );
}

async fn rounds(world: &World, count: usize) -> Vec<Duration> {
    let mut rng = rand::rng();
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        took.push(admit(world, &world.keys[rng.random_range(0..world.keys.len())]).await);
    }
    took
}

/// Admits one request and gives its money back; how long admission took.
async fn admit(world: &World, key: &KeyText) -> Duration {
    let began = Instant::now();
    let caller = world.snapshot.authenticate(key.expose(), &pepper(), NOW).unwrap();
    let permit =
        decide(&world.snapshot, &caller, &Ask::new(ModelKind::Chat, Some("openai/gpt"), 1), NOW).unwrap();
    let price = &permit.candidates()[0].price;
    let ask = estimate::Ask {
        body_bytes: 2_000,
        messages: 3,
        tools: 0,
        media: estimate::MediaTokens::None,
        cache_writes: false,
        context_length: 128_000,
        output_cap: 4_096,
        choices: 1,
    };
    let bound = metering::bound(&ask, price, Some(permit.ceiling())).unwrap();
    let draws = permit.budgets().iter().map(|budget| (budget.org, draw(budget))).collect();
    let reservation = world.leases.reserve(draws, bound.reserved()).await.unwrap();
    let took = began.elapsed();
    world.leases.settle(reservation, Pico::ZERO);
    took
}

fn draw(budget: &Budget) -> Draw {
    Draw { budget: budget.id, window: budget.window.at(NOW) }
}

fn world() -> World {
    let source = MemoryLeases::new(Amount::from_pico(1_000_000_000_000));
    let (mut orgs, mut keys) = (Vec::new(), Vec::new());
    for number in 1..=ORGS {
        let (records, texts, budgets) = org(number);
        for budget in &budgets {
            source.set_limit(draw(budget), budget.limit);
        }
        orgs.push(records);
        keys.extend(texts);
    }
    let holder = metering::sample::holder(1);
    let leases = Leases::new(Arc::new(source), holder, Duration::from_secs(5), TaskTracker::new());
    World { snapshot: PolicySnapshot::build(sample::platform(), orgs), leases: Arc::new(leases), keys }
}

fn org(number: u128) -> (OrgRecords, Vec<KeyText>, Vec<Budget>) {
    let id = OrgId::from_bits(number);
    let team = Team { id: TeamId::from_bits(number), org: id, ..sample::team() };
    let member = Member { id: MemberId::from_bits(number), org: id, ..sample::member() };
    let shared = [BudgetScope::Org, BudgetScope::Team(team.id)];
    let mut budgets: Vec<_> =
        (0..).zip(shared).map(|(place, scope)| budget(id, number * KEYS + place, scope)).collect();
    let mut texts = Vec::new();
    let mut objects = vec![
        OrgObject::Org(Org { id, name: format!("org {number}") }),
        OrgObject::Team(team.clone()),
        OrgObject::Member(member.clone()),
    ];
    for place in 0..KEYS {
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&(number * KEYS + place).to_be_bytes());
        let text = KeyText::mint(KeyKind::Inference, &seed);
        let key_id = KeyId::from_bits(number * KEYS + place);
        let key = sample::key_with_hash(key_id, id, text.hash(&pepper()));
        objects.push(OrgObject::Key(Key { team: Some(team.id), member: Some(member.id), ..key }));
        texts.push(text);
        if place < OWN {
            budgets.push(budget(id, number * KEYS + 2 + place, BudgetScope::Key(key_id)));
        }
    }
    objects.extend(budgets.iter().cloned().map(OrgObject::Budget));
    (OrgRecords { epoch: 1, org: id, revision: 1, objects }, texts, budgets)
}

fn budget(org: OrgId, number: u128, scope: BudgetScope) -> Budget {
    Budget { id: BudgetId::from_bits(number), org, ..sample::budget(number, scope, 100_000) }
}
