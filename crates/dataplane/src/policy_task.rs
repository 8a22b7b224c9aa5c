//! Keeps the node's policy current: load everything, follow changes, ask the source after every gap.
//!
//! Invariant: losing messages is normal and repaired here; the cell alone decides what is newer; a node that never
//! loaded anything keeps refusing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, OrgId, Timestamp};
use futures::StreamExt;
use parking_lot::Mutex;
use policy::feed::{FeedError, PolicyFeed, PolicyMessage, PolicySource, Propagation};
use policy::record::{ObjectRef, OrgChange, OrgObject};
use policy::{Outcome, SnapshotCell, Version};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::lease::Leases;

/// What following policy needs.
pub struct PolicyTask {
    /// What is kept current.
    pub cell: Arc<SnapshotCell>,
    /// Messages as they come.
    pub feed: Arc<dyn PolicyFeed>,
    /// The truth, after a gap.
    pub source: Arc<dyn PolicySource>,
    /// Gives free budget money back when a budget changes.
    pub leases: Arc<Leases>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When policy was last known to be current.
    pub contact: Arc<Contact>,
    /// Raised after every change: for whoever waits for one, and for writing the last-known-good.
    pub changed: watch::Sender<u64>,
}

/// Tells the control plane of the same process when this node holds a revision.
pub struct Applied {
    /// What is kept current.
    pub cell: Arc<SnapshotCell>,
    /// Of [`PolicyTask::changed`].
    pub changed: watch::Receiver<u64>,
    /// How long to wait at most.
    pub timeout: Duration,
}

#[async_trait]
impl Propagation for Applied {
    async fn reached(&self, org: OrgId, revision: u64) -> bool {
        let mut changed = self.changed.clone();
        let holds = || {
            self.cell
                .load()
                .is_some_and(|held| held.org(org).is_some_and(|o| o.version().revision >= revision))
        };
        let waiting = async {
            // Marked as seen before it is looked at: a change in between wakes at once.
            loop {
                changed.mark_unchanged();
                if holds() || changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(self.timeout, waiting).await.is_ok() && holds()
    }
}

/// The last moment at which a message showed that the node held every revision.
#[derive(Debug)]
pub struct Contact(AtomicI64);

impl Contact {
    /// Contact at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    fn made(&self, now: Timestamp) {
        self.0.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    /// Whole seconds since then.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> i64 {
        now.since_micros(Timestamp::from_micros(self.0.load(Ordering::Relaxed))).max(0) / 1_000_000
    }
}

impl PolicyTask {
    /// Loads everything from the source.
    ///
    /// # Errors
    /// [`FeedError`] when the source cannot be asked; what was held before stays.
    pub async fn load(&self) -> Result<(), FeedError> {
        let platform = self.source.platform().await?;
        let index = self.source.index().await?;
        let mut orgs = Vec::with_capacity(index.len());
        for (org, revision) in &index {
            let current = Version { epoch: platform.epoch, revision: *revision };
            if self.held(*org) == Some(current) {
                continue;
            }
            orgs.extend(self.source.org(*org).await?);
        }
        let budgets: Vec<_> = orgs.iter().flat_map(|org| org.objects.iter().filter_map(budget)).collect();
        self.cell.install(platform, orgs);
        // Which of them changed is not known: what is free goes back, and is asked for again as it is needed.
        self.leases.recall(&budgets);
        let held: Vec<OrgId> =
            self.cell.load().map(|s| s.orgs().map(|org| org.id()).collect()).unwrap_or_default();
        for gone in held.into_iter().filter(|org| !index.iter().any(|(known, _)| known == org)) {
            // It may have been made since the index was read.
            self.reload(gone).await?;
        }
        self.contact.made(self.clock.now());
        self.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }

    fn held(&self, org: OrgId) -> Option<Version> {
        self.cell.load().and_then(|snapshot| snapshot.org(org).map(|org| org.version()))
    }

    /// Follows the feed until `stop`; asks the source again whenever something was missed.
    pub async fn run(self, stop: CancellationToken) {
        let pause = Pause(Mutex::new(Duration::from_millis(50)));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&pause) => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, "policy is not being followed; trying again");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }

    /// One subscription: subscribe first, then load, so that nothing falls between the two.
    async fn follow(&self, pause: &Pause) -> Result<(), FeedError> {
        let mut messages = self.feed.follow().await?;
        self.load().await?;
        pause.reset();
        while let Some(message) = messages.next().await {
            self.take(message).await?;
        }
        Ok(())
    }

    async fn take(&self, message: PolicyMessage) -> Result<(), FeedError> {
        let budgets = changed_budgets(&message);
        match self.cell.apply(message) {
            Outcome::Applied => {
                self.leases.recall(&budgets);
                self.changed.send_modify(|changes| *changes += 1);
            }
            Outcome::Stale => {}
            Outcome::InStep => self.contact.made(self.clock.now()),
            Outcome::Gap(org) => self.reload(org).await?,
            Outcome::Behind | Outcome::NotLoaded => self.load().await?,
        }
        Ok(())
    }

    async fn reload(&self, org: OrgId) -> Result<(), FeedError> {
        match self.source.org(org).await? {
            Some(records) => {
                let budgets: Vec<_> = records.objects.iter().filter_map(budget).collect();
                let outcome = self.cell.apply_org(records);
                self.leases.recall(&budgets);
                outcome
            }
            None => self.cell.remove_org(org),
        };
        self.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }
}

fn budget(object: &OrgObject) -> Option<domain::BudgetId> {
    match object {
        OrgObject::Budget(budget) => Some(budget.id),
        _ => None,
    }
}

fn changed_budgets(message: &PolicyMessage) -> Vec<domain::BudgetId> {
    let PolicyMessage::Change(OrgChange { put, removed, .. }) = message else { return Vec::new() };
    let put = put.iter().filter_map(budget);
    let removed = removed.iter().filter_map(|reference| match reference {
        ObjectRef::Budget(budget) => Some(*budget),
        _ => None,
    });
    put.chain(removed).collect()
}

/// Waits longer after each failure, up to 5 s.
struct Pause(Mutex<Duration>);

impl Pause {
    fn next(&self) -> Duration {
        let mut pause = self.0.lock();
        let now = *pause;
        *pause = (now * 2).min(Duration::from_secs(5));
        now
    }

    fn reset(&self) {
        *self.0.lock() = Duration::from_millis(50);
    }
}
