//! What metering needs from outside: leases, a journal, somebody who commits events, and where nodes introduce themselves.
//!
//! Invariant: a port promises nothing that only one adapter can keep; `conformance` holds each adapter to it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Amount, BudgetId, EventId, KeyId, OrgId, RequestId, Timestamp};

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
    /// It cannot now, but other holders have some of it, which is called back: ask again.
    Recalled(BudgetState),
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
    /// What can still be granted: a provider that billed beyond a reservation has used up what others could have had.
    #[must_use]
    pub fn available(&self) -> Amount {
        (self.limit - self.spent - self.escrow - self.suspense - self.overrun).max(Amount::ZERO)
    }
}

/// The source of leases could not answer.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Nothing was moved; it may be tried again.
    #[error("the source of budget leases did nothing: {0}")]
    NotDone(String),
    /// It may have been moved all the same: what was asked for is counted as granted to nobody, and what was offered is
    /// not spent. The node's next life frees both.
    #[error("it is not known whether the source of budget leases did it: {0}")]
    Unknown(String),
}

/// Where a node gets budget money from: in process, or over the node link.
#[async_trait]
pub trait LeaseSource: Send + Sync {
    /// Moves money from available to the holder's escrow, each request by itself. Answers in the order of `requests`.
    ///
    /// # Errors
    /// [`LeaseError`].
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError>;

    /// Moves money that the holder has not spent and has not reserved from escrow back to available.
    ///
    /// # Errors
    /// [`LeaseError`]; after `Unknown` the holder spends none of it and does not offer it again.
    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError>;
}

/// A record's place in the journal; later records have larger numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sequence(pub u64);

/// What is written to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Before the first byte to the provider; again, with progress after it, where more had to be reserved.
    Reserved(Arc<Attempt>),
    /// While the answer streams.
    Progress(EventId, Progress),
    /// Before the answer's last byte: the event, complete.
    Settled(Arc<UsageEvent>),
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
    fn unshipped(&self, max: usize) -> Result<Vec<(Sequence, Arc<UsageEvent>)>, JournalError>;

    /// Everything up to `watermark` that [`unshipped`](Self::unshipped) returned is committed and may be dropped.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be noted; the events will then be shipped again.
    fn committed(&self, watermark: Sequence) -> Result<(), JournalError>;

    /// The place of the last record that was ever appended; 0 before the first.
    fn end(&self) -> Sequence;

    /// The place of the last record that this life found before it added any, or an earlier one since the last that was
    /// [`welcomed`](Self::welcomed) did: what a life adds that nobody knows of must not hide that its disk is an older one.
    /// 0 when there was none.
    fn found(&self) -> Sequence;

    /// The control plane knows what this life found.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be noted; the next life then tells of this one's find again.
    fn welcomed(&self) -> Result<(), JournalError>;
}

/// Events on their way to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Whose journal they are from; attempts in it may be of earlier lives.
    pub holder: Holder,
    /// The journal's place up to which everything is committed once these are.
    pub upto: Sequence,
    /// The events, oldest first.
    pub events: Vec<Arc<UsageEvent>>,
}

/// Events could not be committed; ship them again.
#[derive(Debug, thiserror::Error)]
#[error("usage events cannot be committed now: {0}")]
pub struct ShipError(pub String);

/// Who commits events: in process, or over the node link.
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Commits a shipment; when this returns, each event is in the ledger exactly once, however often it was shipped.
    ///
    /// # Errors
    /// [`ShipError`] when it is not known that all were committed.
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError>;
}

/// What a node says when its process begins, after what earlier lives settled was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Who, in which life.
    pub holder: Holder,
    /// What people call it: the host's name, or as configured.
    pub name: String,
    /// The release it runs.
    pub version: String,
    /// Changes when the machine was started anew: then the end of the journal may have been lost.
    pub boot: String,
    /// The last place in its journal that this life found; lower than what earlier lives had committed: an older disk image.
    pub journal_found: Sequence,
    /// The last place ever written in it.
    pub journal_end: Sequence,
    /// The node's clock.
    pub now: Timestamp,
    /// It is in contact at least this often. Milliseconds.
    pub contact_every_ms: u32,
}

/// What the control plane answers to a [`Hello`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The control plane's clock.
    pub now: Timestamp,
    /// What earlier lives held and had not spent was freed; `false`: its use is not known, and it stays in suspense.
    pub freed: bool,
}

/// A node was not let in.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// It will not be before somebody mends something.
    #[error("the control plane refuses this node: {0}")]
    Refused(String),
    /// The control plane cannot answer now.
    #[error("the control plane does not answer: {0}")]
    Unreachable(String),
}

/// Where nodes introduce themselves: in process, or over the node link.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Registers a process life, and frees what earlier lives of the node hold and did not spend. Twice is harmless.
    ///
    /// # Errors
    /// [`HelloError`].
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError>;
}

/// What a key has used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyUsage {
    /// Ever.
    pub total: Amount,
    /// Since midnight UTC.
    pub day: Amount,
    /// Since Monday, midnight UTC.
    pub week: Amount,
    /// Since the first of the month, midnight UTC.
    pub month: Amount,
    /// Where each budget the key draws on stands in its current window.
    pub budgets: Vec<(BudgetId, BudgetState)>,
}

/// Whose usage is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUsageRequest {
    /// The key's organization.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The budgets it draws on.
    pub budgets: Vec<BudgetId>,
    /// Up to when, and which windows are current.
    pub now: Timestamp,
}

/// Whose request, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationRequest {
    /// The organization of the key that asks: another's requests are not there.
    pub org: OrgId,
    /// The request.
    pub request: RequestId,
}

/// The control plane did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the control plane cannot answer now: {0}")]
pub struct ReadError(pub String);

/// What an app may ask about itself that only the control plane knows: in process, or over the node link. Never on the
/// inference path.
#[async_trait]
pub trait Reads: Send + Sync {
    /// What a key has used, and where its budgets stand.
    ///
    /// # Errors
    /// [`ReadError`] when there is no answer.
    async fn key_usage(&self, request: KeyUsageRequest) -> Result<KeyUsage, ReadError>;

    /// Every attempt of a request, in order, once all of them are in the ledger; until then, and where there is no such
    /// request, none.
    ///
    /// # Errors
    /// [`ReadError`] when there is no answer.
    async fn generation(&self, request: GenerationRequest) -> Result<Vec<UsageEvent>, ReadError>;
}
