//! An [`AdminError`] as an HTTP answer: the only place of this crate where one becomes a status code.
//!
//! Invariant: the body is `{"error":{"code","message"}}` with a code of the closed list.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::error::AdminError;

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": { "code": self.code(), "message": self.shown() } });
        let mut response = (status(&self), Json(body)).into_response();
        if let Self::RateLimited { retry_after_seconds } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        response
    }
}

pub(crate) const fn status(error: &AdminError) -> StatusCode {
    match error {
        AdminError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        AdminError::Forbidden(_) => StatusCode::FORBIDDEN,
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::BadInput { .. } | AdminError::TooComplex(_) => StatusCode::BAD_REQUEST,
        AdminError::Conflict(_) => StatusCode::CONFLICT,
        AdminError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        AdminError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        AdminError::Unsure | AdminError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
