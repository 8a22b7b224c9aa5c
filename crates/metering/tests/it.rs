//! The in-memory adapters pass the suites that every adapter must pass.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::{Amount, OrgId};
use metering::conformance::{self, Ledgers};
use metering::memory::{MemoryJournal, MemoryLeases};
use metering::ports::{LeaseSource, UsageSink};
use metering::sample;
use metering::usage::Draw;

struct InMemory {
    leases: MemoryLeases,
    made: AtomicU32,
}

#[async_trait]
impl Ledgers for InMemory {
    fn leases(&self) -> &dyn LeaseSource {
        &self.leases
    }

    fn sink(&self) -> &dyn UsageSink {
        &self.leases
    }

    async fn budget(&self, limit: Amount) -> (OrgId, Draw) {
        let number = u128::from(self.made.fetch_add(1, Ordering::SeqCst));
        let draw = sample::draw(number);
        self.leases.set_limit(draw, limit);
        (OrgId::new(sample::ADMITTED_AT, number), draw)
    }

    async fn remove(&self, _: OrgId, draw: Draw) {
        self.leases.remove(draw);
    }
}

#[tokio::test]
async fn leases_in_memory_conform() {
    for lease in [0, 64] {
        let leases = MemoryLeases::new(Amount::from_pico(lease));
        conformance::leases(&InMemory { leases, made: AtomicU32::new(1) }).await;
    }
}

#[test]
fn a_journal_in_memory_conforms() {
    conformance::journal(MemoryJournal::new);
}
