//! The way to providers: one pooled HTTP client, and what its failures mean.
//!
//! Invariant: redirects are never followed and answers never decompressed; dropping a response closes its stream.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first content of a stream.
    pub first_byte: Duration,
    /// From the request to the head of an answer that is not streamed, which comes when all of it is made.
    pub whole: Duration,
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

/// Whether anything of a request has left this machine.
#[derive(Clone, Default)]
pub(crate) struct SentMark(Arc<AtomicBool>);

impl SentMark {
    pub(crate) fn is_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that tells whether it was ever asked for: until then nothing of the request has left.
struct Marked {
    body: Full<Bytes>,
    asked_for: SentMark,
}

impl Body for Marked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked_for.0.store(true, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The client. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Marked>,
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
        connector.set_keepalive(Some(Duration::from_secs(30)));
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
            .http2_keep_alive_interval(Duration::from_secs(10))
            .http2_keep_alive_timeout(Duration::from_secs(5))
            .http2_keep_alive_while_idle(true)
            .build(connector);
        Self { client, timeouts }
    }

    /// Sends `request` and waits up to `patience` for the head of the answer; `sent` tells how far it came.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
        sent: &SentMark,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let request = request.map(|body| Marked { body, asked_for: sent.clone() });
        let answered = tokio::time::timeout(patience, self.client.request(request)).await;
        let reached = |otherwise| if sent.is_sent() { otherwise } else { UpstreamError::NotSent };
        let response = answered
            .map_err(|_| reached(UpstreamError::TimedOut))?
            .map_err(|_| reached(UpstreamError::Broken))?;
        let (head, body) = response.into_parts();
        Ok(UpstreamResponse { status: head.status, headers: head.headers, body })
    }
}
