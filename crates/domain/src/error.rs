//! The closed list of what can go wrong for an app, each with its HTTP status and `error_type`.
//!
//! Invariant: adding a code is a reviewed change; what decides about retries is here and nowhere else.

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request is malformed or a field is wrong.
    InvalidRequest,
    /// The prompt and the asked-for output do not fit the model.
    ContextLengthExceeded,
    /// The provider or a filter refused the content.
    ContentPolicyViolation,
    /// No key, or one that is not accepted.
    Authentication,
    /// A budget is used up.
    PaymentRequired,
    /// The key may not do this.
    PermissionDenied,
    /// No such model, or no endpoint that policy permits.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    /// Too many requests, ours or every provider's limit.
    RateLimitExceeded,
    /// A fault of ours.
    Server,
    /// The provider failed or answered nonsense.
    ProviderUnavailable,
    /// The provider is overloaded, or this node cannot admit requests now.
    ProviderOverloaded,
    /// The provider took too long.
    Timeout,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::InvalidRequest,
        Self::ContextLengthExceeded,
        Self::ContentPolicyViolation,
        Self::Authentication,
        Self::PaymentRequired,
        Self::PermissionDenied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimitExceeded,
        Self::Server,
        Self::ProviderUnavailable,
        Self::ProviderOverloaded,
        Self::Timeout,
    ];

    /// The name in SQL and reports; unlike [`error_type`](Self::error_type), one per code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            other => other.error_type(),
        }
    }

    /// The code with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::ContextLengthExceeded | Self::ContentPolicyViolation => 400,
            Self::Authentication => 401,
            Self::PaymentRequired => 402,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimitExceeded => 429,
            Self::Server => 500,
            Self::ProviderUnavailable => 502,
            Self::ProviderOverloaded => 503,
            Self::Timeout => 504,
        }
    }

    /// OpenRouter's `error_type`: the one field that is the same in every dialect.
    #[must_use]
    pub const fn error_type(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::MethodNotAllowed | Self::UnsupportedMediaType => "invalid_request",
            Self::ContextLengthExceeded => "context_length_exceeded",
            Self::ContentPolicyViolation => "content_policy_violation",
            Self::Authentication => "authentication",
            Self::PaymentRequired => "payment_required",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::PayloadTooLarge => "payload_too_large",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::Server => "server",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderOverloaded => "provider_overloaded",
            Self::Timeout => "timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_from_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
        }
    }
}
