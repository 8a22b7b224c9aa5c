//! Keeps the node's policy current: load everything, follow changes, ask the source after every gap.
//!
//! Invariant: losing messages is normal and repaired here; the cell alone decides what is newer; a node that never
//! loaded anything keeps refusing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Clock, OrgId, Timestamp};
use futures::StreamExt;
use parking_lot::Mutex;
use policy::feed::{FeedError, OrgUpdate, PolicyFeed, PolicyMessage, PolicySource, Wanted};
use policy::record::{ObjectRef, OrgChange, OrgObject};
use policy::{Outcome, SnapshotCell, Version};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::lease::Leases;
use crate::outage::Outage;

/// More organizations than this are not asked for in one go.
const AT_ONCE: usize = 100;

/// What following policy needs.
pub struct PolicyTask {
    pub(crate) cell: Arc<SnapshotCell>,
    feed: Arc<dyn PolicyFeed>,
    source: Arc<dyn PolicySource>,
    pub(crate) leases: Arc<Leases>,
    clock: Arc<dyn Clock>,
    pub(crate) contact: Arc<LastContact>,
    pub(crate) changed: watch::Sender<u64>,
    /// Told when something else has shown that something was missed.
    pub(crate) behind: Arc<Notify>,
    outage: Outage,
}

/// The last moment at which a message showed that the node held every revision.
#[derive(Debug)]
pub struct LastContact(AtomicI64);

impl LastContact {
    /// Contact at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    pub(crate) fn made(&self, now: Timestamp) {
        self.0.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    /// Whole seconds since then.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> i64 {
        now.since_micros(Timestamp::from_micros(self.0.load(Ordering::Relaxed))).max(0) / 1_000_000
    }
}

impl PolicyTask {
    /// Keeps `cell` current: `feed` pushes, `source` is asked after every gap, `leases` gives money back when a budget
    /// changes.
    #[must_use]
    pub fn new(
        cell: Arc<SnapshotCell>,
        feed: Arc<dyn PolicyFeed>,
        source: Arc<dyn PolicySource>,
        leases: Arc<Leases>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let contact = Arc::new(LastContact::new(clock.now()));
        let (changed, behind) = (watch::Sender::new(0), Arc::default());
        let outage = Outage::of("the source of policy");
        Self { cell, feed, source, leases, clock, contact, changed, behind, outage }
    }

    /// What is kept current.
    #[must_use]
    pub fn cell(&self) -> Arc<SnapshotCell> {
        Arc::clone(&self.cell)
    }

    /// When policy was last known to be current.
    #[must_use]
    pub fn contact(&self) -> Arc<LastContact> {
        Arc::clone(&self.contact)
    }

    /// Raised after every change.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Loads what is newer than what is held from the source.
    ///
    /// # Errors
    /// [`FeedError`] when the source cannot be asked; what was held before stays.
    pub async fn load(&self) -> Result<(), FeedError> {
        let platform = self.source.platform().await?;
        let index = self.source.index().await?;
        let is_newer = |(org, revision): &(OrgId, u64)| {
            let held = self.held(*org);
            let current = Version { epoch: platform.epoch, revision: *revision };
            (held != Some(current)).then_some(Wanted { org: *org, held })
        };
        let updates = self.ask(index.iter().filter_map(is_newer).collect()).await?;
        let (whole, parts): (Vec<_>, Vec<_>) =
            updates.into_iter().partition(|update| matches!(update, OrgUpdate::Whole(_)));
        let whole: Vec<_> = whole
            .into_iter()
            .filter_map(|update| if let OrgUpdate::Whole(records) = update { Some(records) } else { None })
            .collect();
        let budgets: Vec<_> = whole.iter().flat_map(|org| org.objects.iter().filter_map(budget)).collect();
        self.cell.install(platform, whole);
        // Which of them changed is not known: what is free goes back, and is asked for again as it is needed.
        self.leases.recall(&budgets);
        for update in parts {
            self.take_update(update);
        }
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

    /// Asks until everything that is wanted was answered.
    async fn ask(&self, mut wanted: Vec<Wanted>) -> Result<Vec<OrgUpdate>, FeedError> {
        let mut updates = Vec::with_capacity(wanted.len());
        while !wanted.is_empty() {
            let some = self.source.orgs(wanted.get(..AT_ONCE).unwrap_or(&wanted)).await?;
            if some.is_empty() {
                return Err(FeedError("the source answers nothing to what it was asked".to_owned()));
            }
            wanted.drain(..some.len().min(wanted.len()));
            updates.extend(some);
        }
        Ok(updates)
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
                        self.outage.failed(&error);
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
        self.outage.over();
        pause.reset();
        loop {
            tokio::select! {
                () = self.behind.notified() => self.load().await?,
                message = messages.next() => match message {
                    Some(message) => self.take(message).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn take(&self, message: PolicyMessage) -> Result<(), FeedError> {
        let budgets = match &message {
            PolicyMessage::Change(change) => changed_budgets(change),
            _ => Vec::new(),
        };
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
        for update in self.ask(vec![Wanted { org, held: self.held(org) }]).await? {
            self.take_update(update);
        }
        self.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }

    fn take_update(&self, update: OrgUpdate) {
        let budgets: Vec<_> = match &update {
            OrgUpdate::Whole(records) => records.objects.iter().filter_map(budget).collect(),
            OrgUpdate::Change(change) => changed_budgets(change),
            OrgUpdate::Gone(_) => Vec::new(),
        };
        match update {
            OrgUpdate::Whole(records) => self.cell.apply_org(records),
            // A gap here means that the feed was faster: what it brought is newer.
            OrgUpdate::Change(change) => self.cell.apply_change(change),
            OrgUpdate::Gone(org) => self.cell.remove_org(org),
        };
        self.leases.recall(&budgets);
    }
}

fn budget(object: &OrgObject) -> Option<domain::BudgetId> {
    match object {
        OrgObject::Budget(budget) => Some(budget.id),
        _ => None,
    }
}

fn changed_budgets(change: &OrgChange) -> Vec<domain::BudgetId> {
    let put = change.put.iter().filter_map(budget);
    let removed = change.removed.iter().filter_map(|reference| match reference {
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
