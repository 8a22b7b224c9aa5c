//! Leases, their ledger and a journal in memory: for tests and simulation.
//!
//! Invariant: both pass the suites of `conformance`, so that a test on them says something about the real adapters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Amount, EventId, OrgId};
use parking_lot::Mutex;

use crate::ports::{
    BudgetState, Journal, JournalError, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource, Record, Sequence,
    ShipError, Shipment, UsageSink,
};
use crate::usage::{Draw, Holder, UsageEvent};

/// Budgets, what is leased of them, and the events that were committed.
#[derive(Debug, Default)]
pub struct MemoryLeases {
    state: Mutex<Ledger>,
    lease: Amount,
}

#[derive(Debug, Default)]
struct Ledger {
    budgets: HashMap<Draw, BudgetState>,
    escrow: HashMap<(Holder, Draw), Amount>,
    committed: HashSet<EventId>,
    events: Vec<UsageEvent>,
}

impl MemoryLeases {
    /// No budgets; a grant is `lease` or what was asked for, whichever is more, as far as the limit allows.
    #[must_use]
    pub fn new(lease: Amount) -> Self {
        Self { state: Mutex::default(), lease }
    }

    /// Makes a budget, or changes its limit.
    pub fn set_limit(&self, draw: Draw, limit: Amount) {
        self.state.lock().budgets.entry(draw).or_default().limit = limit;
    }

    /// Removes a budget.
    pub fn remove(&self, draw: Draw) {
        self.state.lock().budgets.remove(&draw);
    }

    /// Makes available what `holder` has and did not spend: its process has ended, and its events are committed.
    pub fn retire(&self, holder: Holder) {
        let mut ledger = self.state.lock();
        let theirs = ledger.escrow.iter().filter(|((owner, _), _)| *owner == holder);
        let held: Vec<_> = theirs.map(|((_, draw), amount)| (*draw, *amount)).collect();
        for (draw, amount) in held {
            ledger.leave_escrow(holder, draw, amount);
        }
    }

    /// Where a budget stands.
    #[must_use]
    pub fn state(&self, draw: Draw) -> Option<BudgetState> {
        self.state.lock().budgets.get(&draw).copied()
    }

    /// The events that were committed, in their order.
    #[must_use]
    pub fn events(&self) -> Vec<UsageEvent> {
        self.state.lock().events.clone()
    }
}

#[async_trait]
impl LeaseSource for MemoryLeases {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        let mut ledger = self.state.lock();
        Ok(requests.iter().map(|request| ledger.grant(holder, request, self.lease)).collect())
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        let mut ledger = self.state.lock();
        for (_, draw, amount) in unspent {
            ledger.leave_escrow(holder, draw, amount);
        }
        Ok(())
    }
}

#[async_trait]
impl UsageSink for MemoryLeases {
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError> {
        let mut ledger = self.state.lock();
        for event in shipment.events {
            ledger.commit(Arc::unwrap_or_clone(event));
        }
        Ok(())
    }
}

impl Ledger {
    fn grant(&mut self, holder: Holder, request: &LeaseRequest, lease: Amount) -> LeaseAnswer {
        let is_elsewhere = self
            .escrow
            .iter()
            .any(|((owner, draw), held)| *owner != holder && *draw == request.draw && *held > Amount::ZERO);
        let Some(state) = self.budgets.get_mut(&request.draw) else { return LeaseAnswer::Gone };
        let available = state.available();
        if available < request.at_least {
            return if is_elsewhere { LeaseAnswer::Recalled(*state) } else { LeaseAnswer::Exhausted(*state) };
        }
        let amount = request.at_least.max(lease).min(available);
        state.escrow += amount;
        *self.escrow.entry((holder, request.draw)).or_default() += amount;
        LeaseAnswer::Granted(amount)
    }

    /// Takes at most what the holder has, and tells how much that was.
    fn leave_escrow(&mut self, holder: Holder, draw: Draw, amount: Amount) -> Amount {
        let held = self.escrow.entry((holder, draw)).or_default();
        let leaving = amount.min(*held);
        *held -= leaving;
        if let Some(state) = self.budgets.get_mut(&draw) {
            state.escrow -= leaving;
        }
        leaving
    }

    fn commit(&mut self, event: UsageEvent) {
        if !self.committed.insert(event.attempt.id) {
            return;
        }
        let settlement = &event.settlement;
        for (draw, overrun) in event.attempt.draws.iter().zip(&settlement.overruns) {
            let owed = Amount::from(settlement.cost) + Amount::from(settlement.suspense) - *overrun;
            let covered = self.leave_escrow(event.attempt.holder, *draw, owed);
            if let Some(state) = self.budgets.get_mut(draw) {
                let suspense = Amount::from(settlement.suspense).min(covered);
                state.suspense += suspense;
                state.spent += covered - suspense;
                state.overrun += *overrun;
            }
        }
        self.events.push(event);
    }
}

/// A journal that forgets everything with its process.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    last: u64,
    records: Vec<Record>,
    unshipped: BTreeMap<Sequence, Arc<UsageEvent>>,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was appended, in its order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.log.lock().records.clone()
    }
}

impl Journal for MemoryJournal {
    fn append(&self, record: &Record) -> Result<Sequence, JournalError> {
        let mut log = self.log.lock();
        log.last += 1;
        let sequence = Sequence(log.last);
        log.records.push(record.clone());
        if let Record::Settled(event) = record {
            log.unshipped.insert(sequence, Arc::clone(event));
        }
        Ok(sequence)
    }

    fn unshipped(&self, max: usize) -> Result<Vec<(Sequence, Arc<UsageEvent>)>, JournalError> {
        let log = self.log.lock();
        Ok(log.unshipped.iter().take(max).map(|(sequence, event)| (*sequence, Arc::clone(event))).collect())
    }

    fn committed(&self, watermark: Sequence) -> Result<(), JournalError> {
        self.log.lock().unshipped.retain(|sequence, _| *sequence > watermark);
        Ok(())
    }

    fn end(&self) -> Sequence {
        Sequence(self.log.lock().last)
    }

    fn found(&self) -> Sequence {
        Sequence(0)
    }

    fn welcomed(&self) -> Result<(), JournalError> {
        Ok(())
    }
}
