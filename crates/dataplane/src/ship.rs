//! Ships settled usage events from the journal to whoever commits them.
//!
//! Invariant: an event leaves the journal only after its commit came back; a failure ships it again, and the receiver
//! drops what it has.

use std::sync::Arc;
use std::time::Duration;

use domain::Holder;
use metering::ports::{Journal, JournalError, ShipError, Shipment, UsageSink};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::outage::Outage;
use crate::outstanding::{Outstanding, place};
use crate::telemetry::Metrics;

const BATCH: usize = 500;
/// What settles within this time is shipped together: each shipment costs a call, a commit and a note on the disk.
const GATHER: Duration = Duration::from_millis(50);

/// What shipping needs.
pub struct Shipper {
    /// Whose journal it is.
    pub holder: Holder,
    /// Where events wait.
    pub journal: Arc<dyn Journal>,
    /// Who commits them.
    pub sink: Arc<dyn UsageSink>,
    /// Told what is committed.
    pub outstanding: Arc<Outstanding>,
    /// Told when there is something to ship.
    pub settled: Arc<Notify>,
    /// Shows how many wait.
    pub metrics: Metrics,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Ship(#[from] ShipError),
    #[error("the process is ending: {0}")]
    Ending(#[from] tokio::task::JoinError),
}

impl Shipper {
    /// Ships until `stop`, then once more what is left.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let outage = Outage::of("somebody who commits usage; events wait in the journal");
        let mut failures = 0;
        loop {
            let outcome = self.ship_all().await;
            match &outcome {
                Ok(()) => outage.over(),
                Err(error) => outage.failed(error),
            }
            if stop.is_cancelled() {
                return;
            }
            failures = if outcome.is_ok() { 0 } else { failures + 1 };
            let pause = Duration::from_millis(100 << failures.min(6));
            tokio::select! {
                () = stop.cancelled() => {}
                // After a failure new events are no reason to try sooner.
                () = self.settled.notified(), if failures == 0 => gather(&stop).await,
                () = tokio::time::sleep(pause.max(Duration::from_millis(500))) => {}
            }
        }
    }

    async fn ship_all(&self) -> Result<(), Failure> {
        loop {
            let journal = Arc::clone(&self.journal);
            // Reading goes to the disk.
            let waiting = tokio::task::spawn_blocking(move || journal.unshipped(BATCH)).await??;
            self.metrics.unshipped.set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
            let Some((watermark, _)) = waiting.last() else { return Ok(()) };
            let watermark = *watermark;
            let events: Vec<_> = waiting.into_iter().map(|(_, event)| event).collect();
            let places = events.iter().map(|event| place(event)).collect();
            self.sink.commit(Shipment { holder: self.holder, upto: watermark, events }).await?;
            let journal = Arc::clone(&self.journal);
            // Noting the watermark waits for the disk.
            tokio::task::spawn_blocking(move || journal.committed(watermark)).await??;
            self.outstanding.committed(places);
        }
    }

    /// Ships everything that waits, or fails: for the start, before old leases are freed.
    ///
    /// # Errors
    /// When the journal cannot be read or the receiver does not commit.
    pub async fn drain(&self) -> Result<(), String> {
        self.ship_all().await.map_err(|error| error.to_string())
    }
}

async fn gather(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(GATHER) => {}
    }
}
