//! Gives back to budgets what nobody claimed for long enough, and keeps the ledger's partitions a month ahead.
//!
//! Invariant: nothing is released before its time; the database decides what is due and books it once.

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use store::Store;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Releases, every ten minutes until `stop`, the suspense that is older than `after`, and makes partitions. Several control planes at once are
/// harmless.
pub async fn release_suspense(
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    after: Duration,
    stop: CancellationToken,
) {
    let mut look = interval(LOOK_AGAIN);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
        }
        let now = clock.now();
        if let Err(error) = store.prepare_partitions(now).await {
            tracing::warn!(%error, "partitions of the ledger were not made; trying again");
        }
        let older_than = now.plus_micros(-i64::try_from(after.as_micros()).unwrap_or(i64::MAX));
        match store.release_suspense(older_than, now).await {
            Ok(0) => {}
            Ok(released) => {
                metrics.suspense_released(released);
                tracing::info!(released, %older_than, "suspense was given back to budgets");
            }
            Err(error) => tracing::warn!(%error, "suspense was not given back; trying again"),
        }
    }
}
