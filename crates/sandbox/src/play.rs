//! Turns a rendered answer into what goes over the wire, with the faults a test asked for.
//!
//! Invariant: the chunk that a fault is counted by is a chunk with content; openings, pings and closings do
//! not count.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::body::{Ending, Step};
use crate::knobs::{Knobs, Malformed};
use crate::tokens::Tokens;

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

const ERROR_PAGE: &str = "<!doctype html>\n<html><head><title>Just a moment</title></head>\
     <body><h1>We will be right back</h1></body></html>\n";

/// One server-sent event of a rendered stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    pub(crate) is_content: bool,
}

impl Event {
    pub(crate) fn content(text: String) -> Self {
        Self { bytes: text.into(), is_content: true }
    }

    pub(crate) fn frame(text: String) -> Self {
        Self { bytes: text.into(), is_content: false }
    }
}

/// A response with status 200, ready to be sent.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) content_type: &'static str,
    /// The `content-length` announced; a stream announces none.
    pub(crate) length: Option<usize>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) ending: Ending,
}

/// The page of some machine in between, instead of an answer. No model ran, so nothing is billed.
pub(crate) fn error_page() -> Play {
    whole_of(Bytes::from_static(ERROR_PAGE.as_bytes()), HTML, Ending::Failed)
}

/// An answer in one piece.
pub(crate) fn whole(body: Bytes, knobs: &Knobs) -> Play {
    if let Some(after) = knobs.stall_after {
        return part_of(&body, after, Ending::Stall);
    }
    if let Some(after) = knobs.reset_after {
        return part_of(&body, after, Ending::Reset);
    }
    match knobs.malformed {
        Some(Malformed::Json) => whole_of(broken(&body, b",,,"), JSON, Ending::Failed),
        Some(Malformed::Truncated) => whole_of(broken(&body, b""), JSON, Ending::Failed),
        Some(Malformed::Sse) => {
            let event = [b"data: ", &body[..], b"\n\n"].concat();
            whole_of(event.into(), SSE, Ending::Failed)
        }
        Some(Malformed::Html) | None => whole_of(body, JSON, Ending::Answered),
    }
}

fn whole_of(body: Bytes, content_type: &'static str, ending: Ending) -> Play {
    let length = Some(body.len());
    let steps = VecDeque::from([Step { wait: Duration::ZERO, bytes: body, billed: None }]);
    Play { content_type, length, steps, ending }
}

/// Announces the whole body, sends nothing (`after` 0) or half of it.
fn part_of(body: &Bytes, after: usize, ending: Ending) -> Play {
    let half = body.slice(..if after == 0 { 0 } else { body.len() / 2 });
    let mut play = whole_of(half, JSON, ending);
    play.steps.retain(|step| !step.bytes.is_empty());
    Play { length: Some(body.len()), ..play }
}

/// The first half of a body, then these bytes.
fn broken(body: &Bytes, tail: &[u8]) -> Bytes {
    let (half, _) = body.split_at(body.len() / 2);
    [half, tail].concat().into()
}

/// An event whose JSON lacks its last two characters.
fn unclosed(event: &Bytes) -> Bytes {
    const END: &[u8] = b"\n\n";
    let (kept, _) = event.split_at(event.len().saturating_sub(END.len() + 2));
    [kept, END].concat().into()
}

/// A stream. `error` is the dialect's error event, for `error_in_stream`.
pub(crate) fn stream(events: Vec<Event>, plan: Tokens, knobs: &Knobs, error: Bytes) -> Play {
    let total = events.iter().filter(|event| event.is_content).count();
    let fault = fault(&events, knobs, error).filter(|fault| fault.after <= total);
    let mut steps = VecDeque::new();
    let mut sent = 0;
    for event in events {
        let is_over =
            fault.as_ref().is_some_and(|fault| sent == fault.after && (event.is_content || fault.after > 0));
        if is_over {
            break;
        }
        sent += usize::from(event.is_content);
        let is_paced = event.is_content && sent > 1;
        steps.push_back(Step {
            wait: Duration::from_millis(if is_paced { knobs.chunk_ms } else { 0 }),
            bytes: event.bytes,
            billed: event.is_content.then(|| plan.after(sent, total)),
        });
    }
    let ending = fault.as_ref().map_or(Ending::Answered, |fault| fault.ending);
    if let Some(tail) = fault.and_then(|fault| fault.tail) {
        steps.push_back(Step { wait: Duration::from_millis(knobs.chunk_ms), bytes: tail, billed: None });
    }
    Play { content_type: SSE, length: None, steps, ending }
}

/// Where a stream breaks off, and what is sent instead of the rest.
struct Fault {
    after: usize,
    ending: Ending,
    tail: Option<Bytes>,
}

fn fault(events: &[Event], knobs: &Knobs, error: Bytes) -> Option<Fault> {
    if let Some(after) = knobs.stall_after {
        return Some(Fault { after, ending: Ending::Stall, tail: None });
    }
    if let Some(after) = knobs.reset_after {
        return Some(Fault { after, ending: Ending::Reset, tail: None });
    }
    if let Some(after) = knobs.error_in_stream {
        return Some(Fault { after, ending: Ending::Failed, tail: Some(error) });
    }
    let contents: Vec<&Event> = events.iter().filter(|event| event.is_content).collect();
    let after_first = contents.len().min(1);
    let (after, tail) = match knobs.malformed? {
        Malformed::Html => return None,
        Malformed::Truncated => (contents.len(), None),
        Malformed::Sse => (after_first, Some(Bytes::from_static(b"data: \xff\xfe\n\n"))),
        Malformed::Json => (after_first, contents.last().map(|last| unclosed(&last.bytes))),
    };
    Some(Fault { after, ending: Ending::Failed, tail })
}

#[cfg(test)]
mod tests;
