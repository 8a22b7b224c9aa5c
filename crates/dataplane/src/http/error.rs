//! What an app is told when its request is not answered: OpenRouter's envelope, written here and nowhere else.
//!
//! Invariant: the only place where a status is chosen; never `error: null`; a fault of ours says nothing of its cause.

use std::ops::{Deref, DerefMut};

use axum::response::{IntoResponse, Response};
use domain::ErrorCode;
use http::{HeaderValue, StatusCode, header};
use policy::Denial;
use providers::BadRequest;
use serde_json::{Map, Value, json};

/// A refusal or failure, complete enough to act on. Boxed, because most calls return none.
pub(crate) struct ApiError(Box<Told>);

/// What an [`ApiError`] tells.
pub(crate) struct Told {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// Joins `error_type` in `error.metadata`.
    pub(crate) metadata: Map<String, Value>,
    /// `error.availability`, where the cause is that no endpoint may or can serve.
    pub(crate) availability: Option<Value>,
    pub(crate) retry_after_s: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Told { code, message, metadata: Map::new(), availability: None, retry_after_s: None }))
    }

    /// A 400 that names the field.
    pub(crate) fn field(field: &str, message: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, format!("{field}: {message}")).with("field", json!(field))
    }

    /// A fault of ours; the cause is logged once, here at the edge, and the app gets the generation id only.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "request failed for a reason of ours");
        Self::new(
            ErrorCode::Server,
            "internal error; the log of this node has the cause under this generation id",
        )
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.metadata.insert(name.to_owned(), value);
        self
    }

    /// The `error` object.
    pub(crate) fn object(&self) -> Value {
        let mut metadata = self.metadata.clone();
        metadata.insert("error_type".to_owned(), json!(self.code.error_type()));
        let mut error = json!({
            "code": self.code.status(),
            "message": self.message,
            // the OpenAI SDKs read `type`
            "type": self.code.error_type(),
            "metadata": metadata,
        });
        if let (Some(availability), Some(fields)) = (&self.availability, error.as_object_mut()) {
            fields.insert("availability".to_owned(), availability.clone());
        }
        error
    }
}

impl Deref for ApiError {
    type Target = Told;
    fn deref(&self) -> &Told {
        &self.0
    }
}

impl DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut Told {
        &mut self.0
    }
}

impl From<BadRequest> for ApiError {
    fn from(bad: BadRequest) -> Self {
        Self::new(ErrorCode::InvalidRequest, bad.to_string()).with("field", json!(bad.field))
    }
}

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> Self {
        let mut error = Self::new(denial.code(), denial.to_string());
        if let Some(field) = denial.field() {
            error = error.with("field", json!(field));
        }
        error.availability = denial.availability().map(|availability| {
            let mut object = json!({
                "code": availability.code,
                "retryable": false,
                "requested_models": availability.requested_models,
                "docs_url": "/v1/models",
            });
            if let Some(fields) = object.as_object_mut() {
                if !availability.affected_providers.is_empty() {
                    fields.insert("affected_providers".to_owned(), json!(availability.affected_providers));
                }
                if !availability.excluded_by.is_empty() {
                    fields.insert("excluded_by".to_owned(), json!(availability.excluded_by));
                }
                if let Some((field, detail)) = availability.constraint {
                    fields.insert("constraint".to_owned(), json!({ "field": field, "detail": detail }));
                }
            }
            object
        });
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": self.object() }).to_string();
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
