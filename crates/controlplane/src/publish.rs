//! Publishes what was committed: each dirty organization's change, the platform, and a heartbeat each second.
//!
//! Invariant: the commit is the outbox. A change is marked published only after it was sent, so that a crash in between
//! sends it again, which nodes drop as not newer. A lost message is seen by the heartbeat and repaired by the source.
//! Several control planes may publish the same at once, in any order: the mark only rises, nodes drop what is not newer,
//! and one that is shown an older heartbeat than what it holds only asks the source.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use policy::feed::{FeedError, PolicyMessage, PolicyPublisher};
use store::{DirtyOrg, Store, StoreError};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::standing::NodeState;

/// A crash between commit and notice loses nothing: what is dirty is looked for this often.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Why something was not published. It stays dirty and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The database did not answer.
    #[error("what to publish cannot be read")]
    Store(#[from] StoreError),
    /// The message could not be sent.
    #[error("a change cannot be sent")]
    Feed(#[from] FeedError),
}

/// Publishes committed changes.
pub struct Publisher {
    store: Store,
    feed: Arc<dyn PolicyPublisher>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// Since when something could not be published.
    behind_since: Option<Timestamp>,
}

impl Publisher {
    /// Reads from `store`, sends to `feed`.
    #[must_use]
    pub fn new(
        store: Store,
        feed: Arc<dyn PolicyPublisher>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        Self { store, feed, clock, metrics, behind_since: None }
    }

    /// Publishes everything that is committed and not yet published.
    ///
    /// # Errors
    /// [`PublishError`]; what was not published stays dirty.
    pub async fn publish_dirty(&mut self) -> Result<(), PublishError> {
        let outcome = self.publish_all().await;
        let now = self.clock.now();
        self.behind_since = outcome.is_err().then(|| self.behind_since.unwrap_or(now));
        self.metrics.publish_lag(self.behind_since.map_or(0, |since| now.since_micros(since)));
        outcome
    }

    /// Sends what nodes compare with what they hold.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn heartbeat(&self) -> Result<(), PublishError> {
        let heartbeat = self.store.heartbeat().await?;
        Ok(self.feed.publish(PolicyMessage::Heartbeat(heartbeat)).await?)
    }

    /// Counts the nodes for operators.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn count_nodes(&self) -> Result<(), PublishError> {
        let (nodes, now) = (self.store.nodes().await?, self.clock.now());
        for state in NodeState::ALL {
            let count = nodes.iter().filter(|node| NodeState::of(node, now) == state).count();
            self.metrics.nodes(state.name(), count);
        }
        Ok(())
    }

    async fn publish_all(&self) -> Result<(), PublishError> {
        let version = self.store.platform_version().await?;
        if version.revision > version.published {
            let platform = self.store.platform().await?;
            let revision = platform.revision;
            self.feed.publish(PolicyMessage::Platform(Box::new(platform))).await?;
            self.store.mark_platform_published(revision).await?;
        }
        // One organization that cannot be published holds up no other.
        let mut outcome = Ok(());
        for dirty in self.store.dirty_orgs().await? {
            outcome = outcome.and(self.publish_org(&dirty).await);
        }
        outcome
    }

    async fn publish_org(&self, dirty: &DirtyOrg) -> Result<(), PublishError> {
        // Without the tail since what was published, nodes have a gap in any case: they ask the source.
        let Some(change) = self.store.load_change(dirty.org, dirty.published).await? else {
            self.feed.publish(PolicyMessage::Lagged).await?;
            return Ok(self.store.mark_published(dirty.org, dirty.revision).await?);
        };
        let revision = change.revision;
        self.feed.publish(PolicyMessage::Change(change)).await?;
        tracing::debug!(org.id = %dirty.org, revision, "policy published");
        Ok(self.store.mark_published(dirty.org, revision).await?)
    }
}

/// Publishes after every notice on `committed`, every two seconds in any case, and a heartbeat each second, until
/// `shutdown`.
pub async fn run(mut publisher: Publisher, committed: Arc<Notify>, shutdown: CancellationToken) {
    let (mut look, mut beat) = (interval(LOOK_AGAIN), interval(HEARTBEAT));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_behind = false;
    loop {
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            () = committed.notified() => publisher.publish_dirty().await,
            _ = look.tick() => publisher.publish_dirty().await,
            _ = beat.tick() => publisher.heartbeat().await.and(publisher.count_nodes().await),
        };
        match outcome {
            Ok(()) if std::mem::take(&mut is_behind) => tracing::info!("policy is published again"),
            Ok(()) => {}
            Err(error) if !std::mem::replace(&mut is_behind, true) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "policy is not published; trying on, and nodes ask meanwhile"
            ),
            Err(_) => {}
        }
    }
}
