//! Why a call gets an error status; each dialect puts it into its own body.
//!
//! Invariant: a refusal bills nothing.

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// The request field at fault, as the OpenAI dialect names it.
    pub(crate) param: Option<&'static str>,
    /// A code of the OpenAI dialect; without it the dialect picks the usual one of the status.
    pub(crate) code: Option<&'static str>,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    /// Wait before the answer, in milliseconds.
    pub(crate) latency_ms: u64,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None, retry_after: None, latency_ms: 0 }
    }

    /// A request that the dialect's documentation does not allow.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }
}

impl From<crate::knobs::BadKnob> for Refusal {
    fn from(bad: crate::knobs::BadKnob) -> Self {
        Self::invalid(bad.to_string())
    }
}
