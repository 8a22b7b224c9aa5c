//! Usage events from nodes into the ledger.
//!
//! Invariant: when this answers, every event is committed exactly once, however often it was shipped.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Clock;
use metering::ports::{ShipError, UsageSink};
use metering::usage::UsageEvent;
use store::Store;

use crate::metrics::Metrics;

/// A [`UsageSink`] over the store.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Ingest {
    /// Commits to `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { store, clock, metrics }
    }
}

#[async_trait]
impl UsageSink for Ingest {
    async fn commit(&self, events: Vec<UsageEvent>) -> Result<(), ShipError> {
        let committed = self.store.commit_events(&events, self.clock.now()).await;
        committed.map_err(|error| ShipError(error.to_string()))?;
        self.metrics.committed(events.len());
        Ok(())
    }
}
