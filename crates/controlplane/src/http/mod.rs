//! Every route of the control plane, on one page.
//!
//! Invariant: every answer carries the headers of `protect`; whatever is not a route is the web admin's.

mod assets;
mod graphql;
mod problem;
mod reports;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};

use crate::auth::{flood, routes};
use crate::deps::{App, Deps};
use crate::graphql::limits;

/// Reports read a whole month.
const REPORT_TIMEOUT: Duration = Duration::from_secs(60);
/// Scripts and styles of our own files only; Mantine sets inline styles.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The control plane: log-in, GraphQL, reports and the web admin. Serve it with connect info: `/auth/*` counts by peer.
pub fn router(deps: Deps) -> Router {
    let app = Arc::new(App::new(deps));
    let reports = Router::new()
        .route("/reports/chargeback.csv", get(reports::chargeback))
        .route("/reports/cut-calls.csv", get(reports::cut_calls))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REPORT_TIMEOUT));
    let graphql = post(graphql::handle).layer(DefaultBodyLimit::max(limits::BODY_BYTES)).get(socket::connect);
    Router::new()
        .route("/graphql", graphql)
        .route("/.well-known/jwks.json", get(routes::jwks))
        .route("/healthz", get(|| async { "ok" }))
        .merge(reports)
        .merge(auth_routes(&app))
        .fallback(assets::serve)
        .layer(from_fn(protect))
        .layer(TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(tracing::Level::INFO)))
        .with_state(app)
}

fn auth_routes(app: &Arc<App>) -> Router<Arc<App>> {
    let guard = flood::peer_guard();
    app.deps.tasks.spawn(flood::forget_quiet_peers(Arc::clone(&guard), app.deps.shutdown.clone()));
    Router::new()
        // Only passwords can be guessed, so only attempts at them are counted: a page load, which refreshes, is none.
        .route("/auth/login", post(routes::login).layer(flood::peer_layer(guard)))
        .route("/auth/refresh", post(routes::refresh))
        .route("/auth/logout", post(routes::logout))
        .layer(DefaultBodyLimit::max(4096))
}

/// Headers that keep a browser from doing with our pages what they are not for.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let set: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
