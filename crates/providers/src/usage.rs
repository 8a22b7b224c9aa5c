//! What providers say was used, brought into disjoint classes.
//!
//! Invariant: nothing is guessed. A count that is negative, no integer or absurdly large makes the whole report absurd
//! and worth nothing; a class is only ever subtracted from the class that contains it, never below zero.

use domain::TokenClass::{
    AudioInput, AudioOutput, CacheWrite1h, CacheWrite5m, CachedInput, ImageOutput, Input, Output, Reasoning,
    ToolCall,
};
use domain::TokenUsage;
use serde_json::value::RawValue;

use crate::json::Fields;

/// No answer has a trillion tokens; larger counts are nonsense, and below it products with prices stay far from `i128`.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What the provider reported of an attempt's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// The counts in disjoint classes; `None` where none (or only absurd ones) were reported. A reported zero is zero.
    pub usage: Option<TokenUsage>,
    /// Counts were reported that cannot be true: negative, not whole, or beyond a trillion.
    pub absurd: bool,
    /// The classes do not add up to the provider's own total.
    pub total_mismatch: bool,
}

/// A count that cannot be true.
struct Absurd;

impl Reported {
    fn from_result(read: Result<(TokenUsage, bool), Absurd>) -> Self {
        match read {
            Ok((usage, total_mismatch)) => Self { usage: Some(usage), absurd: false, total_mismatch },
            Err(Absurd) => Self { usage: None, absurd: true, total_mismatch: false },
        }
    }
}

/// Reads an OpenAI-shaped `usage`.
pub(crate) fn from_openai(usage: Option<&RawValue>) -> Reported {
    let Some(raw) = usage.filter(|raw| raw.get() != "null") else { return Reported::default() };
    let Some(fields) = Fields::of(raw) else { return Reported { absurd: true, ..Reported::default() } };
    Reported::from_result(openai_classes(&fields))
}

/// Splits by the documented containments: cached, cache-write and audio tokens are part of the prompt, reasoning, audio
/// and image tokens part of the completion. xAI counts reasoning beside the completion: its own total tells.
/// Image tokens of a prompt stay in the input class: every provider so far prices them as text.
fn openai_classes(usage: &Fields<'_>) -> Result<(TokenUsage, bool), Absurd> {
    let prompt_details = details(usage, "prompt_tokens_details")?;
    let completion_details = details(usage, "completion_tokens_details")?;
    let prompt = count(usage, "prompt_tokens")?.unwrap_or(0);
    let completion = count(usage, "completion_tokens")?.unwrap_or(0);
    let total = count(usage, "total_tokens")?;
    let cached = match count(&prompt_details, "cached_tokens")? {
        Some(cached) => cached,
        None => count(usage, "prompt_cache_hit_tokens")?.unwrap_or(0),
    };
    let cache_write = count(&prompt_details, "cache_write_tokens")?.unwrap_or(0);
    let audio_in = count(&prompt_details, "audio_tokens")?.unwrap_or(0);
    let reasoning = count(&completion_details, "reasoning_tokens")?.unwrap_or(0);
    let audio_out = count(&completion_details, "audio_tokens")?.unwrap_or(0);
    let image_out = count(&completion_details, "image_tokens")?.unwrap_or(0);

    let reasoning_is_beside = match total {
        Some(total) => reasoning > 0 && total == prompt + completion + reasoning,
        None => reasoning > completion,
    };
    let parts_of_completion = audio_out + image_out + if reasoning_is_beside { 0 } else { reasoning };
    let parts_of_prompt = cached + cache_write + audio_in;
    let classes = TokenUsage::default()
        .with(Input, prompt.saturating_sub(parts_of_prompt))
        .with(CachedInput, cached)
        .with(CacheWrite5m, cache_write)
        .with(AudioInput, audio_in)
        .with(Output, completion.saturating_sub(parts_of_completion))
        .with(Reasoning, reasoning)
        .with(AudioOutput, audio_out)
        .with(ImageOutput, image_out);
    let total = total.unwrap_or(prompt + completion + if reasoning_is_beside { reasoning } else { 0 });
    Ok((classes, classes.prompt_tokens() + classes.completion_tokens() != total))
}

/// Anthropic's `usage`, which arrives in parts: each part replaces what it names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AnthropicUsage {
    input: Option<u64>,
    cached: u64,
    cache_write: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    output: u64,
    thinking: u64,
    searches: u64,
    iterations: Option<u64>,
    is_absurd: bool,
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

    fn merged(mut self, usage: &Fields<'_>) -> Result<Self, Absurd> {
        let cache_creation = details(usage, "cache_creation")?;
        let output_details = details(usage, "output_tokens_details")?;
        let server_tools = details(usage, "server_tool_use")?;
        self.input = count(usage, "input_tokens")?.or(self.input);
        let replace = |old: &mut u64, fields: &Fields<'_>, name: &str| -> Result<(), Absurd> {
            *old = count(fields, name)?.unwrap_or(*old);
            Ok(())
        };
        replace(&mut self.cached, usage, "cache_read_input_tokens")?;
        replace(&mut self.cache_write, usage, "cache_creation_input_tokens")?;
        replace(&mut self.cache_write_5m, &cache_creation, "ephemeral_5m_input_tokens")?;
        replace(&mut self.cache_write_1h, &cache_creation, "ephemeral_1h_input_tokens")?;
        replace(&mut self.output, usage, "output_tokens")?;
        replace(&mut self.thinking, &output_details, "thinking_tokens")?;
        replace(&mut self.searches, &server_tools, "web_search_requests")?;
        self.iterations = iterations_total(usage)?.or(self.iterations);
        Ok(self)
    }

    /// Whether no part has arrived.
    fn is_empty(&self) -> bool {
        self.input.is_none() && self.output == 0 && self.cached == 0 && self.cache_write == 0
    }

    /// The classes as of now.
    pub(crate) fn reported(&self) -> Reported {
        if self.is_absurd {
            return Reported { absurd: true, ..Reported::default() };
        }
        if self.is_empty() {
            return Reported::default();
        }
        // The split by lifetime may be missing, or be older than the total: what it leaves over is of the longer
        // lifetime where that is in use, which is the dearer.
        let split = self.cache_write_5m + self.cache_write_1h;
        let rest = self.cache_write.saturating_sub(split);
        let (rest_5m, rest_1h) = if self.cache_write_1h > 0 { (0, rest) } else { (rest, 0) };
        let usage = TokenUsage::default()
            .with(Input, self.input.unwrap_or(0))
            .with(CachedInput, self.cached)
            .with(CacheWrite5m, self.cache_write_5m + rest_5m)
            .with(CacheWrite1h, self.cache_write_1h + rest_1h)
            .with(Output, self.output.saturating_sub(self.thinking))
            .with(Reasoning, self.thinking)
            .with(ToolCall, self.searches);
        let total = usage.prompt_tokens() + usage.completion_tokens();
        let total_mismatch = split > self.cache_write
            || self.thinking > self.output
            || self.iterations.is_some_and(|iterations| iterations != total);
        Reported { usage: Some(usage), absurd: false, total_mismatch }
    }
}

/// The tokens of all `iterations`: inner calls (compaction, advisors) that the counts beside them leave out.
fn iterations_total(usage: &Fields<'_>) -> Result<Option<u64>, Absurd> {
    let Some(raw) = usage.present("iterations") else { return Ok(None) };
    let iterations: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| Absurd)?;
    let mut total = 0_u64;
    for iteration in iterations {
        let fields = Fields::of(iteration).ok_or(Absurd)?;
        for name in
            ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"]
        {
            total = total.saturating_add(count(&fields, name)?.unwrap_or(0));
        }
    }
    Ok(Some(total))
}

fn details<'a>(usage: &Fields<'a>, name: &str) -> Result<Fields<'a>, Absurd> {
    match usage.present(name) {
        None => Ok(Fields::default()),
        Some(raw) => Fields::of(raw).ok_or(Absurd),
    }
}

fn count(usage: &Fields<'_>, name: &str) -> Result<Option<u64>, Absurd> {
    let Some(raw) = usage.present(name) else { return Ok(None) };
    let count: u64 = raw.get().parse().map_err(|_| Absurd)?;
    if count > MOST_TOKENS { Err(Absurd) } else { Ok(Some(count)) }
}

#[cfg(test)]
mod tests;
