//! The operations listener: `/metrics`, `/healthz`, `/readyz`.
//!
//! Invariant: readiness fails before anything stops, so that a load balancer looks elsewhere first; while it fails, it
//! says what is being waited for.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use prometheus::{Encoder, Registry, TextEncoder};

/// Whether requests may be sent here, and if not, why. Clones are the same.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<Mutex<Option<String>>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some("the process is starting".to_owned()))))
    }
}

impl Readiness {
    /// Requests may be sent here.
    pub(crate) fn now(&self) {
        *self.0.lock() = None;
    }

    /// Not, because of `reason`.
    pub(crate) fn not_yet(&self, reason: impl Into<String>) {
        *self.0.lock() = Some(reason.into());
    }
}

/// The listener's routes.
pub(crate) fn router(registry: Registry, ready: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(registry)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(show))
        .with_state(ready)
}

async fn show(State(ready): State<Readiness>) -> Response {
    match &*ready.0.lock() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
