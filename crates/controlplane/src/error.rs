//! What can go wrong for somebody who administers: a closed list, each with its code.
//!
//! Invariant: building one never logs. The edges (`graphql/error.rs`, `http/problem.rs`) log an internal one once and
//! show an id instead of its text.

use policy::sealed::SealError;
use store::StoreError;

/// Why an operation of the control plane was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdminError {
    /// Nobody is logged in, or the token or key is not accepted.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller's role does not allow it.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or the caller may not know that there is.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A field of the input is wrong.
    #[error("{field}: {message}")]
    BadInput {
        /// The field, as GraphQL names it.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// It contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// Too many tries; come back later.
    #[error("too many tries; wait {retry_after_seconds} s")]
    RateLimited {
        /// When to come back.
        retry_after_seconds: u64,
    },
    /// Too much is asked for at once.
    #[error("{0}")]
    TooComplex(String),
    /// The database is away; nothing was done.
    #[error("the database cannot be reached now; try again")]
    Unavailable,
    /// The database went away while it was writing; it may have been done.
    #[error("the database went away while it was writing: look whether it was done before you try again")]
    Unsure,
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl AdminError {
    /// A field's value is wrong.
    pub(crate) fn bad_input(field: &str, message: impl Into<String>) -> Self {
        Self::BadInput { field: field.to_owned(), message: message.into() }
    }

    /// A fault of ours, with its cause.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// Whether doing it again may mend it, where doing it twice is harmless.
    #[must_use]
    pub const fn is_worth_trying_again(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Unsure | Self::RateLimited { .. })
    }

    /// The code clients decide by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::BadInput { .. } => "BAD_USER_INPUT",
            Self::Conflict(_) => "CONFLICT",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::TooComplex(_) => "TOO_COMPLEX",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unsure => "OUTCOME_UNKNOWN",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// What a client may read: an internal error is logged here, once, and shown as an id.
    pub(crate) fn shown(&self) -> String {
        let Self::Internal(cause) = self else { return self.to_string() };
        let incident = hex::encode(rand::random::<[u8; 8]>());
        tracing::error!(incident, cause, "the control plane failed");
        format!("something went wrong on our side; incident {incident}")
    }
}

impl From<SealError> for AdminError {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound("object"),
            StoreError::Conflict(what) => Self::Conflict(what.to_owned()),
            StoreError::Busy => Self::RateLimited { retry_after_seconds: 1 },
            StoreError::Away(_) => Self::Unavailable,
            StoreError::Unsure(_) => Self::Unsure,
            other => Self::internal(other),
        }
    }
}
