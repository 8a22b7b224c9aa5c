//! What the answers to apps that ask about themselves share.
//!
//! Invariant: money is a JSON number written digit for digit, never by way of a float; that the control plane is away is said
//! as such, and is no fault of the question.

use axum::response::{IntoResponse, Response};
use domain::{Amount, ErrorCode};
use http::header;
use metering::ports::ReadError;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::ApiError;

#[derive(Serialize)]
struct Envelope<T> {
    data: T,
}

/// Answers with `data`.
pub(super) fn answer<T: Serialize>(data: T) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(&Envelope { data }).map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The control plane gave no answer; `what` could not be read.
pub(super) fn away(what: &'static str, error: &ReadError) -> ApiError {
    tracing::warn!(%error, "{what} cannot be read");
    ApiError::new(
        ErrorCode::ProviderOverloaded,
        "the control plane cannot answer now; inference is not affected",
    )
}

/// A JSON number, digit for digit.
pub(super) fn number(amount: Amount) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_string()).ok()
}
