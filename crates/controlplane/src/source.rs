//! The truth about policy, answered from the database in process.
//!
//! Invariant: reads only; what a node gets here is at least as new as what was published before it asked.

use async_trait::async_trait;
use domain::OrgId;
use policy::feed::{FeedError, PolicySource};
use policy::record::{OrgRecords, PlatformRecords};
use store::{Store, StoreError};

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

    async fn org(&self, org: OrgId) -> Result<Option<OrgRecords>, FeedError> {
        self.0.load_records(org).await.map_err(unreadable)
    }
}

fn unreadable(error: StoreError) -> FeedError {
    FeedError(error.to_string())
}
