//! From the pipeline's replies to an HTTP response: one body, or a stream with comments while there is nothing to say.
//!
//! Invariant: a stream that has begun always ends with a terminator; `X-Generation-Id` is on every answer and error.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use providers::{AnswerContext, DONE, KEEP_ALIVE, error_chunk};
use tokio::sync::mpsc::Receiver;

use super::error::ApiError;
use crate::Deps;
use crate::pipeline::{self, Call, Head, Reply};

const GENERATION: HeaderName = HeaderName::from_static("x-generation-id");
const OUTPUT_CAP: HeaderName = HeaderName::from_static("x-weir-output-cap");
const BUDGET_REMAINING: HeaderName = HeaderName::from_static("x-weir-budget-remaining");
const TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Runs `call` and answers the app.
pub(crate) async fn respond(deps: &Arc<Deps>, call: Call) -> Result<Response, ApiError> {
    let generation = call.id.generation();
    let context = AnswerContext {
        id: generation.clone(),
        created: call.admitted.at().as_seconds(),
        model: call.requested_model().to_owned(),
        provider: "Weir".to_owned(),
        exclude_reasoning: false,
    };
    let is_stream = call.is_stream;
    let mut replies = pipeline::start(deps, call);
    let first = if is_stream {
        // No content yet: the status is fixed at 200 now, and failover goes on behind the comments.
        tokio::time::timeout(deps.keep_alive, replies.recv())
            .await
            .unwrap_or(Some(Reply::Begun(Box::default())))
    } else {
        replies.recv().await
    };
    let mut response = match first {
        Some(Reply::Refused(error)) => error.into_response(),
        Some(Reply::Whole(head, body)) => with_head(json(body), &head),
        Some(Reply::Begun(head)) => {
            with_head(events(Stream { replies, context, pace: deps.keep_alive, over: false }), &head)
        }
        Some(Reply::Chunk(_) | Reply::Last(_)) | None => {
            ApiError::internal(&"the request's task ended early").into_response()
        }
    };
    if let Ok(value) = HeaderValue::from_str(&generation) {
        response.headers_mut().insert(GENERATION, value);
    }
    Ok(response)
}

fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn events(stream: Stream) -> Response {
    let body = futures::stream::unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((Ok::<_, Infallible>(piece), stream))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

fn with_head(mut response: Response, head: &Head) -> Response {
    let mut timings = String::with_capacity(32 * head.timings.len());
    for (stage, took) in &head.timings {
        let separator = if timings.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ =
            write!(timings, "{separator}{stage};dur={}.{:03}", took.as_millis(), took.subsec_micros() % 1000);
    }
    if let Ok(value) = HeaderValue::try_from(timings) {
        response.headers_mut().insert(TIMING, value);
    }
    let cap = head.cap.map(|(cap, why)| format!("{cap}; by={why}"));
    if let Some(Ok(value)) = cap.as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(OUTPUT_CAP, value);
    }
    let remaining = head.tightest.map(|(budget, usd)| format!("{usd}; budget={budget}"));
    if let Some(Ok(value)) = remaining.as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(BUDGET_REMAINING, value);
    }
    response
}

/// The body of a streamed answer. Dropping it tells the pipeline that the app has left.
struct Stream {
    replies: Receiver<Reply>,
    /// For an error that comes before any chunk could say who answers.
    context: AnswerContext,
    pace: Duration,
    over: bool,
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.over {
            let Ok(reply) = tokio::time::timeout(self.pace, self.replies.recv()).await else {
                return Some(Bytes::from_static(KEEP_ALIVE));
            };
            match reply {
                Some(Reply::Chunk(bytes)) => return Some(bytes),
                Some(Reply::Begun(_)) => {}
                Some(Reply::Last(bytes) | Reply::Whole(_, bytes)) => {
                    self.over = true;
                    return Some(bytes);
                }
                Some(Reply::Refused(error)) => return Some(self.in_band(&error)),
                None => return Some(self.in_band(&ApiError::internal(&"the request's task ended early"))),
            }
        }
        None
    }

    fn in_band(&mut self, error: &ApiError) -> Bytes {
        self.over = true;
        let mut bytes = error_chunk(&self.context, &error.object()).to_vec();
        bytes.extend_from_slice(DONE);
        Bytes::from(bytes)
    }
}
