//! The data plane's metrics: every name once, every label value from a closed list.
//!
//! Invariant: no label carries content, a key or an end user.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// What the data plane counts. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    pub(crate) requests: IntCounterVec,
    pub(crate) attempts: IntCounterVec,
    pub(crate) duration: HistogramVec,
    pub(crate) first_content: HistogramVec,
    pub(crate) open_requests: IntGauge,
    pub(crate) unshipped: IntGauge,
    pub(crate) overruns: prometheus::IntCounter,
    pub(crate) policy_revision_age: IntGauge,
    pub(crate) budget_refusals: IntCounterVec,
    clock_skew: IntGauge,
}

const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When one of the names is registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
            let histogram = HistogramVec::new(options, labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let overruns = prometheus::IntCounter::new(
            "weir_overruns_total",
            "Attempts that a provider billed beyond their reservation",
        )?;
        registry.register(Box::new(overruns.clone()))?;
        Ok(Self {
            requests: counter("weir_requests_total", "Requests by route and status", &["route", "status"])?,
            attempts: counter(
                "weir_attempts_total",
                "Calls to providers by outcome",
                &["provider", "outcome"],
            )?,
            duration: histogram("weir_request_seconds", "From request to last byte", &["route"])?,
            first_content: histogram(
                "weir_first_content_seconds",
                "From request to first content",
                &["provider"],
            )?,
            open_requests: gauge("weir_open_requests", "Requests being answered")?,
            unshipped: gauge("weir_journal_unshipped_events", "Usage events not yet committed")?,
            overruns,
            policy_revision_age: gauge(
                "weir_policy_staleness_seconds",
                "Since policy was last known to be current",
            )?,
            clock_skew: gauge(
                "weir_clock_skew_milliseconds",
                "This machine's clock less the control plane's, as last told",
            )?,
            budget_refusals: counter(
                "weir_budget_refusals_total",
                "Requests refused for a budget",
                &["scope"],
            )?,
        })
    }

    pub(crate) fn clock_skew(&self, milliseconds: i64) {
        self.clock_skew.set(milliseconds);
    }

    /// Shows how long ago policy was last known to be current, in seconds.
    pub fn staleness(&self, seconds: i64) {
        self.policy_revision_age.set(seconds);
    }
}
