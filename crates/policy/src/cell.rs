//! Where a node keeps its current snapshot: read without a lock, replaced by one writer at a time.
//!
//! Invariant: whatever order messages arrive in, an older (epoch, revision) never replaces a newer one, and a cell that
//! was never loaded holds nothing, which refuses.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use domain::OrgId;
use parking_lot::Mutex;

use crate::feed::PolicyMessage;
use crate::record::{OrgChange, OrgRecords, PlatformRecords};
use crate::snapshot::{NotApplied, PolicySnapshot, Version};

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The snapshot has it now.
    Applied,
    /// It was as old as what is held, or older.
    Stale,
    /// A change of this organization was missed: ask the source for the organization.
    Gap(OrgId),
    /// A heartbeat agrees with what is held.
    InStep,
    /// Something was missed, nobody knows what: compare with the source's index.
    Behind,
    /// Nothing was ever loaded: load everything from the source first.
    NotLoaded,
}

/// Holds the current snapshot.
#[derive(Debug, Default)]
pub struct SnapshotCell {
    current: ArcSwapOption<PolicySnapshot>,
    writer: Mutex<()>,
}

impl SnapshotCell {
    /// A cell that was never loaded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The current snapshot; `None` until something was loaded, and then whoever asks must refuse.
    #[must_use]
    pub fn load(&self) -> Option<Arc<PolicySnapshot>> {
        self.current.load_full()
    }

    /// Takes over what was loaded from the source: each part that is newer than what is held. Removes nothing: for what
    /// the source does not have any more, see [`Self::remove_org`].
    pub fn install(&self, platform: PlatformRecords, orgs: Vec<OrgRecords>) {
        let _writer = self.writer.lock();
        let snapshot = match self.current.load_full() {
            None => PolicySnapshot::build(platform, orgs),
            Some(held) => merge(&held, platform, orgs),
        };
        self.current.store(Some(Arc::new(snapshot)));
    }

    /// Takes over a message of the feed.
    pub fn apply(&self, message: PolicyMessage) -> Outcome {
        match message {
            PolicyMessage::Change(change) => self.apply_change(change),
            PolicyMessage::Platform(records) => self.apply_platform(*records),
            PolicyMessage::Lagged => self.load().map_or(Outcome::NotLoaded, |_| Outcome::Behind),
            PolicyMessage::Heartbeat(heartbeat) => match self.load() {
                None => Outcome::NotLoaded,
                Some(held) if held.heartbeat() == heartbeat => Outcome::InStep,
                Some(_) => Outcome::Behind,
            },
        }
    }

    /// Takes over one edit.
    pub fn apply_change(&self, change: OrgChange) -> Outcome {
        self.update(|held| held.apply_change(change))
    }

    /// Takes over all of one organization, as the source answered it.
    pub fn apply_org(&self, records: OrgRecords) -> Outcome {
        self.update(|held| held.apply_org(records))
    }

    /// Takes over all of the platform.
    pub fn apply_platform(&self, records: PlatformRecords) -> Outcome {
        self.update(|held| held.apply_platform(records))
    }

    /// Removes an organization that the source does not have any more.
    pub fn remove_org(&self, org: OrgId) -> Outcome {
        self.update(|held| {
            let version = held.version_of(org).unwrap_or(Version { epoch: 0, revision: 0 });
            held.remove_org(org, version)
        })
    }

    fn update(&self, change: impl FnOnce(&PolicySnapshot) -> Result<PolicySnapshot, NotApplied>) -> Outcome {
        let _writer = self.writer.lock();
        let Some(held) = self.current.load_full() else { return Outcome::NotLoaded };
        match change(&held) {
            Ok(next) => {
                self.current.store(Some(Arc::new(next)));
                Outcome::Applied
            }
            Err(NotApplied::Stale) => Outcome::Stale,
            Err(NotApplied::Gap(org)) => Outcome::Gap(org),
        }
    }
}

fn merge(held: &PolicySnapshot, platform: PlatformRecords, orgs: Vec<OrgRecords>) -> PolicySnapshot {
    let mut snapshot = held.apply_platform(platform).unwrap_or_else(|_| held.clone());
    for records in orgs {
        // Stale: the feed was faster than the source, and what it brought stays.
        if let Ok(next) = snapshot.apply_org(records) {
            snapshot = next;
        }
    }
    snapshot
}

#[cfg(test)]
mod tests;
