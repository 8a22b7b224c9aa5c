//! Usage events from nodes into the ledger.
//!
//! Invariant: when this answers, every event is committed exactly once, however often it was shipped.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Clock;
use metering::ports::{ShipError, Shipment, UsageSink};
use store::{Store, StoreError};

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
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError> {
        let Shipment { holder, upto, events } = &shipment;
        let unknown = |error: StoreError| ShipError(error.to_string());
        self.store.commit_events(events, self.clock.now()).await.map_err(unknown)?;
        // Before the node may drop them: a later life with less than this in its journal runs from an older disk.
        self.store.note_committed(*holder, upto.0).await.map_err(unknown)?;
        self.metrics.committed(shipment.events.len());
        Ok(())
    }
}
