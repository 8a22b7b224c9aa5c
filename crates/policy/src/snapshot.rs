//! All policy a node knows, immutable: the platform, the organizations by id, the keys by hash.
//!
//! Invariant: an older (epoch, revision) never replaces a newer one, and a removed organization leaves its version
//! behind so that nothing older brings it back. One change copies one organization and the shards its keys are in.

use std::collections::HashMap;
use std::sync::Arc;

use domain::OrgId;

use crate::compile::OrgPolicy;
use crate::feed::Heartbeat;
use crate::index::KeyIndex;
use crate::objects::Objects;
use crate::platform::CompiledPlatform;
use crate::record::{ObjectRef, OrgChange, OrgRecords, PlatformRecords};

/// How new a set of objects is: a newer epoch always wins, within an epoch the larger revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// Rises with every change.
    pub revision: u64,
}

/// Why what arrived was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// What is held is as new or newer.
    #[error("what is held is as new or newer")]
    Stale,
    /// A change does not start from what is held: ask the source for the whole organization.
    #[error("a change of {0} does not start from the revision that is held")]
    Gap(OrgId),
}

/// The policy of one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PolicySnapshot {
    platform: Arc<CompiledPlatform>,
    orgs: HashMap<OrgId, Arc<OrgPolicy>>,
    removed: Arc<HashMap<OrgId, Version>>,
    keys: KeyIndex,
}

impl PolicySnapshot {
    /// The first snapshot of a node: the platform and every organization. Of two records of one organization the newer
    /// counts.
    #[must_use]
    pub fn build(platform: PlatformRecords, orgs: impl IntoIterator<Item = OrgRecords>) -> Self {
        let mut snapshot = Self {
            platform: Arc::new(CompiledPlatform::compile(platform)),
            orgs: HashMap::new(),
            removed: Arc::default(),
            keys: KeyIndex::default(),
        };
        for records in orgs {
            // Stale here means that the newer record came first.
            let _ = snapshot.replace_org(records);
        }
        snapshot
    }

    /// The platform's part.
    #[must_use]
    pub fn platform(&self) -> &Arc<CompiledPlatform> {
        &self.platform
    }

    /// One organization's part.
    #[must_use]
    pub fn org(&self, org: OrgId) -> Option<&OrgPolicy> {
        self.orgs.get(&org).map(Arc::as_ref)
    }

    /// Every organization, in no particular order.
    pub fn orgs(&self) -> impl Iterator<Item = &OrgPolicy> {
        self.orgs.values().map(Arc::as_ref)
    }

    pub(crate) fn shared_org(&self, org: OrgId) -> Option<&Arc<OrgPolicy>> {
        self.orgs.get(&org)
    }

    pub(crate) fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    /// The snapshot with all of one organization replaced.
    ///
    /// # Errors
    /// [`NotApplied::Stale`] when what is held is as new or newer.
    pub fn apply_org(&self, records: OrgRecords) -> Result<Self, NotApplied> {
        let mut next = self.clone();
        next.replace_org(records)?;
        Ok(next)
    }

    /// The snapshot with one edit of one organization. A change from revision 0 makes a new organization; one that
    /// removes the organization's own object removes it.
    ///
    /// # Errors
    /// [`NotApplied::Stale`] when what is held is as new or newer, [`NotApplied::Gap`] when the change starts from
    /// another revision than the one held, or belongs to a newer epoch.
    pub fn apply_change(&self, change: OrgChange) -> Result<Self, NotApplied> {
        let version = Version { epoch: change.epoch, revision: change.revision };
        let held = self.version_of(change.org);
        if held.is_some_and(|held| held >= version) {
            return Err(NotApplied::Stale);
        }
        let starts_here = match self.orgs.get(&change.org) {
            Some(org) => org.version() == Version { epoch: change.epoch, revision: change.previous },
            None => change.previous == 0 && held.is_none(),
        };
        if !starts_here {
            return Err(NotApplied::Gap(change.org));
        }
        let mut next = self.clone();
        if change.removed.contains(&ObjectRef::Org(change.org)) {
            next.forget(change.org, version);
            return Ok(next);
        }
        let mut objects =
            self.orgs.get(&change.org).map_or_else(Objects::default, |org| org.objects().clone());
        for reference in change.removed {
            objects.remove(reference);
        }
        for object in change.put {
            objects.put(object);
        }
        next.insert(OrgPolicy::compile(change.org, version, objects));
        Ok(next)
    }

    /// The snapshot with all of the platform replaced.
    ///
    /// # Errors
    /// [`NotApplied::Stale`] when what is held is as new or newer.
    pub fn apply_platform(&self, records: PlatformRecords) -> Result<Self, NotApplied> {
        if self.platform.version() >= (Version { epoch: records.epoch, revision: records.revision }) {
            return Err(NotApplied::Stale);
        }
        Ok(Self { platform: Arc::new(CompiledPlatform::compile(records)), ..self.clone() })
    }

    /// The snapshot without `org`, which was removed at `version`; nothing as old as that brings it back.
    ///
    /// # Errors
    /// [`NotApplied::Stale`] when what is held is newer.
    pub fn remove_org(&self, org: OrgId, version: Version) -> Result<Self, NotApplied> {
        if self.version_of(org).is_some_and(|held| held > version) {
            return Err(NotApplied::Stale);
        }
        let mut next = self.clone();
        next.forget(org, version);
        Ok(next)
    }

    /// What a heartbeat must say if nothing was missed. Where epochs are mixed, the oldest: nobody sends that any more.
    #[must_use]
    pub fn heartbeat(&self) -> Heartbeat {
        let platform = self.platform.version();
        let versions = || self.orgs.values().map(|org| org.version());
        Heartbeat {
            epoch: versions().map(|version| version.epoch).fold(platform.epoch, u64::min),
            orgs: u64::try_from(self.orgs.len()).unwrap_or(u64::MAX),
            revisions: versions().fold(0, |sum, version| sum.wrapping_add(version.revision)),
            platform: platform.revision,
        }
    }

    pub(crate) fn version_of(&self, org: OrgId) -> Option<Version> {
        let held = self.orgs.get(&org).map(|org| org.version());
        held.or_else(|| self.removed.get(&org).copied())
    }

    fn replace_org(&mut self, records: OrgRecords) -> Result<(), NotApplied> {
        let version = Version { epoch: records.epoch, revision: records.revision };
        if self.version_of(records.org).is_some_and(|held| held >= version) {
            return Err(NotApplied::Stale);
        }
        let mut objects = Objects::default();
        for object in records.objects {
            objects.put(object);
        }
        self.insert(OrgPolicy::compile(records.org, version, objects));
        Ok(())
    }

    fn insert(&mut self, org: OrgPolicy) {
        let id = org.id();
        if self.removed.contains_key(&id) {
            Arc::make_mut(&mut self.removed).remove(&id);
        }
        let before = self.orgs.get(&id).map(Arc::as_ref);
        self.keys.replace(id, before, Some(&org));
        self.orgs.insert(id, Arc::new(org));
    }

    fn forget(&mut self, org: OrgId, version: Version) {
        let before = self.orgs.remove(&org);
        self.keys.replace(org, before.as_deref(), None);
        Arc::make_mut(&mut self.removed).insert(org, version);
    }
}

#[cfg(test)]
mod tests;
