//! `POST /graphql`: one JSON request in, one JSON answer out.
//!
//! Invariant: nothing is parsed for somebody who is not logged in; nothing runs before its limits were checked, and
//! nothing for longer than five seconds.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::problem;
use crate::auth::actor::Actor;
use crate::auth::cookie::is_json;
use crate::deps::App;
use crate::error::AdminError;
use crate::graphql::error::{outcome, refuse, with_codes};
use crate::graphql::limits::{self, TIMEOUT_SECONDS};

/// Answers a GraphQL request.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let prepared = match prepare(&app, &headers, &body).await {
        Ok(prepared) => prepared,
        Err(error) => {
            app.deps.metrics.graphql("none", error.code());
            return (problem::status(&error), Json(refuse(&error))).into_response();
        }
    };
    let operation = prepared.operation;
    let response = run(&app, prepared).await;
    app.deps.metrics.graphql(operation, outcome(&response).unwrap_or("OK"));
    (StatusCode::OK, Json(response)).into_response()
}

struct Prepared {
    request: Request,
    operation: &'static str,
    is_introspection: bool,
}

async fn prepare(app: &Arc<App>, headers: &HeaderMap, body: &[u8]) -> Result<Prepared, AdminError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_json(content_type) {
        return Err(AdminError::bad_input("content-type", "is not application/json"));
    }
    let actor = Actor::authenticate(&app.deps, headers).await?;
    // A batch is a list, which this refuses: one request is one request.
    let mut request: Request = serde_json::from_slice(body)
        .map_err(|error| AdminError::bad_input("body", format!("is no request: {error}")))?;
    limits::check_text(&request.query)?;
    let document = request.parsed_query().map_err(|error| AdminError::bad_input("query", error.message))?;
    let is_introspection = limits::check(document)?;
    let operation = operation(document);
    let request = request.data(Arc::clone(app)).data(Arc::new(actor));
    Ok(Prepared { request, operation, is_introspection })
}

async fn run(app: &App, prepared: Prepared) -> Response {
    let running = app.schemas.execute(prepared.request, prepared.is_introspection);
    match tokio::time::timeout(Duration::from_secs(TIMEOUT_SECONDS), running).await {
        Ok(response) => with_codes(response),
        Err(_) => {
            refuse(&AdminError::TooComplex(format!("the request took longer than {TIMEOUT_SECONDS} s")))
        }
    }
}

fn operation(document: &ExecutableDocument) -> &'static str {
    let mutates = |(_, operation): (
        _,
        &async_graphql::Positioned<async_graphql::parser::types::OperationDefinition>,
    )| { operation.node.ty == OperationType::Mutation };
    if document.operations.iter().any(mutates) { "mutation" } else { "query" }
}
