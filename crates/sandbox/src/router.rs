//! Every route of the sandbox on one page: the providers' own, and those a test uses to set up and to look.
//!
//! Invariant: nothing outside `/_sandbox`, `/policies` and `/healthz` answers without a provider key.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Sandbox;
use crate::call::{self, Endpoint, Route};
use crate::sites::{self, Dialect, SITES, Site};

/// Larger than any gateway's own limit, so that the gateway's is the one a test meets.
const BODY_LIMIT_BYTES: usize = 64 << 20;

pub(crate) fn routes(sandbox: Arc<Sandbox>) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/policies/{site}", get(policy))
        .route("/_sandbox/meter", get(meter).delete(clear_meter))
        .route("/_sandbox/stats", get(stats))
        .route("/_sandbox/requests", get(requests).delete(clear_requests))
        .route("/_sandbox/knobs", get(knobs).put(set_knobs).delete(clear_knobs));
    for site in &SITES {
        router = provider(router, site);
    }
    router.layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)).with_state(sandbox)
}

/// The routes of one provider account.
fn provider(router: Router<Arc<Sandbox>>, site: &'static Site) -> Router<Arc<Sandbox>> {
    let endpoints: &[Endpoint] = match site.dialect {
        Dialect::OpenAi => &[Endpoint::Chat, Endpoint::Embeddings],
        Dialect::Anthropic => &[Endpoint::Messages],
    };
    let models = move |State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap| async move {
        call::models(&sandbox, site, &headers)
    };
    let mut router = router.route(&format!("/{}/v1/models", site.name), get(models));
    for endpoint in endpoints.iter().copied() {
        let answer = move |State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes| {
            call::answer(sandbox, Route { site, endpoint }, headers, body)
        };
        router = router.route(&format!("/{}{}", site.name, endpoint.path()), post(answer));
    }
    router
}

/// Narrows a listing.
#[derive(Deserialize)]
struct Asked {
    /// The `X-Client-Request-Id` received.
    id: Option<String>,
    /// Only calls with a greater sequence number.
    #[serde(default)]
    since: u64,
}

async fn meter(State(sandbox): State<Arc<Sandbox>>, Query(asked): Query<Asked>) -> Json<Value> {
    Json(sandbox.meter.view(asked.id.as_deref(), asked.since))
}

async fn clear_meter(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.meter.clear();
    StatusCode::NO_CONTENT
}

async fn stats(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(sandbox.meter.stats())
}

async fn requests(State(sandbox): State<Arc<Sandbox>>, Query(asked): Query<Asked>) -> Json<Value> {
    Json(sandbox.received.view(asked.id.as_deref()))
}

async fn clear_requests(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.received.clear();
    StatusCode::NO_CONTENT
}

async fn knobs(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(sandbox.runs.view())
}

async fn set_knobs(State(sandbox): State<Arc<Sandbox>>, Json(by_site): Json<Map<String, Value>>) -> Response {
    match sandbox.runs.replace(&by_site) {
        Ok(()) => Json(sandbox.runs.view()).into_response(),
        Err(bad) => (StatusCode::BAD_REQUEST, Json(json!({"error": bad.to_string()}))).into_response(),
    }
}

async fn clear_knobs(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.runs.clear();
    StatusCode::NO_CONTENT
}

async fn policy(Path(name): Path<String>) -> Response {
    match sites::named(&name) {
        Some(site) => Html(site.policy_page()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
