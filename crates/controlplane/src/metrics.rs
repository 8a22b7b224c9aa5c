//! What operators can see of the control plane.
//!
//! Invariant: labels come from closed lists; nothing a client sends becomes one.

use std::time::Duration;

use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The control plane's counters.
#[derive(Clone)]
pub struct Metrics {
    logins: IntCounterVec,
    graphql: IntCounterVec,
    events: IntCounter,
    publish_lag: Gauge,
    nodes: IntGaugeVec,
    propagation: Histogram,
    not_propagated: IntCounter,
    suspense_released: IntCounter,
    notices: IntCounterVec,
}

/// From a push that arrives at once to a node that learns of it by the node link.
const PROPAGATION_BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0];

impl Metrics {
    /// Makes the counters and registers them.
    ///
    /// # Errors
    /// When one of that name is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            logins: IntCounterVec::new(
                Opts::new("weir_logins_total", "Logins by outcome: ok, refused, throttled"),
                &["outcome"],
            )?,
            graphql: IntCounterVec::new(
                Opts::new(
                    "weir_graphql_requests_total",
                    "GraphQL requests by operation and outcome: OK or the code",
                ),
                &["operation", "outcome"],
            )?,
            events: IntCounter::new(
                "weir_usage_events_committed_total",
                "Usage events shipped and in the ledger",
            )?,
            publish_lag: Gauge::new(
                "weir_publish_lag_seconds",
                "How long publishing of policy changes has been failing",
            )?,
            nodes: IntGaugeVec::new(
                Opts::new("weir_control_nodes", "Nodes by state: reachable, unreachable, retired"),
                &["state"],
            )?,
            propagation: Histogram::with_opts(
                HistogramOpts::new(
                    "weir_control_propagation_seconds",
                    "From the commit of a change until every node in contact enforces it",
                )
                .buckets(PROPAGATION_BUCKETS.to_vec()),
            )?,
            not_propagated: IntCounter::new(
                "weir_control_propagation_incomplete_total",
                "Changes that were answered before every node in contact enforced them",
            )?,
            suspense_released: IntCounter::new(
                "weir_control_suspense_released_total",
                "Amounts of unknown use that were given back to budgets",
            )?,
            notices: IntCounterVec::new(
                Opts::new(
                    "weir_control_notices_total",
                    "Attempts to deliver a notice by kind of target and outcome: delivered, failed, given_up",
                ),
                &["kind", "outcome"],
            )?,
        };
        registry.register(Box::new(metrics.logins.clone()))?;
        registry.register(Box::new(metrics.graphql.clone()))?;
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.publish_lag.clone()))?;
        registry.register(Box::new(metrics.nodes.clone()))?;
        registry.register(Box::new(metrics.propagation.clone()))?;
        registry.register(Box::new(metrics.not_propagated.clone()))?;
        registry.register(Box::new(metrics.suspense_released.clone()))?;
        registry.register(Box::new(metrics.notices.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn login(&self, outcome: &str) {
        self.logins.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn graphql(&self, operation: &str, outcome: &str) {
        self.graphql.with_label_values(&[operation, outcome]).inc();
    }

    pub(crate) fn committed(&self, events: usize) {
        self.events.inc_by(u64::try_from(events).unwrap_or(u64::MAX));
    }

    /// In microseconds, since a lag is a difference of timestamps.
    pub(crate) fn publish_lag(&self, micros: i64) {
        // Not money: a gauge is a float.
        self.publish_lag.set(Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64());
    }

    /// How many nodes are in a state.
    pub(crate) fn nodes(&self, state: &str, count: usize) {
        self.nodes.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A mutation waited for nodes; `None`: not all of them enforced it in time.
    pub(crate) fn propagated(&self, took: Option<Duration>) {
        match took {
            Some(took) => self.propagation.observe(took.as_secs_f64()),
            None => self.not_propagated.inc(),
        }
    }

    pub(crate) fn suspense_released(&self, count: u64) {
        self.suspense_released.inc_by(count);
    }

    /// An attempt to deliver a notice has ended.
    pub(crate) fn notice(&self, kind: &str, outcome: &str) {
        self.notices.with_label_values(&[kind, outcome]).inc();
    }
}
