//! A provider that answers at once, from texts made at compile time, and counts the streams that are still open.
//!
//! Invariant: `streams_started = streams_completed + streams_aborted` once every client has gone.

mod dialect;
mod directive;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use self::dialect::{Dialect, Streamed};
use self::directive::Directive;
use crate::listen;

type Out = UnsyncBoxBody<Bytes, Infallible>;

/// What has been asked and answered so far.
#[derive(Default)]
struct Stats {
    requests: AtomicU64,
    streams_started: AtomicU64,
    streams_completed: AtomicU64,
    streams_aborted: AtomicU64,
}

impl Stats {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn as_json(&self) -> Bytes {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let stats = json!({
            "requests": read(&self.requests),
            "streams_started": read(&self.streams_started),
            "streams_completed": read(&self.streams_completed),
            "streams_aborted": read(&self.streams_aborted),
        });
        Bytes::from(stats.to_string())
    }
}

/// All of a request that decides its answer.
#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    stream: bool,
}

/// Answers chat completions and messages, and `/stats`.
///
/// # Errors
/// When nothing can be accepted any more.
pub(crate) async fn run(listener: TcpListener) -> anyhow::Result<()> {
    let stats = Arc::new(Stats::default());
    listen::serve(listener, move |request| answer(Arc::clone(&stats), request)).await
}

async fn answer(stats: Arc<Stats>, request: Request<Incoming>) -> Result<Response<Out>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path();
    if path == "/stats" {
        return Ok(whole(StatusCode::OK, stats.as_json()));
    }
    let Some(dialect) = Dialect::of(path) else {
        let error = Bytes::from_static(b"{\"error\":{\"message\":\"there is no such path\"}}");
        return Ok(whole(StatusCode::NOT_FOUND, error));
    };
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else {
        let error = Bytes::from_static(b"{\"error\":{\"message\":\"the body is not JSON\"}}");
        return Ok(whole(StatusCode::BAD_REQUEST, error));
    };
    Stats::add(&stats.requests);
    let directive = Directive::of(path, &body);
    if !directive.latency.is_zero() {
        tokio::time::sleep(directive.latency).await;
    }
    Ok(if ask.stream {
        streamed(stats, dialect.streamed(), directive)
    } else {
        whole(StatusCode::OK, Bytes::from_static(dialect.whole()))
    })
}

fn whole(status: StatusCode, body: Bytes) -> Response<Out> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A stream that counts itself as completed or aborted when it is dropped.
struct Open {
    stats: Arc<Stats>,
    text: Streamed,
    directive: Directive,
    sent: u32,
    is_over: bool,
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let number = self.sent;
        self.sent = self.sent.saturating_add(1);
        if number == 0 {
            return Some(Bytes::from_static(self.text.opening));
        }
        if number > self.directive.chunks {
            self.is_over = true;
            return Some(Bytes::from_static(self.text.closing));
        }
        if !self.directive.delay.is_zero() {
            tokio::time::sleep(self.directive.delay).await;
        }
        Some(Bytes::from_static(self.text.chunk))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let end = if self.is_over { &self.stats.streams_completed } else { &self.stats.streams_aborted };
        Stats::add(end);
    }
}

fn streamed(stats: Arc<Stats>, text: Streamed, directive: Directive) -> Response<Out> {
    Stats::add(&stats.streams_started);
    let open = Open { stats, text, directive, sent: 0, is_over: false };
    let pieces = stream::unfold(open, |mut open| async move {
        let piece = open.next().await?;
        Some((Ok(Frame::data(piece)), open))
    });
    let mut response = Response::new(StreamBody::new(pieces).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}
