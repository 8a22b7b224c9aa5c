//! An [`AdminError`] as a GraphQL error, and errors of the library brought into the same form.
//!
//! Invariant: every error that leaves has `extensions.code`, one of the closed list, and tells nothing of an internal
//! cause.

use async_graphql::{Response, ServerError, Value};

use crate::error::AdminError;

/// What resolvers return. The library keeps the error as the source of its own, where [`with_codes`] finds it.
pub(crate) type Result<T> = std::result::Result<T, AdminError>;

/// An answer that says only `error`.
pub(crate) fn refuse(error: &AdminError) -> Response {
    let mut shown = ServerError::new(String::new(), None);
    describe(&mut shown, error);
    Response::from_errors(vec![shown])
}

/// Gives every error its code: ours from its source, and what the library found wrong (syntax, unknown fields, scalars,
/// depth) from its message.
pub(crate) fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        match error.source.take() {
            Some(source) if source.is::<AdminError>() => {
                if let Some(ours) = source.downcast_ref() {
                    describe(error, ours);
                }
            }
            _ => set_code(error, library_code(&error.message)),
        }
    }
    response
}

/// The code of the first error; `None` for an answer without one.
pub(crate) fn outcome(response: &Response) -> Option<&str> {
    match response.errors.first()?.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn describe(shown: &mut ServerError, error: &AdminError) {
    shown.message = error.shown();
    set_code(shown, error.code());
    let extensions = shown.extensions.get_or_insert_default();
    match error {
        AdminError::BadInput { field, .. } => extensions.set("field", field.as_str()),
        AdminError::RateLimited { retry_after_seconds } => {
            extensions.set("retryAfterSeconds", *retry_after_seconds)
        }
        _ => {}
    }
}

fn set_code(shown: &mut ServerError, code: &'static str) {
    shown.extensions.get_or_insert_default().set("code", code);
}

fn library_code(message: &str) -> &'static str {
    match message {
        "Query is nested too deep." | "Query is too complex." => "TOO_COMPLEX",
        _ => "BAD_USER_INPUT",
    }
}
