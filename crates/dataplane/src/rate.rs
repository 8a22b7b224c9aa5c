//! How many requests a key may make in a minute, over all nodes.
//!
//! Invariant: a request waits for the source of slices only where this node holds none, and no longer than the source's
//! own patience; with the source away, this node admits its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::{Clock, ErrorCode, KeyId, Timestamp};
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
    pub(crate) async fn admit(&self, key: KeyId, limit: u32, clock: &dyn Clock) -> Result<(), ApiError> {
        loop {
            let now = clock.now();
            let rated = self.book.lock().take(key, limit, now);
            match rated {
                Rated::Admitted => return Ok(()),
                Rated::Refused(resets_at) => return Err(used_up(limit, now, resets_at)),
                Rated::NeedsSlice { minute, want } => match self.source.slice(key, minute, limit, want).await
                {
                    Ok(granted) => {
                        self.outage.over();
                        self.book.lock().granted(key, minute, want, granted);
                    }
                    Err(error) => {
                        self.outage.failed(&error);
                        let peers = self.peers.load(Ordering::Relaxed);
                        self.book.lock().alone(key, minute, limit, peers);
                    }
                },
            }
        }
    }
}

fn used_up(limit: u32, now: Timestamp, resets_at: Timestamp) -> ApiError {
    let message =
        format!("this key may make {limit} requests a minute, and they are used up until {resets_at}");
    let mut error =
        ApiError::new(ErrorCode::RateLimitExceeded, message).with("limit_source", json!("weir")).with(
            "limit",
            json!({ "scope": "key", "requests_per_minute": limit, "resets_at": resets_at.to_string() }),
        );
    let wait_s = resets_at.since_micros(now).max(0).unsigned_abs().div_ceil(1_000_000);
    error.retry_after_s = Some(wait_s.max(1));
    error
}
