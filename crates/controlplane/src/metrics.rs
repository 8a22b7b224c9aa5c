//! What operators can see of the control plane.
//!
//! Invariant: labels come from closed lists; nothing a client sends becomes one.

use prometheus::{Gauge, IntCounter, IntCounterVec, Opts, Registry};

/// The control plane's counters.
#[derive(Clone)]
pub struct Metrics {
    logins: IntCounterVec,
    graphql: IntCounterVec,
    events: IntCounter,
    publish_lag: Gauge,
}

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
        };
        registry.register(Box::new(metrics.logins.clone()))?;
        registry.register(Box::new(metrics.graphql.clone()))?;
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.publish_lag.clone()))?;
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
        self.publish_lag
            .set(std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64());
    }
}
