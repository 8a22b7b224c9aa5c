//! An [`AdminError`] as a GraphQL error, and errors of the library brought into the same form.
//!
//! Invariant: every error that leaves has `extensions.code`, one of the closed list.

use async_graphql::{Error, ErrorExtensions, Response, ServerError};

use crate::error::AdminError;

/// What resolvers return.
pub(crate) type Result<T> = std::result::Result<T, AdminError>;

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Self {
        Self::new(error.shown()).extend_with(|_, extensions| {
            extensions.set("code", error.code());
            match &error {
                AdminError::BadInput { field, .. } => extensions.set("field", field.as_str()),
                AdminError::RateLimited { retry_after_seconds } => {
                    extensions.set("retryAfterSeconds", *retry_after_seconds);
                }
                _ => {}
            }
        })
    }
}

/// An answer that says only `error`.
pub(crate) fn refuse(error: AdminError) -> Response {
    let error = Error::from(error);
    let mut shown = ServerError::new(error.message, None);
    shown.extensions = error.extensions;
    Response::from_errors(vec![shown])
}

/// Gives a code to what the library found wrong: syntax, unknown fields, scalars, depth.
pub(crate) fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        if code(error).is_none() {
            let complex = matches!(error.message.as_str(), "Query is nested too deep." | "Query is too complex.");
            let code = if complex { "TOO_COMPLEX" } else { "BAD_USER_INPUT" };
            error.extensions.get_or_insert_default().set("code", code);
        }
    }
    response
}

/// The code of the first error; `None` for an answer without one.
pub(crate) fn outcome(response: &Response) -> Option<String> {
    response.errors.first().and_then(code)
}

fn code(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        _ => None,
    }
}
