//! How policy reaches a node: a fast feed that may lose messages, and a sure source that is asked when it did.
//!
//! Invariant: losing messages is a value ([`PolicyMessage::Lagged`]) that the consumer must handle, not a log line.

use async_trait::async_trait;
use domain::OrgId;
use futures::stream::BoxStream;

use crate::record::{OrgChange, OrgRecords, PlatformRecords};

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

    /// One organization's objects; `None` when there is no such organization (any more).
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached.
    async fn org(&self, org: OrgId) -> Result<Option<OrgRecords>, FeedError>;
}

/// Knows how far a change has come: in process, or by the acknowledgements of nodes.
#[async_trait]
pub trait Propagation: Send + Sync {
    /// Waits until every node holds `revision` of `org` or a newer one; whether that came to be within the time the
    /// adapter allows. What did not come in time still comes.
    async fn reached(&self, org: OrgId, revision: u64) -> bool;
}
