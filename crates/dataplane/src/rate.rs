//! How many requests a key may make in a minute, over all nodes.
//!
//! Invariant: a request waits for the source of slices only where this node holds none, and no longer than the source's
//! own patience; with the source away, this node admits its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::key::Key;
use domain::{Clock, ErrorCode, Timestamp};
use metering::rate::{RateBook, RateSource, Rated};
use parking_lot::Mutex;
use serde_json::json;

use crate::http::error::ApiError;
use crate::outage::Outage;

/// The rates of this process.
pub struct Rates {
    book: Mutex<RateBook>,
    source: Arc<dyn RateSource>,
    /// How many nodes share what is shared.
    peers: Arc<AtomicU32>,
    outage: Outage,
}

impl Rates {
    /// Slices come from `source`; without it this node admits a `peers`th of each limit.
    #[must_use]
    pub fn new(source: Arc<dyn RateSource>, peers: Arc<AtomicU32>) -> Self {
        let outage = Outage::of("what shares rates among nodes; each admits its share");
        Self { book: Mutex::default(), source, peers, outage }
    }

    /// Counts one request of `key`, which may make `limit` in a minute.
    pub(crate) async fn admit(&self, key: &Key, limit: u32, clock: &dyn Clock) -> Result<(), ApiError> {
        let id = key.id;
        loop {
            let now = clock.now();
            let rated = self.book.lock().take(id, limit, now);
            match rated {
                Rated::Admitted => return Ok(()),
                Rated::Refused(resets_at) => return Err(used_up(key, limit, now, resets_at)),
                Rated::NeedsSlice { minute, want } => {
                    match self.source.slice(id, minute, limit, want).await {
                        Ok(granted) => {
                            self.outage.over();
                            self.book.lock().granted(id, minute, want, granted);
                        }
                        Err(error) => {
                            self.outage.failed(&error);
                            let peers = self.peers.load(Ordering::Relaxed);
                            self.book.lock().alone(id, minute, limit, peers);
                        }
                    }
                }
            }
        }
    }
}

fn used_up(key: &Key, limit: u32, now: Timestamp, resets_at: Timestamp) -> ApiError {
    let message =
        format!("this key may make {limit} requests a minute, and they are used up until {resets_at}");
    let mut error =
        ApiError::new(ErrorCode::RateLimitExceeded, message).with("limit_source", json!("weir")).with(
            "limit",
            json!({
                "scope": "key",
                "name": key.name,
                "unit": "requests",
                "limit": limit,
                "spent": limit,
                // A request counts as it is admitted.
                "reserved": 0,
                "requests_per_minute": limit,
                "resets_at": resets_at.to_string(),
                "time_zone": "UTC",
            }),
        );
    let wait_s = resets_at.since_micros(now).max(0).unsigned_abs().div_ceil(1_000_000);
    error.retry_after_s = Some(wait_s.max(1));
    error
}
