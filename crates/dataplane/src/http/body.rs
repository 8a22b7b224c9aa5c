//! Request bodies: JSON by content type, whole, within the limit, in time.
//!
//! Invariant: never more than the limit is held in memory, also where no length is announced.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use domain::ErrorCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::ApiError;

/// How large and how slow a body may be.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// More is refused with 413.
    pub max_bytes: usize,
    /// A body that has not arrived by then is refused.
    pub timeout: Duration,
}

/// Reads the whole `body` of a request with `headers`.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    check_type(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > u64::try_from(limits.max_bytes).unwrap_or(u64::MAX)) {
        return Err(too_large(limits.max_bytes));
    }
    let body = Limited::new(body, limits.max_bytes).collect();
    let collected = tokio::time::timeout(limits.timeout, body).await.map_err(|_| {
        ApiError::new(
            ErrorCode::InvalidRequest,
            format!("the body did not arrive within {} s", limits.timeout.as_secs()),
        )
    })?;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limits.max_bytes)),
        Err(_) => Err(ApiError::new(ErrorCode::InvalidRequest, "the body ended early")),
    }
}

/// Reads a short body away, for a request that is refused for another reason.
pub(crate) async fn discard(body: Body) {
    let reading = Limited::new(body, 64 * 1024).collect();
    // Longer or slower ones cost the app its connection.
    let _ = tokio::time::timeout(Duration::from_millis(250), reading).await;
}

fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, format!("the body is larger than {max_bytes} bytes"))
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let text =
        |name| headers.get(name).map(|value| value.to_str().unwrap_or("not text").to_ascii_lowercase());
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|encoding| encoding != "identity") {
        let message = format!("content-encoding: {encoding} is not read; send the body uncompressed");
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    let Some(content_type) = text(header::CONTENT_TYPE) else { return Ok(()) };
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type == "application/json" {
        return Ok(());
    }
    let message = format!("content-type: {media_type} is not read; send application/json");
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}
