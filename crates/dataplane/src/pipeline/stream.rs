//! Stage five, streamed: chunks go to the app as they come; the end is settled before it is sent.
//!
//! Invariant: until the first content nothing has been sent, so that another endpoint may be tried; after it, every
//! stream ends with usage and a terminator, or with one error and a terminator.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use domain::{ErrorCode, TokenClass, TokenUsage};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use metering::ports::Record;
use metering::usage::{self, Outcome};
use providers::{
    AnswerContext, ChatStream, Chunk, DONE, Ending, Retry, error_chunk, length_chunk, usage_chunk,
};

use super::attempt::{Sent, told};
use super::guard::{Guard, Verdict};
use super::settle::{End, Open, Seen, floor_cost, settle};
use super::whole::bill;
use super::{App, Call, Head, Reply, Tried, restarting};
use crate::Deps;
use crate::drain::Drain;
use crate::http::error::ApiError;

const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Why Weir itself ended an answer, in the metadata of its last choice.
const BUDGET: &str = "budget";

/// Relays a streamed answer to its end, or to the app's.
pub(super) async fn relay(deps: &Deps, call: &Call, sent: Sent, app: &App) -> Tried {
    let Sent { open, response, context, dialect, head, since, drain } = sent;
    let mut relay = Relay {
        deps,
        call,
        app,
        guard: Guard::over(call, &open),
        open,
        stream: ChatStream::new(dialect, &context),
        context,
        status: response.status.as_u16(),
        head: Some(head),
        held: Vec::new(),
        first_byte_at: None,
        since,
        noted: Instant::now(),
    };
    let mut body = response.body;
    let stop = match relay.pump(&mut body).await {
        // The usage is in hand: an app that hung up at the last content changes nothing.
        Stop::Left if relay.stream.is_over() => Stop::Ended,
        Stop::Left => {
            relay.drain(&mut body, drain).await;
            Stop::Left
        }
        stop => stop,
    };
    // The provider learns of it before anything is counted.
    drop(body);
    let Over { begun, last, tried } = match stop {
        Stop::Ended => relay.end().await,
        Stop::Left => relay.left().await,
        Stop::Beyond => relay.beyond().await,
        Stop::Restarting => relay.cut_short().await,
        Stop::Failed(error, retry) => relay.fail(error, retry).await,
    };
    for reply in [begun.map(Box::new).map(Reply::Begun), last.map(Reply::Last)].into_iter().flatten() {
        app.send(reply).await;
    }
    tried
}

/// A settled stream: what the app is still to be sent.
struct Over {
    /// Where nothing was sent before.
    begun: Option<Head>,
    last: Option<Bytes>,
    tried: Tried,
}

impl Over {
    fn silent(tried: Tried) -> Self {
        Self { begun: None, last: None, tried }
    }
}

/// Why pumping stopped.
enum Stop {
    Ended,
    Left,
    /// More came than was asked for, and than budgets cover.
    Beyond,
    Restarting,
    Failed(ApiError, Retry),
}

struct Relay<'a> {
    deps: &'a Deps,
    call: &'a Call,
    app: &'a App,
    guard: Guard,
    open: Open,
    stream: ChatStream,
    context: AnswerContext,
    status: u16,
    /// Until the first content: what the answer's head will say.
    head: Option<Head>,
    /// Chunks before the first content.
    held: Vec<Bytes>,
    first_byte_at: Option<domain::Timestamp>,
    since: Instant,
    noted: Instant,
}

impl Relay<'_> {
    async fn pump(&mut self, body: &mut Incoming) -> Stop {
        let mut chunks = Vec::new();
        loop {
            let frame = tokio::select! {
                biased;
                () = self.app.gone() => return Stop::Left,
                () = self.deps.cut.cancelled() => return Stop::Restarting,
                frame = tokio::time::timeout(self.patience(), body.frame()) => frame,
            };
            let data = match self.data(frame) {
                Ok(Some(data)) => data,
                Ok(None) => return Stop::Ended,
                Err(error) => return Stop::Failed(error, Retry::OtherEndpoint),
            };
            let fed = self.stream.feed(&data, &mut chunks);
            if !self.pass_on(&mut chunks).await {
                return Stop::Left;
            }
            if let Err(error) = fed {
                return Stop::Failed(told(&error, &self.context.provider), error.retry);
            }
            if self.stream.is_over() {
                return Stop::Ended;
            }
            // Boxed: hardly any stream gets there.
            if self.guard.is_due(self.stream.rough_tokens()) && !Box::pin(self.keeps_within()).await {
                return Stop::Beyond;
            }
            self.note_progress();
        }
    }

    /// Counts what came; where it is more than was reserved for, more is. Whether the stream may go on.
    async fn keeps_within(&mut self) -> bool {
        let rough = self.stream.rough_tokens();
        let counted = self.deps.counting.answer(&self.open.attempt.model, self.stream.text()).await;
        let Verdict::Beyond { tokens, is_certain } = self.guard.judge(rough, counted) else { return true };
        if self.guard.grow(self.deps, self.call, &mut self.open, tokens).await {
            self.journal_progress();
            return true;
        }
        if is_certain {
            tracing::warn!(event.id = %self.open.attempt.id, provider = self.open.attempt.provider,
                "a provider streams more than it was asked for, and the budget covers no more; the stream is ended");
        }
        !is_certain
    }

    /// Reads on to the usage, for nobody, where the provider bills to the end all the same.
    async fn drain(&mut self, body: &mut Incoming, begun: Option<Drain>) {
        let begin = || self.deps.drains.begin(&self.open.attempt.provider);
        let Some(drain) = begun.or_else(begin) else { return };
        let mut unread = Vec::new();
        while let Some(Some(Ok(frame))) = drain.within(body.frame()).await {
            let fed = self.stream.feed(&frame.into_data().unwrap_or_default(), &mut unread);
            unread.clear();
            if fed.is_err() || self.stream.is_over() {
                return;
            }
            self.note_progress();
        }
    }

    /// How long to wait for the next piece.
    fn patience(&self) -> Duration {
        let timeouts = self.deps.upstream.timeouts;
        let begun = self.head.is_none() || self.stream.progress().text_bytes > 0;
        if begun { timeouts.idle } else { timeouts.first_byte.saturating_sub(self.since.elapsed()) }
    }

    fn data(
        &self,
        frame: Result<Option<Result<Frame<Bytes>, hyper::Error>>, tokio::time::error::Elapsed>,
    ) -> Result<Option<Bytes>, ApiError> {
        let broken = |code, what| ApiError::new(code, format!("{}: {what}", self.context.provider));
        match frame {
            Err(_) => Err(broken(ErrorCode::Timeout, "the provider fell silent")),
            Ok(Some(Err(_))) => {
                Err(broken(ErrorCode::ProviderUnavailable, "the provider closed the connection"))
            }
            Ok(None) => Ok(None),
            Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        }
    }

    /// Sends what was made of one piece, holding it back until there is content; whether the app is still there.
    async fn pass_on(&mut self, chunks: &mut Vec<Chunk>) -> bool {
        if chunks.is_empty() {
            return true;
        }
        let has_content = chunks.iter().any(|chunk| chunk.is_content);
        self.held.extend(chunks.drain(..).map(|chunk| chunk.bytes));
        if has_content && self.head.is_some() && !self.begin().await {
            return false;
        }
        if self.head.is_some() {
            return true;
        }
        let bytes = joined(&mut self.held);
        self.app.send(Reply::Chunk(bytes)).await
    }

    async fn begin(&mut self) -> bool {
        match self.begun() {
            Some(head) => self.app.send(Reply::Begun(Box::new(head))).await,
            None => true,
        }
    }

    /// Notes the first content; the head, the first time.
    fn begun(&mut self) -> Option<Head> {
        let head = self.head.take()?;
        self.first_byte_at = Some(self.deps.clock.now());
        let waited = self.since.elapsed().as_secs_f64();
        let provider = self.open.attempt.provider.as_str();
        self.deps.metrics.first_content.with_label_values(&[provider]).observe(waited);
        Some(head)
    }

    fn note_progress(&mut self) {
        if self.noted.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.journal_progress();
    }

    fn journal_progress(&mut self) {
        self.noted = Instant::now();
        let usage = self.floor();
        let progress = usage::Progress { usage, streamed: floor_cost(&self.open, &usage) };
        if let Err(error) = self.deps.journal.append(&Record::Progress(self.open.attempt.id, progress)) {
            tracing::warn!(%error, "progress could not be journalled");
        }
    }

    /// Never more than the truth: what the provider said, and a token for each piece of content.
    fn floor(&self) -> TokenUsage {
        let progress = self.stream.progress();
        let said = progress.reported.usage.unwrap_or_default();
        let output = said
            .get(TokenClass::Output)
            .max(progress.content_chunks.saturating_sub(said.get(TokenClass::Reasoning)));
        said.with(TokenClass::Output, output)
    }

    /// What was seen so far; takes the text out.
    fn seen(&mut self) -> Seen {
        let progress = self.stream.progress();
        Seen {
            floor: self.floor(),
            text: self.stream.take_text(),
            absurd: progress.reported.absurd,
            first_byte_at: self.first_byte_at,
            ..Seen::default()
        }
    }

    /// What was seen, with the provider's last word where it was said; whether nothing is missing.
    fn heard(&mut self) -> (Seen, bool) {
        let seen = self.seen();
        let stream = std::mem::replace(
            &mut self.stream,
            ChatStream::new(domain::model::Dialect::OpenAi, &self.context),
        );
        let Ending { reported, finish_reason, complete } = stream.finish();
        let seen = Seen {
            reported: reported.usage,
            absurd: seen.absurd || reported.absurd,
            mismatch: reported.total_mismatch,
            finish_reason: finish_reason.map(str::to_owned),
            ..seen
        };
        (seen, complete)
    }

    /// The app hung up.
    async fn left(mut self) -> Over {
        let (seen, _) = self.heard();
        let end = End { outcome: Outcome::Cut, status: self.status, error: None };
        settle(self.deps, self.call, self.open, &end, seen).await;
        Over::silent(Tried::Done)
    }

    /// The answer is as long as budgets cover: it ends as it would at its cap.
    async fn beyond(mut self) -> Over {
        let (seen, _) = self.heard();
        let begun = self.begun();
        let finish_reason = Some("length".to_owned());
        let seen = Seen { finish_reason, first_byte_at: self.first_byte_at, ..seen };
        let end = End { outcome: Outcome::Cut, status: self.status, error: None };
        let settled = settle(self.deps, self.call, self.open, &end, seen).await;
        self.held.push(length_chunk(&self.context, self.call.needs.choices, BUDGET));
        self.held.push(usage_chunk(&self.context, &bill(&settled)));
        Over { begun, last: Some(terminated(self.held)), tried: Tried::Done }
    }

    /// The provider closed the stream: to the end, or in the middle.
    async fn end(mut self) -> Over {
        let (mut seen, is_complete) = self.heard();
        if !is_complete {
            let what = format!("{}: the provider closed the stream before its end", self.context.provider);
            let error = ApiError::new(ErrorCode::ProviderUnavailable, what);
            return self.fail_with(error, Retry::OtherEndpoint, seen).await;
        }
        let begun = self.begun();
        seen.first_byte_at = self.first_byte_at;
        let end = End { outcome: Outcome::Answered, status: self.status, error: None };
        let settled = settle(self.deps, self.call, self.open, &end, seen).await;
        self.held.push(usage_chunk(&self.context, &bill(&settled)));
        Over { begun, last: Some(terminated(self.held)), tried: Tried::Done }
    }

    async fn fail(mut self, error: ApiError, retry: Retry) -> Over {
        let seen = self.seen();
        self.fail_with(error, retry, seen).await
    }

    /// The process ends before the stream does.
    async fn cut_short(mut self) -> Over {
        let (seen, error) = (self.seen(), restarting());
        let end = End { outcome: Outcome::Cut, status: self.status, error: Some(error.code) };
        settle(self.deps, self.call, self.open, &end, seen).await;
        if self.head.is_some() {
            return Over::silent(Tried::Refused(error));
        }
        self.held.push(error_chunk(&self.context, &error.object()));
        Over { begun: None, last: Some(terminated(self.held)), tried: Tried::Done }
    }

    /// Before any content somebody else may be tried; after it the error goes into the stream.
    async fn fail_with(mut self, error: ApiError, retry: Retry, seen: Seen) -> Over {
        let error = error.with("provider_name", serde_json::json!(self.context.provider));
        let end = End { outcome: Outcome::Broken, status: self.status, error: Some(error.code) };
        settle(self.deps, self.call, self.open, &end, seen).await;
        if self.head.is_some() {
            return Over::silent(Tried::Failed(error, retry));
        }
        self.held.push(error_chunk(&self.context, &error.object()));
        Over { begun: None, last: Some(terminated(self.held)), tried: Tried::Done }
    }
}

/// The last pieces and the terminator.
fn terminated(mut pieces: Vec<Bytes>) -> Bytes {
    pieces.push(Bytes::from_static(DONE));
    joined(&mut pieces)
}

/// The pieces as one, so that they leave in one write.
fn joined(pieces: &mut Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces.drain(..) {
        all.extend_from_slice(&piece);
    }
    all.freeze()
}
