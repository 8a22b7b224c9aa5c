//! Grants never exceed a limit, and every pico-dollar is somewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::limit::BudgetScope;
use domain::org::Org;
use domain::{Amount, OrgId, Pico};
use futures::future::{join_all, try_join_all};
use metering::conformance::{self, Ledgers};
use metering::ports::{
    BudgetState, Hello, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource, Sequence, ShipError, Shipment,
    UsageSink,
};
use metering::sample;
use metering::usage::{Draw, Holder, UsageEvent};
use store::{Author, Store};

use crate::world::{NOW, Tenant, World};

const fn pico(amount: i128) -> Amount {
    Amount::from_pico(amount)
}

async fn ask(store: &Store, holder: Holder, org: OrgId, draw: Draw, at_least: i128) -> LeaseAnswer {
    let request = LeaseRequest { org, draw, at_least: pico(at_least) };
    store.grant(holder, &[request], NOW).await.unwrap()[0]
}

fn granted(answer: LeaseAnswer) -> Amount {
    match answer {
        LeaseAnswer::Granted(amount) => amount,
        LeaseAnswer::Exhausted(_) | LeaseAnswer::Recalled(_) | LeaseAnswer::Gone => Amount::ZERO,
    }
}

async fn state(tenant: &Tenant, draw: Draw) -> BudgetState {
    tenant.scope.budget_state(draw.budget, draw.window, NOW).await.unwrap()
}

fn event(tenant: &Tenant, number: u128, draw: Draw, cost: i64) -> UsageEvent {
    sample::answered(tenant.attempt(number, &[draw]), Pico::new(cost))
}

/// The store behind metering's ports.
struct Ports {
    world: World,
    made: AtomicU64,
}

#[async_trait]
impl LeaseSource for Ports {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        self.world
            .store
            .grant(holder, &requests, NOW)
            .await
            .map_err(|error| LeaseError::NotDone(error.to_string()))
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        self.world
            .store
            .give_back(holder, &unspent)
            .await
            .map_err(|error| LeaseError::NotDone(error.to_string()))
    }
}

#[async_trait]
impl UsageSink for Ports {
    async fn commit(&self, Shipment { events, .. }: Shipment) -> Result<(), ShipError> {
        self.world.store.commit_events(&events, NOW).await.map_err(|error| ShipError(error.to_string()))
    }
}

#[async_trait]
impl Ledgers for Ports {
    fn leases(&self) -> &dyn LeaseSource {
        self
    }

    fn sink(&self) -> &dyn UsageSink {
        self
    }

    async fn budget(&self, limit: Amount) -> (OrgId, Draw) {
        let number = u128::from(self.made.fetch_add(1, Ordering::SeqCst)) + 1_000;
        let org = Org { id: OrgId::new(NOW, number), name: "conforming".to_owned() };
        self.world.store.create_org(&org, Author::system(), NOW).await.unwrap().commit().await.unwrap();
        let draw = sample::draw(number);
        let budget = domain::limit::Budget {
            id: draw.budget,
            org: org.id,
            name: "all".to_owned(),
            scope: BudgetScope::Org,
            limit,
            window: domain::Window::MONTH,
            enforcement: domain::limit::Enforcement::Hard,
            filter: domain::limit::BudgetFilter::default(),
            thresholds: domain::limit::Thresholds::default(),
        };
        let mut tx = self.world.store.scope(org.id).begin(Author::system(), NOW).await.unwrap();
        tx.insert_budget(&budget).await.unwrap();
        tx.commit().await.unwrap();
        (org.id, draw)
    }

    async fn remove(&self, org: OrgId, draw: Draw) {
        let mut tx = self.world.store.scope(org).begin(Author::system(), NOW).await.unwrap();
        tx.remove_budget(draw.budget).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(crate) async fn leases_conform(world: World) {
    conformance::leases(&Ports { world, made: AtomicU64::new(0) }).await;
}

pub(crate) async fn many_nodes_at_once_are_never_granted_more_than_the_limit(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1_000_003).await;
    let org = world.ours.org.id;
    let node = |number: u128| {
        let store = &world.store;
        async move {
            let mut held = Amount::ZERO;
            loop {
                match ask(store, sample::holder(number), org, draw, 7_001).await {
                    LeaseAnswer::Granted(amount) => held += amount,
                    LeaseAnswer::Exhausted(_) | LeaseAnswer::Recalled(_) => return held,
                    LeaseAnswer::Gone => panic!("the budget is there"),
                }
            }
        }
    };
    let held: Amount = join_all((1..=12).map(node)).await.into_iter().sum();
    let state = state(&world.ours, draw).await;
    assert_eq!(state.escrow, held);
    assert!(held <= pico(1_000_003), "granted {held}");
    assert!(held > pico(1_000_003 - 7_001), "only {held} could be used");
}

pub(crate) async fn grants_returns_and_settlements_at_once_lose_nothing(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 10_000).await;
    let org = world.ours.org.id;
    let life = |number: u128| {
        let (store, ours) = (&world.store, &world.ours);
        async move {
            let holder = sample::holder(number);
            let held = granted(ask(store, holder, org, draw, 100).await);
            assert!(held >= pico(100));
            let mut event = event(ours, number, draw, 60);
            event.attempt.holder = holder;
            store.commit_events(&[event], NOW).await?;
            store.give_back(holder, &[(org, draw, held - pico(60))]).await
        }
    };
    try_join_all((1..=10).map(life)).await.unwrap();
    let expected = BudgetState { limit: pico(10_000), spent: pico(600), ..BudgetState::default() };
    assert_eq!(state(&world.ours, draw).await, expected);
}

pub(crate) async fn a_lowered_limit_is_accepted_and_nothing_is_granted_until_it_covers_what_was(
    world: World,
) {
    let (mut budget, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    let (org, holder) = (world.ours.org.id, sample::holder(1));
    assert_eq!(granted(ask(&world.store, holder, org, draw, 600).await), pico(600));
    budget.limit = pico(500);
    let mut tx = world.ours.begin().await;
    tx.update_budget(&budget).await.unwrap();
    tx.commit().await.unwrap();
    let expected = BudgetState { limit: pico(600), escrow: pico(600), ..BudgetState::default() };
    assert_eq!(ask(&world.store, holder, org, draw, 1).await, LeaseAnswer::Exhausted(expected));
    world.store.give_back(holder, &[(org, draw, pico(200))]).await.unwrap();
    assert_eq!(granted(ask(&world.store, holder, org, draw, 100).await), pico(100));
    assert!(matches!(ask(&world.store, holder, org, draw, 1).await, LeaseAnswer::Exhausted(_)));
}

pub(crate) async fn no_more_comes_back_than_a_lease_holds(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    let org = world.ours.org.id;
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, draw, 400).await), pico(400));
    assert_eq!(granted(ask(&world.store, sample::holder(2), org, draw, 300).await), pico(300));
    for amount in [900, 900, -50] {
        world.store.give_back(sample::holder(1), &[(org, draw, pico(amount))]).await.unwrap();
        assert_eq!(state(&world.ours, draw).await.escrow, pico(300));
    }
    // Neither from a lease of another node, nor of another organization.
    world.store.give_back(sample::holder(3), &[(org, draw, pico(100))]).await.unwrap();
    world.store.give_back(sample::holder(2), &[(world.theirs.org.id, draw, pico(100))]).await.unwrap();
    assert_eq!(state(&world.ours, draw).await.escrow, pico(300));
}

pub(crate) async fn a_new_life_frees_what_the_old_one_held(world: World) {
    let (_, draw) = world.ours.budget(1, BudgetScope::Org, 1_000).await;
    let org = world.ours.org.id;
    let first = sample::holder(1);
    let second = Holder { incarnation: 2, ..first };
    assert_eq!(granted(ask(&world.store, first, org, draw, 300).await), pico(300));
    assert_eq!(granted(ask(&world.store, second, org, draw, 200).await), pico(200));
    assert_eq!(granted(ask(&world.store, sample::holder(2), org, draw, 100).await), pico(100));
    world.store.commit_events(&[event(&world.ours, 1, draw, 120)], NOW).await.unwrap();
    for _ in 0..2 {
        assert!(world.store.hello(&hello(second, "boot", 9), NOW).await.unwrap());
        let expected =
            BudgetState { limit: pico(1_000), spent: pico(120), escrow: pico(300), ..BudgetState::default() };
        assert_eq!(state(&world.ours, draw).await, expected);
    }
}

/// A node's first word, when its journal ends at `journal_end`.
pub(crate) fn hello(holder: Holder, boot: &str, journal_end: u64) -> Hello {
    Hello {
        holder,
        name: "node".to_owned(),
        version: "1".to_owned(),
        boot: boot.to_owned(),
        journal_found: Sequence(journal_end),
        journal_end: Sequence(journal_end),
        now: NOW,
        contact_every_ms: 1_000,
    }
}

pub(crate) async fn a_budget_made_in_mid_window_starts_at_what_was_spent(world: World) {
    let ours = &world.ours;
    let mut foreign_key = event(ours, 2, sample::draw(99), 1_000);
    foreign_key.attempt.attribution.key = world.theirs.key.id;
    let mut other_month = event(ours, 3, sample::draw(99), 1_000);
    other_month.attempt.admitted_at = NOW.plus_seconds(-60 * 86_400);
    let mut unsure = event(ours, 4, sample::draw(99), 50);
    unsure.settlement.suspense = Pico::new(25);
    let events = [event(ours, 1, sample::draw(99), 300), foreign_key, other_month, unsure];
    world.store.commit_events(&events, NOW).await.unwrap();
    let (_, of_key) = ours.budget(1, BudgetScope::Key(ours.key.id), 500).await;
    let (_, of_org) = ours.budget(2, BudgetScope::Org, 500).await;
    let (_, of_member) = ours.budget(3, BudgetScope::Member(ours.owner.id), 500).await;
    let expected =
        BudgetState { limit: pico(500), spent: pico(350), suspense: pico(25), ..BudgetState::default() };
    assert_eq!(state(ours, of_key).await, expected, "before anything is granted");
    let org = ours.org.id;
    assert_eq!(
        ask(&world.store, sample::holder(1), org, of_key, 126).await,
        LeaseAnswer::Exhausted(expected)
    );
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, of_key, 125).await), pico(125));
    let over =
        BudgetState { limit: pico(1_375), spent: pico(1_350), suspense: pico(25), ..BudgetState::default() };
    assert_eq!(ask(&world.store, sample::holder(1), org, of_org, 1).await, LeaseAnswer::Exhausted(over));
    assert_eq!(state(ours, of_member).await.spent, Amount::ZERO);
}

pub(crate) async fn an_event_that_did_not_know_of_a_budget_still_counts(world: World) {
    let ours = &world.ours;
    let (_, of_key) = ours.budget(1, BudgetScope::Key(ours.key.id), 500).await;
    let (_, of_their_key) = ours.budget(2, BudgetScope::Member(ours.owner.id), 500).await;
    let org = ours.org.id;
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, of_key, 100).await), pico(100));
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, of_their_key, 100).await), pico(100));
    let event = sample::answered(ours.attempt(1, &[]), Pico::new(70));
    for _ in 0..2 {
        world.store.commit_events(std::slice::from_ref(&event), NOW).await.unwrap();
        let expected =
            BudgetState { limit: pico(500), spent: pico(70), escrow: pico(100), ..BudgetState::default() };
        assert_eq!(state(ours, of_key).await, expected);
        assert_eq!(state(ours, of_their_key).await.spent, Amount::ZERO);
    }
}

pub(crate) async fn a_charge_beyond_the_lease_is_overrun(world: World) {
    let ours = &world.ours;
    let (_, draw) = ours.budget(1, BudgetScope::Org, 1_000).await;
    assert_eq!(granted(ask(&world.store, sample::holder(1), ours.org.id, draw, 200).await), pico(200));
    // The node thought it was covered; the lease says it was not.
    world.store.commit_events(&[event(ours, 1, draw, 350)], NOW).await.unwrap();
    let expected =
        BudgetState { limit: pico(1_000), spent: pico(200), overrun: pico(150), ..BudgetState::default() };
    assert_eq!(state(ours, draw).await, expected);
}

pub(crate) async fn suspense_counts_as_spent(world: World) {
    let ours = &world.ours;
    let (_, draw) = ours.budget(1, BudgetScope::Org, 1_000).await;
    let org = ours.org.id;
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, draw, 600).await), pico(600));
    let mut interrupted = event(ours, 1, draw, 100);
    interrupted.settlement.suspense = Pico::new(300);
    world.store.commit_events(&[interrupted], NOW).await.unwrap();
    let expected = BudgetState {
        limit: pico(1_000),
        spent: pico(100),
        suspense: pico(300),
        escrow: pico(200),
        overrun: Amount::ZERO,
    };
    assert_eq!(ask(&world.store, sample::holder(1), org, draw, 401).await, LeaseAnswer::Exhausted(expected));
    assert_eq!(granted(ask(&world.store, sample::holder(1), org, draw, 400).await), pico(400));
}
