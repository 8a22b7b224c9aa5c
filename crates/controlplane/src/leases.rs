//! Budget money for nodes, from the database in process.
//!
//! Invariant: the store decides in one transaction per request; nothing here keeps a balance.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Amount, Clock, OrgId};
use metering::ports::{LeaseAnswer, LeaseError, LeaseRequest, LeaseSource};
use metering::usage::{Draw, Holder};
use store::{Store, StoreError};

/// A [`LeaseSource`] over the store.
#[derive(Clone)]
pub struct Leases {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Leases {
    /// Grants from `store`.
    #[must_use]
    pub const fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl LeaseSource for Leases {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        self.store.grant(holder, &requests, self.clock.now()).await.map_err(undecided)
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        self.store.give_back(holder, &unspent).await.map_err(undecided)
    }
}

/// A transaction that did not begin, or was refused before its commit, moved nothing; of a commit without an answer
/// nobody knows.
fn undecided(error: StoreError) -> LeaseError {
    match error {
        StoreError::Busy | StoreError::Away(_) => LeaseError::NotDone(error.to_string()),
        other => LeaseError::Unknown(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
