//! What a provider's refusal means: whose fault it is, and where the request may go next.
//!
//! Invariant: the provider's own words may echo the prompt; they are kept apart, have no `Debug`, and go to the app
//! alone. Neither an error's `Display` nor its `Debug` holds any of them.

use std::fmt;

use domain::ErrorCode;
use domain::model::Dialect;
use http::{HeaderMap, StatusCode, header};
use serde_json::value::RawValue;

use crate::json::Fields;

const MAX_MESSAGE_BYTES: usize = 2048;
const MAX_CODE_BYTES: usize = 64;

/// Where a request may go after this failure, as long as nothing has been sent to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// To the next candidate: the provider failed, not the request.
    OtherEndpoint,
    /// To another model only, where the app named any: no endpoint of this model will take the request as it is.
    OtherModel,
}

/// Words of a provider, which may echo content. No `Debug`, no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderText(String);

impl ProviderText {
    pub(crate) fn new(text: &str) -> Self {
        let mut end = text.len().min(MAX_MESSAGE_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text.get(..end).unwrap_or_default().to_owned())
    }

    /// The words, for the app's own answer and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A provider's refusal or nonsense, before or in the middle of an answer.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider answered {}", code.error_type())]
pub struct ProviderError {
    /// What the app is told if nothing else is tried.
    pub code: ErrorCode,
    /// Where the request may go next.
    pub retry: Retry,
    /// How long the provider asks to wait, in seconds.
    pub retry_after_s: Option<u64>,
    /// The provider's own machine-readable code, e.g. `overloaded_error`: at most 64 letters, digits, `_`, `-`, `.`.
    pub provider_code: Option<String>,
    /// What the app is told; the provider's own words where they are about the request.
    pub message: ProviderText,
}

impl fmt::Debug for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderError")
            .field("code", &self.code)
            .field("retry", &self.retry)
            .field("retry_after_s", &self.retry_after_s)
            .field("provider_code", &self.provider_code)
            .finish_non_exhaustive()
    }
}

impl ProviderError {
    /// An answer that cannot be read; `what` is ours and holds nothing of it.
    pub(crate) fn malformed(what: &str) -> Self {
        Self {
            code: ErrorCode::ProviderUnavailable,
            retry: Retry::OtherEndpoint,
            retry_after_s: None,
            provider_code: None,
            message: ProviderText::new(what),
        }
    }

    /// An `error` object inside an answer whose status was 200, whole or streamed.
    pub(crate) fn in_band(dialect: Dialect, error: &RawValue) -> Self {
        let said = Said::of_error(error);
        let status = match dialect {
            Dialect::OpenAi => said.status.unwrap_or(StatusCode::BAD_GATEWAY),
            Dialect::Anthropic => anthropic_status(said.kind.as_deref()),
        };
        classify(status, None, said)
    }
}

/// What an answer with a status other than 2xx means.
#[must_use]
pub fn provider_error(
    dialect: Dialect,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> ProviderError {
    let retry_after_s = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<u64>().ok());
    let said = Said::of_body(body);
    let status = match (dialect, status) {
        // Redirects are not followed: a provider that moved is a provider that is not there.
        (_, status) if status.is_redirection() || status.is_success() => StatusCode::BAD_GATEWAY,
        (_, status) => status,
    };
    classify(status, retry_after_s, said)
}

/// The machine- and human-readable parts of an error body.
#[derive(Default)]
struct Said {
    /// OpenAI's `type`, Anthropic's `type`.
    kind: Option<String>,
    /// OpenAI's `code`.
    code: Option<String>,
    /// A numeric `code` that is an HTTP error status.
    status: Option<StatusCode>,
    message: Option<String>,
}

impl Said {
    /// `{"error": {…}}`, `{"error": "text"}`, or the fields at the top; some hosts wrap the object into an array.
    fn of_body(body: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(body) else { return Self::default() };
        let wrapped: Option<Vec<&RawValue>> = serde_json::from_str(text).ok();
        let text = wrapped.as_ref().and_then(|list| list.first()).map_or(text, |first| first.get());
        let Ok(top) = serde_json::from_str::<&RawValue>(text) else { return Self::default() };
        let fields = Fields::of(top).unwrap_or_default();
        Self::of_error(fields.present("error").unwrap_or(top))
    }

    fn of_error(error: &RawValue) -> Self {
        if let Ok(message) = serde_json::from_str::<String>(error.get()) {
            return Self { message: Some(message), ..Self::default() };
        }
        let fields = Fields::of(error).unwrap_or_default();
        let number: Option<u16> = fields.present("code").and_then(|raw| raw.get().parse().ok());
        Self {
            kind: fields.text("type"),
            code: fields.text("code"),
            status: number.and_then(|n| StatusCode::from_u16(n).ok()).filter(|status| status.as_u16() >= 400),
            message: fields.text("message"),
        }
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|said| names.contains(&said.as_str()))
    }

    fn mentions(&self, phrases: &[&str]) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }

    fn machine_code(&self) -> Option<String> {
        let is_plain = |text: &&String| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            !text.is_empty() && text.len() <= MAX_CODE_BYTES && text.bytes().all(plain)
        };
        self.code.as_ref().filter(is_plain).or(self.kind.as_ref().filter(is_plain)).cloned()
    }
}

const CONTEXT_CODES: [&str; 2] = ["context_length_exceeded", "string_above_max_length"];
const CONTEXT_PHRASES: [&str; 5] = [
    "maximum context length",
    "context window",
    "prompt is too long",
    "exceed context limit",
    "too many tokens",
];
const POLICY_CODES: [&str; 4] =
    ["content_policy_violation", "content_filter", "moderation_blocked", "cyber_policy_violation"];
/// The account behind the credential has run dry; Anthropic says so with a 400, OpenAI with a 429.
const ACCOUNT_CODES: [&str; 3] = ["insufficient_quota", "billing_error", "billing_hard_limit_reached"];
const ACCOUNT_PHRASES: [&str; 2] = ["credit balance is too low", "insufficient balance"];

fn classify(status: StatusCode, retry_after_s: Option<u64>, said: Said) -> ProviderError {
    use ErrorCode::{
        ContentPolicyViolation, ContextLengthExceeded, InvalidRequest, NotFound, PayloadTooLarge,
        ProviderOverloaded, ProviderUnavailable, RateLimitExceeded, Timeout,
    };
    let is_account = said.is_one_of(&ACCOUNT_CODES) || said.mentions(&ACCOUNT_PHRASES);
    let (code, retry, own_words) = match status.as_u16() {
        _ if is_account => {
            (ProviderUnavailable, Retry::OtherEndpoint, Some("the account at the provider is out of credit"))
        }
        401 | 403 => (
            ProviderUnavailable,
            Retry::OtherEndpoint,
            Some(
                "the provider refused the credential it was called with; this is not about the app's own key",
            ),
        ),
        402 => {
            (ProviderUnavailable, Retry::OtherEndpoint, Some("the account at the provider is out of credit"))
        }
        404 => (NotFound, Retry::OtherEndpoint, None),
        408 | 504 | 524 => (Timeout, Retry::OtherEndpoint, None),
        413 => (PayloadTooLarge, Retry::OtherEndpoint, None),
        429 => (RateLimitExceeded, Retry::OtherEndpoint, None),
        503 | 529 => (ProviderOverloaded, Retry::OtherEndpoint, None),
        400 | 422 if said.is_one_of(&CONTEXT_CODES) || said.mentions(&CONTEXT_PHRASES) => {
            (ContextLengthExceeded, Retry::OtherModel, None)
        }
        400 | 422 if said.is_one_of(&POLICY_CODES) => (ContentPolicyViolation, Retry::OtherModel, None),
        400..=499 => (InvalidRequest, Retry::OtherModel, None),
        _ => (ProviderUnavailable, Retry::OtherEndpoint, None),
    };
    let provider_code = said.machine_code();
    let message = own_words.or(said.message.as_deref()).unwrap_or("the provider gave no reason");
    ProviderError { code, retry, retry_after_s, provider_code, message: ProviderText::new(message) }
}

/// Anthropic's error types, which stand for a status where there is none: in a stream.
fn anthropic_status(kind: Option<&str>) -> StatusCode {
    match kind {
        Some("invalid_request_error") => StatusCode::BAD_REQUEST,
        Some("authentication_error") => StatusCode::UNAUTHORIZED,
        Some("permission_error") => StatusCode::FORBIDDEN,
        Some("not_found_error") => StatusCode::NOT_FOUND,
        Some("request_too_large") => StatusCode::PAYLOAD_TOO_LARGE,
        Some("rate_limit_error") => StatusCode::TOO_MANY_REQUESTS,
        Some("overloaded_error") => StatusCode::SERVICE_UNAVAILABLE,
        Some("timeout_error") => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

#[cfg(test)]
mod tests;
