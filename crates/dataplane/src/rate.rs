//! How much keys, and everybody under a policy, may do in a minute or at once, over all nodes.
//!
//! Invariant: a request waits for the source of slices only where this node holds none, and no longer than the source's
//! own patience; with the source away, this node admits its share. What is under way is counted here alone, and this node
//! admits its share of it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::key::Key;
use domain::{Clock, ErrorCode, OrgId, Timestamp};
use metering::rate::{RateBook, RateSource, RateSubject, Rated};
use parking_lot::Mutex;
use policy::record::RateUnit;
use policy::{Permit, Quota};
use serde_json::{Value, json};

use crate::http::error::ApiError;
use crate::outage::Outage;

/// The rates of this process.
pub struct Rates {
    book: Mutex<RateBook>,
    under_way: Arc<Mutex<HashMap<RateSubject, u32>>>,
    source: Arc<dyn RateSource>,
    /// One request at a time asks for a slice; subjects share these by their hash.
    asking: [tokio::sync::Mutex<()>; 64],
    clock: Arc<dyn Clock>,
    /// How many nodes share what is shared.
    peers: Arc<AtomicU32>,
    outage: Outage,
}

/// What one request was counted on; dropping it ends what is counted while it is under way.
#[derive(Default)]
pub(crate) struct Counted {
    subjects: Vec<RateSubject>,
    places: Vec<UnderWay>,
}

struct UnderWay {
    subject: RateSubject,
    all: Arc<Mutex<HashMap<RateSubject, u32>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.subject) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.subject);
            }
        }
    }
}

/// A rate that is used up.
pub(crate) struct UsedUp {
    pub(crate) error: ApiError,
    /// Whether it counts every model, so that no other would be admitted.
    pub(crate) anywhere: bool,
}

impl Rates {
    /// Slices come from `source`; without it this node admits a `peers`th of each limit.
    #[must_use]
    pub fn new(source: Arc<dyn RateSource>, peers: Arc<AtomicU32>, clock: Arc<dyn Clock>) -> Self {
        let asking = std::array::from_fn(|_| tokio::sync::Mutex::default());
        let outage = Outage::of("what shares rates among nodes; each admits its share");
        Self { book: Mutex::default(), under_way: Arc::default(), source, asking, clock, peers, outage }
    }

    /// Counts one request of `key`, which may make `limit` in a minute.
    pub(crate) async fn admit_key(&self, key: &Key, limit: u32) -> Result<(), ApiError> {
        let taken = self.take(RateSubject::Key(key.id), limit, 1).await;
        taken.map_err(|resets_at| {
            let message = format!(
                "this key may make {limit} requests a minute, and they are used up until {resets_at}"
            );
            let mut told = told(("key", &key.name), ("requests", limit), Some(resets_at));
            if let Some(told) = told.as_object_mut() {
                told.insert("requests_per_minute".to_owned(), json!(limit));
            }
            self.refused(message, told, Some(resets_at))
        })
    }

    /// Counts a request to `model` on every rate it was not counted on yet, or on none: a request that is refused is not
    /// counted.
    pub(crate) async fn admit(
        &self,
        permit: &Permit,
        model: &str,
        counted: &mut Counted,
    ) -> Result<(), UsedUp> {
        let (org, mut now_counted) = (permit.caller().org_id(), Vec::new());
        for quota in permit.quotas().iter().filter(|quota| quota.counts(model)) {
            let subject = subject(org, quota);
            if counted.subjects.contains(&subject) {
                continue;
            }
            if let Err(refused) = self.count(subject, quota, counted).await {
                self.uncount(&now_counted, counted);
                return Err(refused);
            }
            now_counted.push((subject, quota.rate.unit));
            counted.subjects.push(subject);
        }
        Ok(())
    }

    fn uncount(&self, now_counted: &[(RateSubject, RateUnit)], counted: &mut Counted) {
        let now = self.clock.now();
        for (subject, unit) in now_counted {
            counted.subjects.retain(|known| known != subject);
            counted.places.retain(|place| place.subject != *subject);
            if *unit == RateUnit::RequestsPerMinute {
                self.book.lock().untake(*subject, now);
            }
        }
    }

    async fn count(&self, subject: RateSubject, quota: &Quota, counted: &mut Counted) -> Result<(), UsedUp> {
        let limit = quota.rate.limit;
        let taken = match quota.rate.unit {
            RateUnit::RequestsPerMinute => self.take(subject, limit, 1).await.map_err(Some),
            RateUnit::TokensPerMinute => self.take(subject, limit, 0).await.map_err(Some),
            RateUnit::Concurrent => {
                let place = self.enter(subject, limit).ok_or(None);
                place.map(|place| counted.places.push(place))
            }
        };
        taken.map_err(|resets_at| UsedUp {
            error: self.quota_used_up(quota, resets_at),
            anywhere: quota.rate.models.is_none(),
        })
    }

    /// Counts tokens that were used on each of `subjects`.
    pub(crate) fn spend(&self, subjects: &[RateSubject], tokens: u64) {
        let now = self.clock.now();
        let mut book = self.book.lock();
        subjects.iter().for_each(|subject| book.spend(*subject, tokens, now));
    }

    /// Takes `units` of `limit`, or answers when there are some again.
    async fn take(&self, subject: RateSubject, limit: u32, units: u32) -> Result<(), Timestamp> {
        let mut asking = None;
        loop {
            let now = self.clock.now();
            let rated = self.book.lock().take(subject, limit, units, now);
            match rated {
                Rated::Admitted => return Ok(()),
                Rated::Refused(resets_at) => return Err(resets_at),
                Rated::NeedsSlice { .. } if asking.is_none() => {
                    // Whoever asked before may have got enough for both.
                    asking = Some(self.desk(subject).lock().await);
                }
                Rated::NeedsSlice { minute, want } => {
                    match self.source.slice(subject, minute, limit, want).await {
                        Ok(granted) => {
                            self.outage.over();
                            self.book.lock().granted(subject, minute, want, granted);
                        }
                        Err(error) => {
                            self.outage.failed(&error);
                            let peers = self.peers.load(Ordering::Relaxed);
                            self.book.lock().alone(subject, minute, limit, peers);
                        }
                    }
                }
            }
        }
    }

    fn desk(&self, subject: RateSubject) -> &tokio::sync::Mutex<()> {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % 64).unwrap_or(0);
        self.asking.get(place).unwrap_or(&self.asking[0])
    }

    /// A place among those under way, of this node's share of `limit`.
    fn enter(&self, subject: RateSubject, limit: u32) -> Option<UnderWay> {
        let share = limit.div_ceil(self.peers.load(Ordering::Relaxed).max(1));
        let mut all = self.under_way.lock();
        let count = all.entry(subject).or_default();
        if *count >= share {
            return None;
        }
        *count += 1;
        Some(UnderWay { subject, all: Arc::clone(&self.under_way) })
    }

    fn quota_used_up(&self, quota: &Quota, resets_at: Option<Timestamp>) -> ApiError {
        let Quota { name, layer, rate, .. } = quota;
        let (limit, models) = (rate.limit, rate.models.as_deref());
        let of = models.map(|models| format!(" to {models}")).unwrap_or_default();
        let message = match (rate.unit, &resets_at) {
            (RateUnit::Concurrent, _) | (_, None) => {
                format!(
                    "the policy {name:?} ({layer}) allows {limit} requests{of} at once, and as many are under way"
                )
            }
            (RateUnit::RequestsPerMinute, Some(at)) => {
                format!(
                    "the policy {name:?} ({layer}) allows {limit} requests{of} a minute, and they are used up until {at}"
                )
            }
            (RateUnit::TokensPerMinute, Some(at)) => format!(
                "the policy {name:?} ({layer}) allows {limit} tokens a minute{}, and they are used up until {at}",
                models.map(|models| format!(" for {models}")).unwrap_or_default()
            ),
        };
        let mut told = told((layer, name), (rate.unit.name(), limit), resets_at);
        if let Some(told) = told.as_object_mut() {
            told.insert("models".to_owned(), json!(models));
        }
        self.refused(message, told, resets_at)
    }

    fn refused(&self, message: String, limit: Value, resets_at: Option<Timestamp>) -> ApiError {
        let mut error = ApiError::new(ErrorCode::RateLimitExceeded, message)
            .with("limit_source", json!("weir"))
            .with("limit", limit);
        let wait_us = resets_at.map_or(0, |at| at.since_micros(self.clock.now()));
        error.retry_after_s = Some(wait_us.max(0).unsigned_abs().div_ceil(1_000_000).max(1));
        error
    }
}

/// Those of the permit's rates that count the tokens of `model`.
pub(crate) fn token_quotas(permit: &Permit, model: &str) -> Vec<RateSubject> {
    let counts = |quota: &&Arc<Quota>| quota.rate.unit == RateUnit::TokensPerMinute && quota.counts(model);
    let org = permit.caller().org_id();
    permit.quotas().iter().filter(counts).map(|quota| subject(org, quota)).collect()
}

fn subject(org: OrgId, quota: &Quota) -> RateSubject {
    RateSubject::Policy { org, policy: quota.policy, place: quota.place }
}

/// What a refusal says of the limit.
fn told((scope, name): (&str, &str), (unit, limit): (&str, u32), resets_at: Option<Timestamp>) -> Value {
    json!({
        "scope": scope,
        "name": name,
        "unit": unit,
        "limit": limit,
        "spent": limit,
        // A request counts as it is admitted, tokens as they are known.
        "reserved": 0,
        "resets_at": resets_at.map(|at| at.to_string()),
        "time_zone": "UTC",
    })
}
