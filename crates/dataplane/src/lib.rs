//! The data plane: one request in, calls to providers, one answer out, every attempt metered.
//!
//! `Caller → Permit → Reservation → Answer → Settled`: each stage needs the token of the one before. Invariants: nothing
//! here meets SQL; nothing reaches a provider without a permit that is current and a reservation that is journalled;
//! while warm, an inference request waits for no other process of ours.

mod attribution;
pub mod calls;
pub mod counting;
pub mod drain;
mod http;
pub mod lease;
pub mod membership;
mod outage;
pub mod outstanding;
mod pipeline;
pub mod policy_task;
pub mod rate;
pub mod ship;
pub mod telemetry;
pub mod upstream;

use std::sync::Arc;
use std::time::Duration;

use domain::key::Pepper;
use domain::{Clock, RequestId};
use metering::ports::{Journal, Reads};
use policy::SnapshotCell;
use policy::sealed::MasterKey;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counting::Counting;
use crate::drain::Drains;
pub use crate::http::body::BodyLimits;
pub use crate::http::router::router;
use crate::lease::Leases;
use crate::outstanding::Outstanding;
use crate::rate::Rates;
use crate::telemetry::Metrics;
use crate::upstream::Upstream;

/// Everything the data plane may touch.
pub struct Deps {
    /// Policy, in memory.
    pub cell: Arc<SnapshotCell>,
    /// What key hashes are made with.
    pub pepper: Pepper,
    /// What provider secrets are sealed with.
    pub master: MasterKey,
    /// Budget money in hand.
    pub leases: Arc<Leases>,
    /// How many requests keys may make in a minute.
    pub rates: Rates,
    /// Where attempts are recorded before and after they are made.
    pub journal: Arc<dyn Journal>,
    /// What is not committed yet.
    pub outstanding: Arc<Outstanding>,
    /// Told after every settled attempt.
    pub settled: Arc<Notify>,
    /// The way to providers.
    pub upstream: Upstream,
    /// Where tokens are counted that a provider does not tell.
    pub counting: Counting,
    /// Streams that are read on after their app has left.
    pub drains: Drains,
    /// What only the control plane can answer; never on the inference path.
    pub reads: Arc<dyn Reads>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// How large and slow request bodies may be.
    pub body: BodyLimits,
    /// How long a streaming app waits for content before it gets a comment.
    pub keep_alive: Duration,
    /// Requests run here, so that they settle also when the app has left.
    pub tasks: TaskTracker,
    /// The process cannot wait for open requests any longer: what streams ends with an error in its own dialect.
    pub cut: CancellationToken,
}

impl Deps {
    fn new_request_id(&self) -> RequestId {
        RequestId::new(self.clock.now(), rand::random())
    }
}
