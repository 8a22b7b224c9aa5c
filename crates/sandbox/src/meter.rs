//! The provider's own books: one record per call, in order of arrival, billed by the sandbox's own prices.
//!
//! Invariant: every call that was opened is closed exactly once, by [`OpenCall`]: answered, refused, failed,
//! or, when it is dropped unfinished because the client left, cut.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};

use crate::prices::Prices;
use crate::tokens::Tokens;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Still at it.
    Open,
    /// The last byte was handed over.
    Answered,
    /// The client left first.
    Cut,
    /// An error status of the caller's making (4xx).
    Refused,
    /// An error status of the provider's making (5xx), or an answer it broke.
    Failed,
}

#[derive(Debug, Default)]
pub(crate) struct Meter {
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    /// Sequence number of the first call in `calls`; the others follow without gaps.
    first: u64,
    calls: Vec<Call>,
    open_streams: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self { first: 1, calls: Vec::new(), open_streams: 0 }
    }
}

#[derive(Debug)]
struct Call {
    seq: u64,
    id: Option<String>,
    site: &'static str,
    model: Option<String>,
    stream: bool,
    state: State,
    status: Option<u16>,
    started_ms: i64,
    ended_ms: Option<i64>,
    prices: Prices,
    billed: Tokens,
    streamed: Tokens,
}

impl Call {
    fn cost_pico(&self) -> i128 {
        self.prices.cost_pico(&self.billed)
    }

    fn view(&self) -> Value {
        json!({
            "seq": self.seq,
            "id": self.id,
            "site": self.site,
            "model": self.model,
            "stream": self.stream,
            "state": self.state,
            "status": self.status,
            "started_ms": self.started_ms,
            "ended_ms": self.ended_ms,
            "usage": self.billed,
            "cost_pico": self.cost_pico().to_string(),
            "streamed_pico": self.prices.cost_pico(&self.streamed).to_string(),
        })
    }
}

impl Meter {
    /// Opens the record of a call that has just arrived.
    pub(crate) fn open(self: &Arc<Self>, site: &'static str, id: Option<String>) -> OpenCall {
        let started_ms = now_ms();
        let mut book = self.book.lock();
        let seq = book.first + book.calls.len() as u64;
        book.calls.push(Call {
            seq,
            id,
            site,
            model: None,
            stream: false,
            state: State::Open,
            status: None,
            started_ms,
            ended_ms: None,
            prices: Prices::default(),
            billed: Tokens::default(),
            streamed: Tokens::default(),
        });
        drop(book);
        OpenCall {
            meter: Arc::clone(self),
            seq,
            started_ms,
            plan: Tokens::default(),
            stream: Stream::No,
            bills_on: false,
            claimed: 0,
            closed: false,
        }
    }

    /// The calls after `since`, of this client request id where one is given, and what they cost together.
    pub(crate) fn view(&self, id: Option<&str>, since: u64) -> Value {
        let book = self.book.lock();
        let asked = |call: &&Call| call.seq > since && id.is_none_or(|id| call.id.as_deref() == Some(id));
        let total: i128 = book.calls.iter().filter(asked).map(Call::cost_pico).sum();
        let calls: Vec<Value> = book.calls.iter().filter(asked).map(Call::view).collect();
        json!({ "calls": calls, "total_pico": total.to_string() })
    }

    /// Counts by state. Open streams are counted live, whatever was cleared.
    pub(crate) fn stats(&self) -> Value {
        let book = self.book.lock();
        let count = |state: State| book.calls.iter().filter(|call| call.state == state).count();
        json!({
            "calls": book.calls.len(),
            "open": count(State::Open),
            "open_streams": book.open_streams,
            "answered": count(State::Answered),
            "cut": count(State::Cut),
            "refused": count(State::Refused),
            "failed": count(State::Failed),
        })
    }

    /// Forgets all records. Sequence numbers go on; calls still open are no longer recorded.
    pub(crate) fn clear(&self) {
        let mut book = self.book.lock();
        book.first += book.calls.len() as u64;
        book.calls.clear();
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut Call)) {
        let mut book = self.book.lock();
        let at = seq.checked_sub(book.first).and_then(|at| usize::try_from(at).ok());
        if let Some(call) = at.and_then(|at| book.calls.get_mut(at)) {
            change(call);
        }
    }
}

/// Whether a call counts among the open streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    No,
    Open,
}

/// A call in progress. Dropping it unfinished means that the client left.
#[derive(Debug)]
pub(crate) struct OpenCall {
    meter: Arc<Meter>,
    seq: u64,
    started_ms: i64,
    plan: Tokens,
    stream: Stream,
    /// A stream that is cut is billed in full.
    bills_on: bool,
    /// Output that the answer claims before there is any.
    claimed: u64,
    closed: bool,
}

impl OpenCall {
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Arrival in Unix seconds.
    pub(crate) fn started_s(&self) -> i64 {
        self.started_ms / 1000
    }

    /// Notes what was asked for, as soon as it is known.
    pub(crate) fn describe(&self, model: &str, stream: bool) {
        self.meter.change(self.seq, |call| {
            call.model = Some(model.to_owned());
            call.stream = stream;
        });
    }

    /// Whether the call is billed in full also where its stream is cut. Said before [`plan`](Self::plan).
    pub(crate) fn bills_on(&mut self, bills_on: bool) {
        self.bills_on = bills_on;
    }

    /// How much output the answer's first words claim, which is billed from then on. Said before [`plan`](Self::plan).
    pub(crate) fn claims(&mut self, output: u64) {
        self.claimed = output;
    }

    /// Notes the model that will answer and what the whole answer costs. From here on a stream that is cut is
    /// billed for its prompt and what was sent, any other call in full.
    pub(crate) fn plan(&mut self, model: &crate::prices::Model, plan: Tokens, stream: bool) {
        self.plan = plan;
        if stream {
            self.stream = Stream::Open;
            self.meter.book.lock().open_streams += 1;
        }
        let prompt = plan.after(0, 1).at_least(self.claimed);
        let is_billed_as_sent = stream && !self.bills_on;
        self.meter.change(self.seq, |call| {
            call.model = Some(model.name.clone());
            call.status = Some(200);
            call.prices = model.prices;
            call.billed = if is_billed_as_sent { prompt } else { plan };
            call.streamed = prompt;
        });
    }

    /// Notes that so much has been handed over.
    pub(crate) fn sent(&self, tokens: Tokens) {
        let is_billed_as_sent = self.stream == Stream::Open && !self.bills_on;
        let tokens = tokens.at_least(self.claimed);
        self.meter.change(self.seq, |call| {
            call.streamed = tokens;
            if is_billed_as_sent {
                call.billed = tokens;
            }
        });
    }

    /// The whole answer has been handed over.
    pub(crate) fn answered(&mut self) {
        self.sent(self.plan);
        self.close(State::Answered, None);
    }

    /// The provider broke its answer; what was billed so far stays.
    pub(crate) fn failed(&mut self) {
        self.close(State::Failed, None);
    }

    /// An error status. Nothing was planned, so nothing is billed.
    pub(crate) fn refused(&mut self, status: u16) {
        let state = if status >= 500 { State::Failed } else { State::Refused };
        self.close(state, Some(status));
    }

    fn close(&mut self, state: State, status: Option<u16>) {
        if self.closed {
            return;
        }
        self.closed = true;
        if self.stream == Stream::Open {
            let mut book = self.meter.book.lock();
            book.open_streams = book.open_streams.saturating_sub(1);
        }
        let ended_ms = now_ms();
        self.meter.change(self.seq, |call| {
            call.state = state;
            call.status = status.or(call.status);
            call.ended_ms = Some(ended_ms);
        });
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.close(State::Cut, None);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a witness keeps its own clock; it only labels records with it"
)]
fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
