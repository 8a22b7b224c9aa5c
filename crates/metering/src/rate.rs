//! Requests per minute and key, over all nodes: each node takes slices of the limit and admits from them without asking.
//!
//! A state machine without IO or clock. What it promises of a minute (whole minutes since 1970, by each node's clock):
//!
//! * While the source answers, all nodes together admit no more than the limit. What a node does not use up of a slice
//!   is lost, so it may be less: by up to a twentieth of the limit per node.
//! * While the source is away, each node admits its share, limit ÷ nodes rounded up, so that the sum exceeds the limit
//!   by less than one request per node.
//! * In a minute in which the source goes away or loses what it counted, all together admit less than twice the limit
//!   and one request per node more.
//! * Minutes are not sliding: the end of one and the beginning of the next may each see the limit.
//!
//! Invariant: one minute is held, so memory is bounded by the keys used in one.

#[cfg(feature = "conformance")]
pub mod conformance;

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{KeyId, Timestamp};

const MICROS: i64 = 60_000_000;
/// A slice is this part of the limit.
const PART: u32 = 20;

/// Where slices come from: in process, or over Redis.
#[async_trait]
pub trait RateSource: Send + Sync {
    /// How many of `want` requests of `key` may be admitted in `minute` (whole minutes since 1970), so that all slices of
    /// it sum to `limit` at most; 0 when there are none left.
    ///
    /// # Errors
    /// [`RateError`] when nobody answers in time; a slice may be lost then, and is counted as granted.
    async fn slice(&self, key: KeyId, minute: i64, limit: u32, want: u32) -> Result<u32, RateError>;
}

/// Counts how often something was tried, over all processes: logins of one person, say.
#[async_trait]
pub trait SharedCounter: Send + Sync {
    /// Counts one more of `name`, and answers how many there were, this one included, since the first of them, which is
    /// forgotten after `window_s` seconds. `name` is stored as it is: give the hash of what is nobody's business.
    ///
    /// # Errors
    /// [`RateError`] when nobody answers in time; it may have been counted all the same.
    async fn count(&self, name: &str, window_s: u32) -> Result<u64, RateError>;

    /// Forgets `name`.
    ///
    /// # Errors
    /// [`RateError`] when nobody answers in time.
    async fn forget(&self, name: &str) -> Result<(), RateError>;
}

/// What is counted together cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("rates cannot be shared now: {0}")]
pub struct RateError(pub String);

/// What to do with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rated {
    /// Admit it; it is counted.
    Admitted,
    /// Ask the source for `want` more in `minute`, note what it says, and ask again here.
    NeedsSlice {
        /// Whole minutes since 1970.
        minute: i64,
        /// How many to ask for.
        want: u32,
    },
    /// The limit is used up until this moment.
    Refused(Timestamp),
}

/// What this process may still admit in the current minute.
#[derive(Debug, Default)]
pub struct RateBook {
    minute: i64,
    keys: HashMap<KeyId, Slice>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// What it was last asked with.
    limit: u32,
    granted: u32,
    left: u32,
    used_up: bool,
}

impl RateBook {
    /// Counts one request of `key`, which may make `limit` in a minute.
    pub fn take(&mut self, key: KeyId, limit: u32, now: Timestamp) -> Rated {
        self.turn(now.as_micros().div_euclid(MICROS));
        let slice = self.keys.entry(key).or_default();
        if slice.left > 0 {
            slice.left -= 1;
            return Rated::Admitted;
        }
        // A limit that was raised since has more to give.
        slice.used_up &= limit <= slice.limit;
        slice.limit = limit;
        if slice.used_up {
            return Rated::Refused(Timestamp::from_micros(
                self.minute.saturating_add(1).saturating_mul(MICROS),
            ));
        }
        Rated::NeedsSlice { minute: self.minute, want: (limit / PART).max(1) }
    }

    /// Notes what the source granted of `want`.
    pub fn granted(&mut self, key: KeyId, minute: i64, want: u32, granted: u32) {
        if minute == self.minute {
            let slice = self.keys.entry(key).or_default();
            slice.add(granted);
            slice.used_up |= granted < want;
        }
    }

    /// The source is away: adds what the key lacks of this node's share of the limit, and no more in this minute.
    pub fn alone(&mut self, key: KeyId, minute: i64, limit: u32, nodes: u32) {
        if minute == self.minute {
            let slice = self.keys.entry(key).or_default();
            slice.add(limit.div_ceil(nodes.max(1)).saturating_sub(slice.granted));
            slice.used_up = true;
        }
    }

    /// Also back, should the clock have been set back; but a request that read it just before a minute ended counts in
    /// the next.
    fn turn(&mut self, minute: i64) {
        if minute != self.minute && minute.saturating_add(1) != self.minute {
            self.minute = minute;
            self.keys.clear();
        }
    }
}

impl Slice {
    fn add(&mut self, requests: u32) {
        self.granted = self.granted.saturating_add(requests);
        self.left = self.left.saturating_add(requests);
    }
}

#[cfg(test)]
mod tests;
