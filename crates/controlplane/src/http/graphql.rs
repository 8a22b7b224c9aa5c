//! `POST /graphql`: one JSON request in, one JSON answer out.
//!
//! Invariant: nothing is parsed for somebody who is not logged in; nothing runs before its limits were checked, and
//! nothing for ever: a query five seconds, a mutation thirty, because it waits for nodes.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
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
use crate::graphql::limits::{self, MUTATION_TIMEOUT_SECONDS, TIMEOUT_SECONDS};

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
    (StatusCode::OK, Json(run(&app, prepared).await)).into_response()
}

/// A request whose limits were checked.
pub(super) struct Prepared {
    request: Request,
    operation: OperationType,
    is_introspection: bool,
}

async fn prepare(app: &Arc<App>, headers: &HeaderMap, body: &[u8]) -> Result<Prepared, AdminError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_json(content_type) {
        return Err(AdminError::bad_input("content-type", "is not application/json"));
    }
    let actor = Actor::authenticate(&app.deps, headers).await?;
    // A batch is a list, which this refuses: one request is one request.
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| AdminError::bad_input("body", format!("is no request: {error}")))?;
    Prepared::check(app, actor, request)
}

impl Prepared {
    /// Checks what `actor` asks for.
    pub(super) fn check(app: &Arc<App>, actor: Actor, mut request: Request) -> Result<Self, AdminError> {
        limits::check_text(&request.query)?;
        let name = request.operation_name.clone();
        let document =
            request.parsed_query().map_err(|error| AdminError::bad_input("query", error.message))?;
        let is_introspection = limits::check(document)?;
        let operation = operation(document, name.as_deref());
        let request = request.data(Arc::clone(app)).data(Arc::new(actor));
        Ok(Self { request, operation, is_introspection })
    }

    pub(super) const fn operation(&self) -> &'static str {
        match self.operation {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        }
    }

    /// The request, if it is to be answered more than once.
    pub(super) fn into_subscription(self) -> Result<Request, Box<Self>> {
        if self.operation == OperationType::Subscription { Ok(self.request) } else { Err(Box::new(self)) }
    }
}

/// Answers a request once.
pub(super) async fn run(app: &App, prepared: Prepared) -> Response {
    let seconds = match prepared.operation {
        OperationType::Mutation => MUTATION_TIMEOUT_SECONDS,
        OperationType::Query | OperationType::Subscription => TIMEOUT_SECONDS,
    };
    let operation = prepared.operation();
    let running = app.schemas.execute(prepared.request, prepared.is_introspection);
    let response = match tokio::time::timeout(Duration::from_secs(seconds), running).await {
        Ok(response) => with_codes(response),
        Err(_) => refuse(&AdminError::TooComplex(format!("the request took longer than {seconds} s"))),
    };
    app.deps.metrics.graphql(operation, outcome(&response).unwrap_or("OK"));
    response
}

/// What the request is for; where that cannot be told, the library refuses it.
fn operation(document: &ExecutableDocument, name: Option<&str>) -> OperationType {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(_), None) => None,
    };
    found.map_or(OperationType::Query, |operation| operation.node.ty)
}
