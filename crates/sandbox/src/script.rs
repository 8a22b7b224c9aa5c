//! Decides what a simulated model says and what that costs in tokens.
//!
//! Counts differ from every tokenizer's on purpose, so that a gateway which counts instead of reading the
//! provider's usage is found out: the prompt has 7 + ceil(characters / 3) tokens, the answer two per word (a
//! run of characters without white space).
//! Invariants: the same request gets the same answer; unless `uncapped`, a prompt never has more tokens than
//! its body has bytes, and no answer more than `max_tokens`.

use crate::ask::{Ask, Forced, Tool};
use crate::example;
use crate::knobs::{Knobs, UsageFault};
use crate::prices::{Model, Prices};
use crate::tokens::Tokens;

const TOKENS_PER_WORD: u64 = 2;

/// Fragments of a streamed tool call's arguments, where `chunks` does not say.
const ARGUMENT_FRAGMENTS: usize = 4;

/// A call of a tool, its arguments as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// Why the answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    Tool,
    /// As scripted, word for word.
    Scripted(String),
}

/// An answer, in no dialect yet.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) thinking: String,
    pub(crate) text: String,
    pub(crate) tool: Option<ToolCall>,
    pub(crate) finish: Finish,
    /// The truth, which the meter bills.
    pub(crate) tokens: Tokens,
    pub(crate) choices: u64,
    chunks: Option<usize>,
}

impl Answer {
    pub(crate) fn thinking_pieces(&self) -> Vec<&str> {
        pieces(&self.thinking, self.chunks)
    }

    pub(crate) fn text_pieces(&self) -> Vec<&str> {
        pieces(&self.text, self.chunks)
    }

    pub(crate) fn argument_pieces(&self) -> Vec<&str> {
        let arguments = self.tool.as_ref().map_or("", |tool| tool.arguments.as_str());
        group(characters(arguments), self.chunks.unwrap_or(ARGUMENT_FRAGMENTS), arguments)
    }
}

/// An answer with the circumstances that a dialect needs to write it down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) model: &'a Model,
    /// Sequence number of the call, of which ids are made.
    pub(crate) seq: u64,
    /// Unix seconds.
    pub(crate) created_s: i64,
    pub(crate) include_usage: bool,
    pub(crate) usage_fault: Option<UsageFault>,
}

/// Writes the answer. `body_bytes` is the length of the request body.
pub(crate) fn answer(ask: &Ask, knobs: &Knobs, model: &Model, body_bytes: usize) -> Answer {
    let tool = tool_call(ask, knobs);
    let text = text(ask, knobs, tool.is_some());
    let thinking =
        if ask.wants_thinking { format!("The user said: {}. I answer.", ask.prompt) } else { String::new() };
    let prompt = prompt_tokens(ask, knobs, &model.prices, body_bytes);

    let called = tool.as_ref().map_or(0, |tool| word_count(&tool.name) + word_count(&tool.arguments));
    let full_visible = TOKENS_PER_WORD * (word_count(&text) + called);
    let full_reasoning = knobs.reasoning_tokens.unwrap_or(TOKENS_PER_WORD * word_count(&thinking));
    let wanted = knobs.completion_tokens.unwrap_or(full_visible.saturating_add(full_reasoning));
    let cap = if knobs.uncapped { None } else { ask.max_tokens };
    let generated = cap.map_or(wanted, |cap| wanted.min(cap));

    let reasoning = full_reasoning.min(generated);
    let visible = generated - reasoning;
    let is_cut = generated < wanted;
    let kept = Share { part: visible, whole: wanted.saturating_sub(full_reasoning).max(1) };
    let finish = match &knobs.finish {
        Some(scripted) => Finish::Scripted(scripted.clone()),
        None if is_cut => Finish::Length,
        None if tool.is_some() => Finish::Tool,
        None => Finish::Stop,
    };
    Answer {
        thinking,
        text: if is_cut { kept.of_words(&text) } else { text },
        tool: tool.map(|tool| if is_cut { kept.of_arguments(tool) } else { tool }),
        finish,
        tokens: Tokens {
            output: visible.saturating_mul(ask.choices),
            reasoning: reasoning.saturating_mul(ask.choices),
            ..prompt
        },
        choices: ask.choices,
        chunks: knobs.chunks,
    }
}

/// Prompt tokens by class. What a cache class may take is bounded by the prompt, and a class without a price
/// is input.
pub(crate) fn prompt_tokens(ask: &Ask, knobs: &Knobs, prices: &Prices, body_bytes: usize) -> Tokens {
    let counted = 7 + (ask.prompt_chars as u64).div_ceil(3);
    let scripted = knobs.prompt_tokens.unwrap_or(counted);
    let total = if knobs.uncapped { scripted } else { scripted.min(body_bytes as u64) };
    let mut left = total;
    let mut take = |knob: Option<u64>, price: Option<i64>| {
        let taken = if price.is_some() { knob.unwrap_or(0).min(left) } else { 0 };
        left -= taken;
        taken
    };
    let cached_input = take(knobs.cached_tokens, prices.cached_input);
    let cache_write_5m = take(knobs.cache_write_5m, prices.cache_write_5m);
    let cache_write_1h = take(knobs.cache_write_1h, prices.cache_write_1h);
    Tokens { input: left, cached_input, cache_write_5m, cache_write_1h, output: 0, reasoning: 0 }
}

/// The tool to call: never after a tool result, so that an agent's loop ends.
fn tool_call(ask: &Ask, knobs: &Knobs) -> Option<ToolCall> {
    if ask.tool_result.is_some() {
        return None;
    }
    let name = knobs.tool.clone().or_else(|| match &ask.forced {
        Forced::No => None,
        Forced::Any => ask.tools.first().map(|tool| tool.name.clone()),
        Forced::Named(name) => Some(name.clone()),
    })?;
    let arguments = knobs.tool_args.clone().unwrap_or_else(|| arguments_for(&name, &ask.tools));
    Some(ToolCall { name, arguments })
}

fn arguments_for(name: &str, tools: &[Tool]) -> String {
    let tool = tools.iter().find(|tool| tool.name == name);
    tool.map_or_else(|| "{}".to_owned(), |tool| example::of(&tool.schema).to_string())
}

fn text(ask: &Ask, knobs: &Knobs, calls_tool: bool) -> String {
    if let Some(reply) = &knobs.reply {
        return reply.clone();
    }
    if calls_tool {
        return String::new();
    }
    if let Some(schema) = &ask.answer_schema {
        return example::of(schema).to_string();
    }
    let mut text = match &ask.tool_result {
        Some(result) => format!("The tool said: {result}"),
        None => format!("You said: {}", ask.prompt),
    };
    let words = usize::try_from(word_count(&text)).unwrap_or(usize::MAX);
    for number in words..knobs.chunks.unwrap_or(0) {
        text.push_str(&format!(" word{number}"));
    }
    text
}

fn word_count(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// How much of an answer fits under its cap.
#[derive(Clone, Copy)]
struct Share {
    part: u64,
    whole: u64,
}

impl Share {
    fn of(self, count: usize) -> usize {
        let kept = (count as u128 * u128::from(self.part)).div_ceil(u128::from(self.whole));
        usize::try_from(kept).unwrap_or(count).min(count)
    }

    fn of_words(self, text: &str) -> String {
        let words = words(text);
        words.get(..self.of(words.len())).unwrap_or_default().concat()
    }

    fn of_arguments(self, tool: ToolCall) -> ToolCall {
        let kept = self.of(tool.arguments.chars().count());
        ToolCall { arguments: tool.arguments.chars().take(kept).collect(), ..tool }
    }
}

/// Splits a text for streaming: by words, or into so many chunks, by characters where it has fewer words.
fn pieces(text: &str, chunks: Option<usize>) -> Vec<&str> {
    let words = words(text);
    let Some(chunks) = chunks else { return words };
    if chunks <= words.len() { group(words, chunks, text) } else { group(characters(text), chunks, text) }
}

/// Joins neighbouring units of a text into at most so many groups of nearly the same size.
fn group<'a>(units: Vec<&'a str>, groups: usize, text: &'a str) -> Vec<&'a str> {
    let groups = groups.clamp(1, units.len().max(1));
    let mut starts = vec![0];
    starts.extend(units.iter().scan(0, |end, unit| {
        *end += unit.len();
        Some(*end)
    }));
    let start = |group: usize| starts.get(group * units.len() / groups).copied().unwrap_or(text.len());
    let slices = (0..groups).filter_map(|group| text.get(start(group)..start(group + 1)));
    slices.filter(|slice| !slice.is_empty()).collect()
}

/// Words with the white space before them; together they are the text.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut was_space = true;
    for (at, character) in text.char_indices() {
        let is_space = character.is_whitespace();
        if is_space && !was_space {
            words.extend(text.get(start..at));
            start = at;
        }
        was_space = is_space;
    }
    words.extend(text.get(start..).filter(|last| !last.is_empty()));
    words
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().filter_map(|(at, character)| text.get(at..at + character.len_utf8())).collect()
}

#[cfg(test)]
mod tests;
