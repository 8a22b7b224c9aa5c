//! What metering needs from outside: leases, a journal, and somebody who commits events.
//!
//! Invariant: a port promises nothing that only one adapter can keep; `conformance` holds each adapter to it.

use async_trait::async_trait;
use domain::{Amount, EventId, OrgId};

use crate::usage::{Attempt, Draw, Holder, Progress, UsageEvent};

/// A node asks for budget money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The organization the budget belongs to.
    pub org: OrgId,
    /// Which budget, in which window.
    pub draw: Draw,
    /// What the waiting reservation lacks; less is of no use.
    pub at_least: Amount,
}

/// What came of a [`LeaseRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// This much more is now held: at least what was lacking.
    Granted(Amount),
    /// The budget cannot cover what was lacking.
    Exhausted(BudgetState),
    /// There is no such budget any more; draw nothing on it.
    Gone,
}

/// Where a budget stands in one window. `limit ≥ spent + suspense + escrow` always holds; overrun is apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetState {
    /// The effective limit.
    pub limit: Amount,
    /// Settled.
    pub spent: Amount,
    /// Granted to nodes and not yet spent.
    pub escrow: Amount,
    /// Of unknown use; counts as spent.
    pub suspense: Amount,
    /// Billed by providers beyond every reservation.
    pub overrun: Amount,
}

impl BudgetState {
    /// What can still be granted.
    #[must_use]
    pub fn available(&self) -> Amount {
        (self.limit - self.spent - self.escrow - self.suspense).max(Amount::ZERO)
    }
}

/// The source of leases could not answer.
#[derive(Debug, thiserror::Error)]
#[error("the source of budget leases cannot answer: {0}")]
pub struct LeaseError(pub String);

/// Where a node gets budget money from: in process, or over the node link.
#[async_trait]
pub trait LeaseSource: Send + Sync {
    /// Moves money from available to the holder's escrow, each request by itself. Answers in the order of `requests`.
    ///
    /// # Errors
    /// [`LeaseError`] when nothing was decided; nothing was granted then.
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError>;

    /// Moves money that the holder has not spent and has not reserved from escrow back to available.
    ///
    /// # Errors
    /// [`LeaseError`] when it is not known what was decided: the holder spends none of it and does not offer it again;
    /// what is still escrowed is freed when its next incarnation says hello.
    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError>;
}

/// A record's place in the journal; later records have larger numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sequence(pub u64);

/// What is written to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Before the first byte to the provider.
    Reserved(Box<Attempt>),
    /// While the answer streams.
    Progress(EventId, Progress),
    /// Before the answer's last byte: the event, complete.
    Settled(Box<UsageEvent>),
    /// The reserved attempt was never dispatched; there is no event.
    Void(EventId),
}

/// The journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Writing or reading failed.
    #[error("the journal cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// It has reached its cap; nothing may be admitted until events were committed.
    #[error("the journal is full: {used_bytes} of {cap_bytes} bytes wait to be committed")]
    Full {
        /// Bytes in use.
        used_bytes: u64,
        /// The configured cap.
        cap_bytes: u64,
    },
    /// What is on disk cannot be understood.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
}

/// The node's write-ahead log of attempts.
pub trait Journal: Send + Sync {
    /// Appends `record`; when this returns, it survives `kill -9`.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was appended then. `Reserved` is refused with `Full` at 90 % of the cap, so that what
    /// was admitted can still settle.
    fn append(&self, record: &Record) -> Result<Sequence, JournalError>;

    /// Up to `max` settled events that are not known to be committed, oldest first.
    ///
    /// # Errors
    /// [`JournalError`] when they cannot be read.
    fn unshipped(&self, max: usize) -> Result<Vec<(Sequence, UsageEvent)>, JournalError>;

    /// Everything up to `watermark` that [`unshipped`](Self::unshipped) returned is committed and may be dropped.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be noted; the events will then be shipped again.
    fn committed(&self, watermark: Sequence) -> Result<(), JournalError>;
}

/// Events could not be committed; ship them again.
#[derive(Debug, thiserror::Error)]
#[error("usage events cannot be committed now: {0}")]
pub struct ShipError(pub String);

/// Who commits events: in process, or over the node link.
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Commits `events`; when this returns, each is in the ledger exactly once, however often it was shipped.
    ///
    /// # Errors
    /// [`ShipError`] when none was committed.
    async fn commit(&self, events: Vec<UsageEvent>) -> Result<(), ShipError>;
}
