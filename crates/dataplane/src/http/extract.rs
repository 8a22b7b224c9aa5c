//! Who is calling: the key of the request, looked up in the policy in memory.
//!
//! Invariant: looked up on every request, also on a connection that is open already; the argument list is the
//! authentication.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use domain::ErrorCode;
use policy::Caller;

use super::body;
use super::error::ApiError;
use crate::Deps;

/// The caller of a request, from `Authorization: Bearer …` or `x-api-key`.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<Arc<Deps>> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, deps: &Arc<Deps>) -> Result<Self, ApiError> {
        caller(&parts.headers, deps).map(Self)
    }
}

/// The caller of a request with a body, and the body, read whole.
pub(crate) struct Authorized {
    pub(crate) caller: Caller,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl FromRequest<Arc<Deps>> for Authorized {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, deps: &Arc<Deps>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        match caller(&parts.headers, deps) {
            Ok(caller) => {
                let body = body::read(&parts.headers, body, deps.body).await?;
                Ok(Self { caller, headers: parts.headers, body })
            }
            Err(error) => {
                // Read what is on its way, so that the connection can be used again.
                body::discard(body).await;
                Err(error)
            }
        }
    }
}

fn caller(headers: &HeaderMap, deps: &Deps) -> Result<Caller, ApiError> {
    let text = key_text(headers)?;
    let snapshot = deps.cell.load().ok_or_else(not_loaded)?;
    Ok(snapshot.authenticate(text, &deps.pepper, deps.clock.now())?)
}

/// This node never loaded policy, so it refuses.
pub(crate) fn not_loaded() -> ApiError {
    ApiError::new(ErrorCode::ProviderOverloaded, "this node has not loaded its policy yet; try again shortly")
        .with("limit_source", serde_json::json!("weir"))
}

fn key_text(headers: &HeaderMap) -> Result<&str, ApiError> {
    let refused = |message| ApiError::new(ErrorCode::Authentication, message);
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| refused("the Authorization header is not text"))?;
        let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused("the Authorization header is not of the form: Bearer sk-weir-…"));
        }
        return Ok(key.trim());
    }
    let value =
        headers.get("x-api-key").ok_or_else(|| refused("no key: send Authorization: Bearer sk-weir-…"))?;
    value.to_str().map_err(|_| refused("the x-api-key header is not text"))
}
