//! What nodes are given in process keeps to the contract of leases and settlement.

use std::sync::Arc;

use async_trait::async_trait;
use controlplane::{Ingest, Leases, StoreReads};
use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Thresholds, Window};
use domain::{Amount, BudgetId, Clock, OrgId, Pico};
use metering::conformance::{Ledgers, leases};
use metering::ports::{GenerationRequest, LeaseSource, Nodes, Reads, UsageSink};
use metering::sample;
use metering::usage::Draw;
use store::Author;

use crate::nodes::hello;
use crate::world::World;

struct Ports {
    world: World,
    leases: Leases,
    ingest: Ingest,
}

#[async_trait]
impl Ledgers for Ports {
    fn leases(&self) -> &dyn LeaseSource {
        &self.leases
    }

    fn sink(&self) -> &dyn UsageSink {
        &self.ingest
    }

    async fn budget(&self, limit: Amount) -> (OrgId, Draw) {
        let org = self.world.neighbour(&format!("Org {}", rand::random::<u32>())).await.org;
        let now = self.world.clock.now();
        let id = BudgetId::new(now, rand::random());
        let name = "Hard".to_owned();
        let budget = Budget {
            id,
            org,
            name,
            scope: BudgetScope::Org,
            limit,
            window: Window::MONTH,
            enforcement: Enforcement::Hard,
            filter: BudgetFilter::default(),
            thresholds: Thresholds::default(),
        };
        let mut tx = self.world.deps.store.scope(org).begin(Author::system(), now).await.unwrap();
        tx.insert_budget(&budget).await.unwrap();
        tx.commit().await.unwrap();
        (org, Draw { budget: id, window: Window::MONTH.at(sample::ADMITTED_AT) })
    }

    async fn remove(&self, org: OrgId, draw: Draw) {
        let now = self.world.clock.now();
        let mut tx = self.world.deps.store.scope(org).begin(Author::system(), now).await.unwrap();
        tx.remove_budget(draw.budget).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn leases_and_ingest_conform() {
    let world = World::new().await;
    for number in 1..=20 {
        world.registry.hello(hello(&world, sample::holder(number))).await.unwrap();
    }
    let deps = world.deps.clone();
    let ingest = Ingest::new(deps.store.clone(), deps.clock.clone(), deps.metrics.clone());
    let ports = Ports { world, leases: Leases::new(deps.store, Arc::clone(&deps.clock)), ingest };
    leases(&ports).await;
}

#[tokio::test]
async fn a_generation_is_read_once_it_is_committed_and_by_its_own_org_alone() {
    let world = World::new().await;
    let deps = world.deps.clone();
    let reads = StoreReads::new(deps.store.clone());
    let mut attempt = sample::attempt(1);
    attempt.attribution.org = world.org;
    let event = sample::answered(attempt, Pico::new(7));
    let mine = GenerationRequest { org: world.org, request: event.attempt.id.request };
    assert_eq!(reads.generation(mine).await.unwrap(), []);
    let ingest = Ingest::new(deps.store, deps.clock, deps.metrics);
    ingest.commit(sample::shipment(vec![event.clone()])).await.unwrap();
    assert_eq!(reads.generation(mine).await.unwrap(), [event]);
    let theirs = GenerationRequest { org: world.neighbour("Elsewhere").await.org, ..mine };
    assert_eq!(reads.generation(theirs).await.unwrap(), []);
}
