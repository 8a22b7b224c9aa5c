//! Anthropic's usage.
//!
//! Invariant: its classes lie beside each other already, but for thinking, which is part of the output; what comes in
//! parts is replaced part by part and never added up.

use domain::TokenClass::{CacheWrite1h, CacheWrite5m, CachedInput, Input, Output, Reasoning, ToolCall};
use domain::TokenUsage;
use serde_json::value::RawValue;

use super::{Absurd, Classes, Reported, by_lifetime, count, details, is_torn, list, sum};
use crate::json::Fields;

/// Anthropic's `usage`, which arrives in parts: each part replaces what it names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AnthropicUsage {
    input: Option<u64>,
    cached: u64,
    cache_write: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    output: Option<u64>,
    thinking: u64,
    searches: u64,
    iterations: Option<u64>,
    is_absurd: bool,
}

/// The usage of a whole answer.
pub(super) fn whole(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    Ok(AnthropicUsage::default().merged(usage)?.classes())
}

impl AnthropicUsage {
    /// Takes in one `usage` object.
    pub(crate) fn merge(&mut self, usage: &RawValue) {
        let merged = Fields::of(usage).ok_or(Absurd).and_then(|fields| self.merged(&fields));
        match merged {
            Ok(merged) => *self = merged,
            Err(Absurd) => self.is_absurd = true,
        }
    }

    /// What the parts say as of now.
    pub(crate) fn reported(&self) -> Reported {
        Reported::from_result(if self.is_absurd { Err(Absurd) } else { Ok(self.classes()) })
    }

    fn merged(mut self, usage: &Fields<'_>) -> Result<Self, Absurd> {
        let cache_creation = details(usage, "cache_creation")?;
        let output_details = details(usage, "output_tokens_details")?;
        let server_tools = details(usage, "server_tool_use")?;
        self.input = count(usage, "input_tokens")?.or(self.input);
        self.output = count(usage, "output_tokens")?.or(self.output);
        let replace = |old: &mut u64, fields: &Fields<'_>, name: &str| -> Result<(), Absurd> {
            *old = count(fields, name)?.unwrap_or(*old);
            Ok(())
        };
        replace(&mut self.cached, usage, "cache_read_input_tokens")?;
        replace(&mut self.cache_write, usage, "cache_creation_input_tokens")?;
        replace(&mut self.cache_write_5m, &cache_creation, "ephemeral_5m_input_tokens")?;
        replace(&mut self.cache_write_1h, &cache_creation, "ephemeral_1h_input_tokens")?;
        replace(&mut self.thinking, &output_details, "thinking_tokens")?;
        replace(&mut self.searches, &server_tools, "web_search_requests")?;
        self.iterations = iterations_total(usage)?.or(self.iterations);
        Ok(self)
    }

    fn classes(&self) -> Option<Classes> {
        let (input, output) = (self.input?, self.output?);
        let (five_minutes, hour) = by_lifetime(self.cache_write, self.cache_write_5m, self.cache_write_1h);
        let usage = TokenUsage::default()
            .with(Input, input)
            .with(CachedInput, self.cached)
            .with(CacheWrite5m, five_minutes)
            .with(CacheWrite1h, hour)
            .with(Output, output.saturating_sub(self.thinking))
            .with(Reasoning, self.thinking)
            .with(ToolCall, self.searches);
        let total_mismatch = self.cache_write_5m + self.cache_write_1h > self.cache_write
            || self.thinking > output
            || is_torn(&usage, self.iterations);
        Some((usage, total_mismatch))
    }
}

/// The tokens of all `iterations`: inner calls (compaction, advisors) that the counts beside them leave out.
fn iterations_total(usage: &Fields<'_>) -> Result<Option<u64>, Absurd> {
    const COUNTS: [&str; 4] =
        ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
    if usage.present("iterations").is_none() {
        return Ok(None);
    }
    let iterations = list(usage, "iterations")?;
    let counts = iterations.iter().flat_map(|iteration| COUNTS.map(|name| count(iteration, name)));
    sum(counts).map(Some)
}
