//! What a test may ask of a simulated provider, call by call.
//!
//! Invariant: an unknown knob or an unreadable value is an error, never ignored, so that a typing mistake in
//! a test cannot make it pass.

use serde_json::{Value, json};

use crate::refusal::Refusal;

/// More chunks than this are refused, so that a mistake cannot fill the memory.
const MAX_CHUNKS: u64 = 100_000;

/// A knob that cannot be used; the message says which and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("sandbox: {0}")]
pub(crate) struct BadKnob(pub(crate) String);

/// How the reported usage is falsified. The meter keeps the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsageFault {
    Missing,
    Absurd,
    Negative,
    Huge,
    Words,
}

impl UsageFault {
    /// What stands where a count should, twice; nothing where usage is missing.
    pub(crate) fn counts(self) -> Option<[Value; 2]> {
        match self {
            Self::Missing => None,
            Self::Absurd => Some([json!(-5), json!(u64::MAX)]),
            Self::Negative => Some([json!(-5), json!(-7)]),
            // the least that a double cannot hold
            Self::Huge => Some([json!((1_u64 << 53) + 1), json!((1_u64 << 53) + 1)]),
            Self::Words => Some([json!("many"), json!("more")]),
        }
    }
}

/// How the answer is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Json,
    Sse,
    Html,
    Truncated,
}

/// The knobs of one call, merged from all their sources. `None` means: as a healthy provider would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Knobs {
    pub(crate) reply: Option<String>,
    pub(crate) prompt_tokens: Option<u64>,
    pub(crate) completion_tokens: Option<u64>,
    pub(crate) cached_tokens: Option<u64>,
    pub(crate) cache_write_5m: Option<u64>,
    pub(crate) cache_write_1h: Option<u64>,
    pub(crate) reasoning_tokens: Option<u64>,
    pub(crate) uncapped: bool,
    pub(crate) bills_on: bool,
    pub(crate) tool: Option<String>,
    pub(crate) tool_args: Option<String>,
    pub(crate) finish: Option<String>,
    pub(crate) latency_ms: u64,
    pub(crate) chunks: Option<usize>,
    pub(crate) chunk_ms: u64,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) message: Option<String>,
    pub(crate) stall_after: Option<usize>,
    pub(crate) reset_after: Option<usize>,
    pub(crate) error_in_stream: Option<usize>,
    pub(crate) usage: Option<UsageFault>,
    pub(crate) malformed: Option<Malformed>,
}

impl Knobs {
    /// Turns one knob. The last turn wins.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), BadKnob> {
        match key {
            "reply" => self.reply = Some(value.to_owned()),
            "prompt_tokens" => self.prompt_tokens = Some(number(key, value)?),
            "completion_tokens" => self.completion_tokens = Some(number(key, value)?),
            "cached_tokens" => self.cached_tokens = Some(number(key, value)?),
            "cache_write_5m" => self.cache_write_5m = Some(number(key, value)?),
            "cache_write_1h" => self.cache_write_1h = Some(number(key, value)?),
            "reasoning_tokens" => self.reasoning_tokens = Some(number(key, value)?),
            "uncapped" => self.uncapped = switch(key, value)?,
            "bills_on" => self.bills_on = switch(key, value)?,
            "tool" => self.tool = Some(value.to_owned()),
            "tool_args" => self.tool_args = Some(value.to_owned()),
            "finish" => self.finish = Some(value.to_owned()),
            "latency_ms" => self.latency_ms = number(key, value)?,
            "chunks" => self.chunks = Some(chunk_count(key, value)?.max(1)),
            "chunk_ms" => self.chunk_ms = number(key, value)?,
            "status" => self.status = Some(error_status(value)?),
            "retry_after" => self.retry_after = Some(number(key, value)?),
            "message" => self.message = Some(value.to_owned()),
            "stall_after" => self.stall_after = Some(chunk_count(key, value)?),
            "reset_after" => self.reset_after = Some(chunk_count(key, value)?),
            "error_in_stream" if value == "true" => self.error_in_stream = Some(1),
            "error_in_stream" => self.error_in_stream = Some(chunk_count(key, value)?),
            "usage" => self.usage = Some(usage_fault(value)?),
            "malformed" => self.malformed = Some(malformed(value)?),
            _ => return Err(BadKnob(format!("unknown knob `{key}`"))),
        }
        Ok(())
    }

    /// Turns all of these, in order.
    pub(crate) fn set_all(&mut self, pairs: &[(String, String)]) -> Result<(), BadKnob> {
        pairs.iter().try_for_each(|(key, value)| self.set(key, value))
    }

    /// The refusal these knobs ask for, if they do.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let status = self.status?;
        let message =
            self.message.clone().unwrap_or_else(|| format!("the sandbox was told to answer {status}"));
        Some(Refusal { retry_after: self.retry_after, ..Refusal::new(status, message) })
    }
}

fn number(key: &str, value: &str) -> Result<u64, BadKnob> {
    value.parse().map_err(|_| BadKnob(format!("`{key}` wants a whole number, not `{value}`")))
}

fn chunk_count(key: &str, value: &str) -> Result<usize, BadKnob> {
    let count = number(key, value)?;
    if count > MAX_CHUNKS {
        return Err(BadKnob(format!("`{key}` is at most {MAX_CHUNKS}")));
    }
    usize::try_from(count).map_err(|_| BadKnob(format!("`{key}` is too large")))
}

fn switch(key: &str, value: &str) -> Result<bool, BadKnob> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(BadKnob(format!("`{key}` is true or false, not `{value}`"))),
    }
}

fn error_status(value: &str) -> Result<u16, BadKnob> {
    match value.parse() {
        Ok(status @ 400..=599) => Ok(status),
        _ => Err(BadKnob(format!("`status` is an error status from 400 to 599, not `{value}`"))),
    }
}

fn usage_fault(value: &str) -> Result<UsageFault, BadKnob> {
    match value {
        "none" => Ok(UsageFault::Missing),
        "absurd" => Ok(UsageFault::Absurd),
        "negative" => Ok(UsageFault::Negative),
        "huge" => Ok(UsageFault::Huge),
        "words" => Ok(UsageFault::Words),
        _ => Err(BadKnob(format!("`usage` is none, absurd, negative, huge or words, not `{value}`"))),
    }
}

fn malformed(value: &str) -> Result<Malformed, BadKnob> {
    match value {
        "json" => Ok(Malformed::Json),
        "sse" => Ok(Malformed::Sse),
        "html" => Ok(Malformed::Html),
        "truncated" => Ok(Malformed::Truncated),
        _ => Err(BadKnob(format!("`malformed` is json, sse, html or truncated, not `{value}`"))),
    }
}

#[cfg(test)]
mod tests;
