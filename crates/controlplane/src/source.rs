//! The truth about policy, answered from the database in process.
//!
//! Invariant: reads only; what a node gets here is at least as new as what was published before it asked.

use async_trait::async_trait;
use domain::OrgId;
use policy::feed::{FeedError, OrgUpdate, PolicySource, Wanted};
use policy::record::PlatformRecords;
use store::{Store, StoreError};

/// More organizations than this are not answered in one go.
const AT_ONCE: usize = 100;

/// A [`PolicySource`] over the store.
#[derive(Clone)]
pub struct Source(Store);

impl Source {
    /// Answers from `store`.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }
}

#[async_trait]
impl PolicySource for Source {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        self.0.platform().await.map_err(unreadable)
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        self.0.index().await.map_err(unreadable)
    }

    async fn orgs(&self, wanted: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        let epoch = self.0.platform_version().await.map_err(unreadable)?.epoch;
        let mut updates = Vec::with_capacity(wanted.len().min(AT_ONCE));
        for wanted in wanted.iter().take(AT_ONCE) {
            updates.push(self.update(*wanted, epoch).await.map_err(unreadable)?);
        }
        Ok(updates)
    }
}

impl Source {
    /// The change since what is held where that can be told, else all of it.
    async fn update(&self, wanted: Wanted, epoch: u64) -> Result<OrgUpdate, StoreError> {
        if let Some(held) = wanted.held.filter(|held| held.epoch == epoch)
            && let Some(change) = self.0.load_change(wanted.org, held.revision).await?
        {
            return Ok(OrgUpdate::Change(change));
        }
        let whole = self.0.load_records(wanted.org).await?;
        Ok(whole.map_or(OrgUpdate::Gone(wanted.org), OrgUpdate::Whole))
    }
}

fn unreadable(error: StoreError) -> FeedError {
    FeedError(error.to_string())
}
