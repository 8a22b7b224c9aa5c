//! Requests and tokens per minute, over all nodes: each node takes slices of a limit and admits from them without asking.
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
//! * A request counts as it is admitted. Tokens count as they are known, when an attempt is settled, and in that minute: a
//!   request is admitted while one token is left, so a minute may see more by what requests in flight use.
//!
//! Invariant: one minute is held, so memory is bounded by the subjects used in one.

#[cfg(feature = "conformance")]
pub mod conformance;

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use domain::{KeyId, OrgId, PolicyId, Timestamp};

const MICROS: i64 = 60_000_000;
/// A slice is this part of the limit.
const PART: u32 = 20;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateSubject {
    /// The requests of one key, under the limit of its own.
    Key(KeyId),
    /// What an organization does under one rate of a policy.
    Policy {
        /// Whose: a platform's policy counts each organization by itself.
        org: OrgId,
        /// Which policy.
        policy: PolicyId,
        /// Which of its rates, from 0. A policy whose rates were put into another order counts anew, or mixes them, for
        /// one minute.
        place: u8,
    },
}

impl fmt::Display for RateSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Policy { org, policy, place } => write!(f, "{org}:{policy}:{place}"),
        }
    }
}

/// Where slices come from: in process, or over Redis.
#[async_trait]
pub trait RateSource: Send + Sync {
    /// How many of `want` requests, or tokens, of `subject` may be admitted in `minute` (whole minutes since 1970), so that
    /// all slices of it sum to `limit` at most; 0 when there are none left.
    ///
    /// # Errors
    /// [`RateError`] when nobody answers in time; a slice may be lost then, and is counted as granted.
    async fn slice(&self, subject: RateSubject, minute: i64, limit: u32, want: u32)
    -> Result<u32, RateError>;
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
    subjects: HashMap<RateSubject, Slice>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// What it was last asked with.
    limit: u32,
    granted: u32,
    /// Less than nothing where tokens were used that no slice covered.
    left: i64,
    used_up: bool,
}

impl RateBook {
    /// Admits a request where `subject`, which may have `limit` in a minute, has any left, and counts `units`: 1 where
    /// requests are counted, 0 where it is only known later what is [used](Self::spend).
    pub fn take(&mut self, subject: RateSubject, limit: u32, units: u32, now: Timestamp) -> Rated {
        self.turn(now.as_micros().div_euclid(MICROS));
        let slice = self.subjects.entry(subject).or_default();
        if slice.left > 0 {
            slice.left -= i64::from(units);
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
        // What was used without a slice is made good first.
        let lacking = u32::try_from(1_i64.saturating_sub(slice.left)).unwrap_or(u32::MAX);
        Rated::NeedsSlice { minute: self.minute, want: (limit / PART).max(lacking) }
    }

    /// Gives back a unit that was taken for a request which something else refused, in the same minute.
    pub fn untake(&mut self, subject: RateSubject, now: Timestamp) {
        self.turn(now.as_micros().div_euclid(MICROS));
        if let Some(slice) = self.subjects.get_mut(&subject) {
            slice.left = slice.left.saturating_add(1);
        }
    }

    /// Counts `units` that were used, whether a slice covers them or not.
    pub fn spend(&mut self, subject: RateSubject, units: u64, now: Timestamp) {
        self.turn(now.as_micros().div_euclid(MICROS));
        let slice = self.subjects.entry(subject).or_default();
        slice.left = slice.left.saturating_sub(i64::try_from(units).unwrap_or(i64::MAX));
    }

    /// Notes what the source granted of `want`.
    pub fn granted(&mut self, subject: RateSubject, minute: i64, want: u32, granted: u32) {
        if minute == self.minute {
            let slice = self.subjects.entry(subject).or_default();
            slice.add(granted);
            slice.used_up |= granted < want;
        }
    }

    /// The source is away: adds what the subject lacks of this node's share of the limit, and no more in this minute.
    pub fn alone(&mut self, subject: RateSubject, minute: i64, limit: u32, nodes: u32) {
        if minute == self.minute {
            let slice = self.subjects.entry(subject).or_default();
            slice.add(limit.div_ceil(nodes.max(1)).saturating_sub(slice.granted));
            slice.used_up = true;
        }
    }

    /// Also back, should the clock have been set back; but a request that read it just before a minute ended counts in
    /// the next.
    fn turn(&mut self, minute: i64) {
        if minute != self.minute && minute.saturating_add(1) != self.minute {
            self.minute = minute;
            self.subjects.clear();
        }
    }
}

impl Slice {
    fn add(&mut self, units: u32) {
        self.granted = self.granted.saturating_add(units);
        self.left = self.left.saturating_add(i64::from(units));
    }
}

#[cfg(test)]
mod tests;
