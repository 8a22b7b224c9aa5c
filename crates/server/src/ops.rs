//! The operations listener: `/metrics`, `/healthz`, `/readyz`.
//!
//! Invariant: readiness fails before anything stops, so that a load balancer looks elsewhere first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};

/// What the operations listener shows.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) registry: Registry,
    /// Whether requests may be sent here.
    pub(crate) ready: Arc<AtomicBool>,
}

/// The listener's routes.
pub(crate) fn router(ops: Ops) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(ops)
}

async fn ready(State(ops): State<Ops>) -> Response {
    if ops.ready.load(Ordering::SeqCst) {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "not ready: policy is not loaded, or the process is stopping\n")
        .into_response()
}

async fn metrics(State(ops): State<Ops>) -> Response {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    match encoder.encode(&ops.registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
