//! Stage five, in one body: read the answer, settle, write it with its usage and cost.
//!
//! Invariant: settled before the first byte goes to the app; an app that has left changes nothing, because the provider
//! bills such a call whole.

use bytes::{Bytes, BytesMut};
use domain::ErrorCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use metering::usage::Outcome;
use providers::{Answer, Bill, ProviderError, Retry, Text};

use super::attempt::{Sent, told};
use super::settle::{End, Seen, Settled, settle};
use super::{App, Ask, Call, Reply, Tried};
use crate::Deps;
use crate::http::error::ApiError;

const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Reads, settles and relays a whole answer.
pub(super) async fn relay(deps: &Deps, call: &Call, sent: Sent, app: &App) -> Tried {
    let Sent { open, response, context, dialect, mut head, since, .. } = sent;
    let status = response.status.as_u16();
    let broken = |code| End { outcome: Outcome::Broken, status, error: Some(code) };
    let body = match read(deps, response.body).await {
        Ok(body) => body,
        Err(code) => {
            settle(deps, call, open, &broken(code), Seen::default()).await;
            let error = ApiError::new(code, format!("{}: the answer broke off", context.provider));
            return Tried::Failed(error, Retry::OtherEndpoint);
        }
    };
    head.timings.push(("upstream", since.elapsed()));
    let read: Result<Answer, ProviderError> = match &call.ask {
        Ask::Chat(_) => providers::chat_answer(dialect, &body, context.exclude_reasoning),
        Ask::Embeddings(_) => providers::embeddings_answer(dialect, &body),
    };
    let answer = match read {
        Ok(answer) => answer,
        Err(error) => {
            settle(deps, call, open, &broken(error.code), Seen::default()).await;
            return Tried::Failed(told(&error, &context.provider), error.retry);
        }
    };
    let seen = Seen {
        reported: answer.reported.usage,
        absurd: answer.reported.absurd,
        mismatch: answer.reported.total_mismatch,
        text: if answer.reported.usage.is_none() { answer.text() } else { Text::default() },
        finish_reason: answer.finish_reason.map(str::to_owned),
        first_byte_at: Some(deps.clock.now()),
        ..Seen::default()
    };
    let end = End { outcome: Outcome::Answered, status, error: None };
    let settled = settle(deps, call, open, &end, seen).await;
    app.send(Reply::Whole(Box::new(head), answer.write(&context, &bill(&settled)))).await;
    Tried::Done
}

/// What the answer says it cost.
pub(super) fn bill(settled: &Settled) -> Bill {
    let completion = settled.cost.get().saturating_sub(settled.prompt_cost.get());
    Bill {
        usage: settled.usage,
        cost: settled.cost,
        prompt_cost: Some(settled.prompt_cost),
        completion_cost: Some(domain::Pico::new(completion)),
        is_byok: settled.is_byok,
        upstream_cost: None,
    }
}

async fn read(deps: &Deps, mut body: Incoming) -> Result<Bytes, ErrorCode> {
    let mut whole = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(deps.upstream.timeouts.idle, body.frame()).await;
        let Some(frame) = frame.map_err(|_| ErrorCode::Timeout)? else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|_| ErrorCode::ProviderUnavailable)?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > MAX_ANSWER {
            return Err(ErrorCode::ProviderUnavailable);
        }
        if whole.is_empty() && body_ended(&body) {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
}

fn body_ended(body: &Incoming) -> bool {
    hyper::body::Body::is_end_stream(body)
}
