//! The port to providers: one `match` on the dialect per direction, and what goes out.
//!
//! Invariant: nothing that only the gateway understands leaves by here, and the credential is in one header, marked
//! sensitive.

use bytes::Bytes;
use domain::model::Dialect;
use http::{HeaderMap, Method};

use crate::answer::Answer;
use crate::chat::ChatRequest;
use crate::embeddings::EmbeddingsRequest;
use crate::error::ProviderError;
use crate::{anthropic, openai};

/// Where a request goes, and as whom.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Where the provider's API begins, version segment included, no final slash.
    pub base_url: &'a str,
    /// What the provider calls the model.
    pub upstream_model: &'a str,
    /// The secret to call it with.
    pub credential: &'a str,
    /// The usage event's id; goes out as `X-Client-Request-Id`.
    pub event_id: &'a str,
    /// Completion tokens one choice may have at most; replaces what the app asked for.
    pub output_cap: Option<u32>,
}

/// A request as it goes to a provider. Holds content and a credential: no `Debug`.
pub struct Outgoing {
    /// `POST`, or `GET` for a list.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Every header but `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why a request cannot be said in a provider's dialect. Another candidate may take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// The dialect has nothing of the kind, and leaving it out would change what the app gets.
    #[error("{field}: {reason}")]
    Unsupported {
        /// The path of the field, e.g. `messages[2].content[0].input_audio`.
        field: String,
        /// Why, ours alone: holds nothing of the request.
        reason: &'static str,
    },
    /// The credential or the event id cannot stand in an HTTP header.
    #[error("the {what} has characters that cannot be sent")]
    Unsendable {
        /// `credential` or `event id`.
        what: &'static str,
    },
}

impl TranslateError {
    pub(crate) fn unsupported(field: impl Into<String>, reason: &'static str) -> Self {
        Self::Unsupported { field: field.into(), reason }
    }
}

/// A chat request in `dialect`.
///
/// # Errors
/// [`TranslateError`] where the request has something the dialect cannot say.
pub fn chat_request(
    dialect: Dialect,
    request: &ChatRequest,
    target: &Target<'_>,
) -> Result<Outgoing, TranslateError> {
    match dialect {
        Dialect::OpenAi => openai::chat_request(request, target),
        Dialect::Anthropic => anthropic::chat_request(request, target),
    }
}

/// An embeddings request in `dialect`.
///
/// # Errors
/// [`TranslateError`] where the dialect has no embeddings.
pub fn embeddings_request(
    dialect: Dialect,
    request: &EmbeddingsRequest,
    target: &Target<'_>,
) -> Result<Outgoing, TranslateError> {
    match dialect {
        Dialect::OpenAi => openai::embeddings_request(request, target),
        Dialect::Anthropic => Err(TranslateError::unsupported("input", "this provider has no embeddings")),
    }
}

/// Reads a whole chat answer. `exclude_reasoning` leaves the model's thinking out of it.
///
/// # Errors
/// [`ProviderError`] for an answer that cannot be read, or is an error in spite of its status.
pub fn chat_answer(dialect: Dialect, body: &Bytes, exclude_reasoning: bool) -> Result<Answer, ProviderError> {
    match dialect {
        Dialect::OpenAi => openai::chat_answer(body, exclude_reasoning),
        Dialect::Anthropic => anthropic::chat_answer(body, exclude_reasoning),
    }
}

/// Reads an embeddings answer.
///
/// # Errors
/// [`ProviderError`] for an answer that cannot be read, or is an error in spite of its status.
pub fn embeddings_answer(dialect: Dialect, body: &Bytes) -> Result<Answer, ProviderError> {
    match dialect {
        Dialect::OpenAi => openai::embeddings_answer(body),
        Dialect::Anthropic => Err(ProviderError::malformed("this provider has no embeddings")),
    }
}
