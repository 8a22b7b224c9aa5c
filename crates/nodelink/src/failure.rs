//! A failure as it travels: a status, what kind it is, and a sentence.
//!
//! Invariant: both ends agree on the kinds; an answer without a kind says nothing about whether something was done.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::FAILURE_HEADER;

/// What a failure means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It will not be done before somebody mends something.
    Refused,
    /// Nothing was done; it may be tried again.
    NotDone,
    /// It may have been done.
    Unknown,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Refused, Self::NotDone, Self::Unknown];

    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotDone => "not-done",
            Self::Unknown => "unknown",
        }
    }

    /// Reads [`name`](Self::name) back; whatever else a peer says is [`Kind::Unknown`].
    pub(crate) fn named(value: Option<&HeaderValue>) -> Self {
        let is = |kind: &Self| value.is_some_and(|value| value.as_bytes() == kind.name().as_bytes());
        Self::ALL.into_iter().find(is).unwrap_or(Self::Unknown)
    }
}

/// A failure of the control plane's end.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    kind: Kind,
    text: String,
}

impl Failure {
    /// What was asked cannot be answered by anybody: nothing was done.
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, kind: Kind::NotDone, text: text.into() }
    }

    pub(crate) fn refused(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, kind: Kind::Refused, text: text.into() }
    }

    pub(crate) fn not_done(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    pub(crate) fn unknown(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_GATEWAY, kind: Kind::Unknown, text: text.into() }
    }

    /// The port is away; what is idempotent may be asked again.
    pub(crate) fn away(text: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, kind: Kind::Unknown, text: text.into() }
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(FAILURE_HEADER, HeaderValue::from_static(self.kind.name()));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}
