//! Which key a presented text belongs to: hashes in 256 shards, so that one change copies only a few of them.
//!
//! Invariant: a hash leads to the key that had it first; another organization cannot take it over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::key::{Key, KeyHash};
use domain::{KeyId, OrgId};

use crate::compile::OrgPolicy;

const SHARDS: usize = 256;

type Shard = HashMap<KeyHash, (OrgId, KeyId)>;

/// Key hashes, present and rotated ones.
#[derive(Debug, Clone)]
pub(crate) struct KeyIndex {
    // As many as a byte has values.
    shards: Vec<Arc<Shard>>,
}

impl Default for KeyIndex {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Arc::default()).collect() }
    }
}

impl KeyIndex {
    pub(crate) fn get(&self, hash: &KeyHash) -> Option<(OrgId, KeyId)> {
        self.shards.get(shard(hash)).and_then(|shard| shard.get(hash)).copied()
    }

    /// Takes the keys of `before` out and those of `after` in; keys that are the same in both are not touched.
    pub(crate) fn replace(&mut self, org: OrgId, before: Option<&OrgPolicy>, after: Option<&OrgPolicy>) {
        let unchanged = |key: &Arc<Key>, other: Option<&OrgPolicy>| {
            let same = other.and_then(|org| org.key(key.id));
            same.is_some_and(|same| Arc::ptr_eq(&same.key, key))
        };
        for key in before.into_iter().flat_map(OrgPolicy::keys).filter(|key| !unchanged(key, after)) {
            for hash in hashes(key) {
                self.remove(&hash, (org, key.id));
            }
        }
        for key in after.into_iter().flat_map(OrgPolicy::keys).filter(|key| !unchanged(key, before)) {
            for hash in hashes(key) {
                self.insert(hash, (org, key.id));
            }
        }
    }

    /// Whether no shard was copied.
    #[cfg(test)]
    pub(crate) fn shares_all_with(&self, other: &Self) -> bool {
        self.shards.iter().zip(&other.shards).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    fn remove(&mut self, hash: &KeyHash, owner: (OrgId, KeyId)) {
        if self.get(hash) != Some(owner) {
            return;
        }
        if let Some(shard) = self.shards.get_mut(shard(hash)) {
            Arc::make_mut(shard).remove(hash);
        }
    }

    fn insert(&mut self, hash: KeyHash, owner: (OrgId, KeyId)) {
        let Some(shard) = self.shards.get_mut(shard(&hash)) else { return };
        if let Entry::Vacant(place) = Arc::make_mut(shard).entry(hash) {
            place.insert(owner);
        }
    }
}

fn hashes(key: &Key) -> impl Iterator<Item = KeyHash> {
    std::iter::once(key.hash).chain(key.previous.map(|(hash, _)| hash))
}

fn shard(hash: &KeyHash) -> usize {
    let [first, ..] = hash.0;
    usize::from(first)
}
