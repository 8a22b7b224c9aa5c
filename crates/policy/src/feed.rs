//! How policy reaches a node: a fast feed that may lose messages, and a sure source that is asked when it did.
//!
//! Invariant: losing messages is a value ([`PolicyMessage::Lagged`]) that the consumer must handle, not a log line.

use async_trait::async_trait;
use domain::{BudgetId, CredentialId, Holder, OrgId, Timestamp, WindowId};
use futures::stream::BoxStream;

use crate::record::{OrgChange, OrgRecords, PlatformRecords};
use crate::snapshot::Version;

/// What the feed carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyMessage {
    /// One edit of one organization.
    Change(OrgChange),
    /// The platform's objects changed.
    Platform(Box<PlatformRecords>),
    /// Sent each second, so that the loss of the last message is seen.
    Heartbeat(Heartbeat),
    /// Messages were lost; ask the [`PolicySource`].
    Lagged,
}

/// An order-free sum of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// How many organizations there are.
    pub orgs: u64,
    /// The sum of their revisions.
    pub revisions: u64,
    /// The platform's revision.
    pub platform: u64,
}

/// The feed or the source could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("policy cannot be carried: {0}")]
pub struct FeedError(pub String);

/// Follows changes: in process, or over Redis.
#[async_trait]
pub trait PolicyFeed: Send + Sync {
    /// Messages from now on. Ends only when the feed is closed for good.
    ///
    /// # Errors
    /// [`FeedError`] when no subscription could be made.
    async fn follow(&self) -> Result<BoxStream<'static, PolicyMessage>, FeedError>;
}

/// Sends changes: in process, or over Redis.
#[async_trait]
pub trait PolicyPublisher: Send + Sync {
    /// Sends `message` to every follower that is listening; nobody listening is no error.
    ///
    /// # Errors
    /// [`FeedError`] when it could not be sent.
    async fn publish(&self, message: PolicyMessage) -> Result<(), FeedError>;
}

/// The truth, asked at the start and after a gap: in process, or over the node link.
#[async_trait]
pub trait PolicySource: Send + Sync {
    /// The platform's objects.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached.
    async fn platform(&self) -> Result<PlatformRecords, FeedError>;

    /// Every organization with its revision.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached.
    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError>;

    /// What is newer than what is held, of each organization in `wanted`, in their order. Answers at least the first, and
    /// may leave the rest to be asked for again.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached.
    async fn orgs(&self, wanted: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError>;
}

/// An organization, and what a node holds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The organization.
    pub org: OrgId,
    /// What is held of it; `None`: nothing.
    pub held: Option<Version>,
}

/// What there is of an organization, for a node that holds something older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrgUpdate {
    /// There is no such organization (any more).
    Gone(OrgId),
    /// The one change that leads from what is held to what is current.
    Change(OrgChange),
    /// All of it.
    Whole(OrgRecords),
}

/// What became of a revision at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Whose; `None`: the platform's.
    pub org: Option<OrgId>,
    /// Which.
    pub version: Version,
    /// Why it is not enforced (NACK); `None`: it is (ACK).
    pub refused: Option<String>,
}

/// What a node learns when it is in contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What there is now, to be compared with what is held.
    pub heartbeat: Heartbeat,
    /// How many nodes are in contact, this one included; never 0.
    pub nodes: u32,
    /// The control plane's clock.
    pub now: Timestamp,
    /// Budgets, in which windows, that other nodes lack money of: what is free of them goes back.
    pub recalled: Vec<(BudgetId, WindowId)>,
}

/// Where nodes tell what they enforce: in process, or over the node link. Each call is contact, also without any ack.
#[async_trait]
pub trait Acks: Send + Sync {
    /// Notes `acks` of `holder`, and that the usage of everything it admitted before `complete_to` is committed.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached, or does not know this process life: say hello again then.
    async fn ack(
        &self,
        holder: Holder,
        acks: Vec<Ack>,
        complete_to: Option<Timestamp>,
    ) -> Result<Contact, FeedError>;
}

/// Something the control plane wants done from a node, because only nodes reach providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Tells its answer from others'.
    pub id: u64,
    /// Whose credential; `None`: the platform's.
    pub org: Option<OrgId>,
    /// The credential to use; the node opens it.
    pub credential: CredentialId,
}

/// What came of a [`Call`]: a list of models was asked for with the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// Of [`Call::id`].
    pub id: u64,
    /// The provider's status; `None`: there was no answer.
    pub status: Option<u16>,
    /// The models the provider names, at most 1000.
    pub models: Vec<String>,
    /// Why there is no answer, or none that is understood; in a sentence, without content and secrets.
    pub problem: Option<String>,
}

/// Where a node learns what the control plane wants it to ask of providers: in process, or over the node link.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Waits for calls, for some seconds at most; reports what came of earlier ones first.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached.
    async fn next(&self, holder: Holder, done: Vec<CallOutcome>) -> Result<Vec<Call>, FeedError>;
}

/// Knows how far a change has come: in process, or by the acknowledgements of nodes.
#[async_trait]
pub trait Propagation: Send + Sync {
    /// Waits until every node holds `revision` of `org` or a newer one; whether that came to be within the time the
    /// adapter allows. What did not come in time still comes.
    async fn reached(&self, org: OrgId, revision: u64) -> bool;
}
