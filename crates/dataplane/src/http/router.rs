//! Every route of the data plane, on one page. Each is served under `/v1` and under `/api/v1`.
//!
//! Invariant: a path or method that does not exist gets the same error envelope as everything else.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::routing::{get, post};
use domain::ErrorCode;
use tower_http::catch_panic::CatchPanicLayer;

use super::error::ApiError;
use super::{chat, embeddings, generation, key, models};
use crate::Deps;

/// Not nested routers, which would rewrite the path of every request.
const PREFIXES: [&str; 2] = ["/v1", "/api/v1"];

/// The data plane as a service.
pub fn router(deps: Arc<Deps>) -> Router {
    PREFIXES
        .into_iter()
        .fold(Router::new(), |router, prefix| {
            let at = |path: &str| format!("{prefix}{path}");
            router
                .route(&at("/chat/completions"), post(chat::complete))
                .route(&at("/embeddings"), post(embeddings::embed))
                .route(&at("/models"), get(models::list))
                .route(&at("/key"), get(key::show))
                .route(&at("/generation"), get(generation::show))
        })
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(|_| -> axum::response::Response {
            axum::response::IntoResponse::into_response(ApiError::internal(&"a handler panicked"))
        }))
        .with_state(deps)
}

async fn no_such_path(uri: Uri) -> ApiError {
    let hint = "the API is under /v1: chat/completions, embeddings, models, key, generation";
    ApiError::new(ErrorCode::NotFound, format!("there is no {}; {hint}", uri.path()))
}

async fn wrong_method(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    ApiError::new(ErrorCode::MethodNotAllowed, format!("{method} is not a method of {path}"))
}
