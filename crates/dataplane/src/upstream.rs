//! The way to providers: one pooled HTTP client, and what its failures mean.
//!
//! Invariant: redirects are never followed and answers never decompressed; dropping a response closes its stream.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first content.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
}

/// Why there was no answer at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// Nothing was sent: nothing can be owed.
    #[error("no connection to the provider")]
    NotSent,
    /// The connection broke before an answer came; something may be owed.
    #[error("the provider closed the connection before answering")]
    Broken,
    /// No answer in time; something may be owed.
    #[error("the provider did not answer in time")]
    TimedOut,
}

/// An answer that has begun.
pub(crate) struct UpstreamResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

/// The client. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    pub(crate) timeouts: Timeouts,
}

impl Upstream {
    /// A client that trusts the web's certificate authorities.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(timeouts.connect));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .build(connector);
        Self { client, timeouts }
    }

    /// Sends `request` and waits for the head of the answer.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<UpstreamResponse, UpstreamError> {
        let answered = tokio::time::timeout(self.timeouts.first_byte, self.client.request(request)).await;
        let response = answered.map_err(|_| UpstreamError::TimedOut)?.map_err(|error| {
            if error.is_connect() { UpstreamError::NotSent } else { UpstreamError::Broken }
        })?;
        let (head, body) = response.into_parts();
        Ok(UpstreamResponse { status: head.status, headers: head.headers, body })
    }
}
