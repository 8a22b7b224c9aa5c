//! What is seen from outside: JSON logs on standard error, OTLP traces where an endpoint is configured.
//!
//! Invariant: no content in either; spans carry ids, counts and names from closed lists.

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::Telemetry;

/// Keeps the exporter alive; flushes it at the end.
pub(crate) struct Exporter(Option<SdkTracerProvider>);

/// Starts logging and, if configured, exporting.
///
/// # Errors
/// A filter or an endpoint that cannot be understood.
pub(crate) fn start(config: &Telemetry) -> anyhow::Result<Exporter> {
    let filter = EnvFilter::try_new(&config.log).context("telemetry.log is not a log filter")?;
    // Spans are for traces: writing their fields for a log line that may never come costs a request a third of its CPU.
    let logs = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_filter(filter_fn(|metadata| metadata.is_event()));
    let provider = tracer_provider(&config.otlp_endpoint)?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("weir"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|metadata| metadata.is_span()))
    });
    // Where nobody takes spans, none is made: a filter of a layer alone leaves them to the registry.
    let has_traces = traces.is_some();
    let wanted = filter_fn(move |metadata| has_traces || metadata.is_event());
    tracing_subscriber::registry().with(filter).with(wanted).with(logs).with(traces).init();
    Ok(Exporter(provider))
}

fn tracer_provider(endpoint: &str) -> anyhow::Result<Option<SdkTracerProvider>> {
    if endpoint.is_empty() {
        return Ok(None);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .context("telemetry.otlp_endpoint cannot be used")?;
    let resource = Resource::builder().with_service_name("weir").build();
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
}

impl Exporter {
    /// Sends what is left. Blocks; call it off the runtime's threads.
    pub(crate) fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces could not be exported");
        }
    }
}
