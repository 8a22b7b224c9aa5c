//! The error of each family's counts against real answers, where a collection of them lies beside the project.
//!
//! Invariant: only answers that are text alone are compared, with what the provider counted less its reasoning.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/recorded");
/// Shorter answers measure the template around a message and not its text.
const LEAST_TOKENS: u64 = 30;
/// What OpenAI's newer models put around each message: `<|start|>assistant<|channel|>final<|message|>…<|end|>`.
const RESPONSES_TEMPLATE: u64 = 6;

/// A text that a model wrote, and how many tokens its provider counted for it.
struct Pair {
    model: String,
    text: String,
    tokens: u64,
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// Each recording as its events; a whole answer is one event.
fn recordings() -> Vec<Vec<Value>> {
    let root = Path::new(RECORDED);
    if !root.is_dir() {
        println!("no recorded exchanges at {}: nothing is checked", root.display());
        return Vec::new();
    }
    let mut paths = Vec::new();
    walk(root, &mut paths);
    paths.sort();
    // of Perplexity's streams only the beginning and the end are recorded
    paths.retain(|path| {
        !path.to_string_lossy().contains("perplexity") || path.extension().is_some_and(|e| e == "json")
    });
    let parsed = paths.into_iter().filter_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        let whole = serde_json::from_str(&text).map(|value| vec![value]);
        let lines = || text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect();
        whole.or_else(|_| lines()).ok()
    });
    parsed.collect()
}

/// All strings at `pointer`, joined.
fn text<'a>(values: impl IntoIterator<Item = &'a Value>, pointer: &str) -> String {
    values.into_iter().filter_map(|value| value.pointer(pointer)?.as_str()).collect()
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// OpenAI-shaped answers, whole or streamed. Some hosts say how much reasoning there was, xAI counts it beside.
fn chat(events: &[Value]) -> Option<Pair> {
    let message = if events.len() == 1 { "message" } else { "delta" };
    let last = events.iter().rev().find(|event| event["usage"].is_object())?;
    let of = |field: &str| format!("/choices/0/{message}/{field}");
    let calls = events.iter().filter_map(|event| event.pointer(&of("tool_calls"))?.as_array());
    let reasons = |field: &str| !text(events, &of(field)).is_empty();
    let reasoning = number(last, "/usage/completion_tokens_details/reasoning_tokens");
    let is_hidden = reasoning == 0 && (reasons("reasoning") || reasons("reasoning_content"));
    if is_hidden || calls.flatten().next().is_some() {
        return None;
    }
    let completion = number(last, "/usage/completion_tokens");
    let tokens = completion.checked_sub(reasoning).unwrap_or(completion);
    Some(Pair { model: last["model"].as_str()?.to_owned(), text: text(events, &of("content")), tokens })
}

/// Answers of OpenAI's responses API that are messages and reasoning alone.
fn responses(events: &[Value]) -> Option<Pair> {
    let inner = |event: &Value| event.get("response").unwrap_or(event).clone();
    let answer = events.iter().map(inner).rfind(|answer| answer["usage"]["output_tokens"].is_u64())?;
    let items = answer["output"].as_array()?;
    let messages = items.iter().filter(|item| item["type"] == "message");
    if items.iter().any(|item| item["type"] != "message" && item["type"] != "reasoning") {
        return None;
    }
    let parts = messages.clone().filter_map(|item| item["content"].as_array()).flatten();
    let model = answer["model"].as_str()?.to_owned();
    let template = if model.starts_with("gpt-5") { RESPONSES_TEMPLATE } else { 0 };
    let around = template * u64::try_from(messages.count()).ok()?;
    let reasoning = number(&answer, "/usage/output_tokens_details/reasoning_tokens");
    let tokens = number(&answer, "/usage/output_tokens").checked_sub(reasoning + around)?;
    Some(Pair { model, text: text(parts, "/text"), tokens })
}

/// Anthropic's messages of text alone, or with thinking where its tokens are told.
fn anthropic(events: &[Value]) -> Option<Pair> {
    let first = events.first()?;
    let message = first.get("message").unwrap_or(first);
    let begun = events.iter().filter_map(|event| event.get("content_block"));
    let blocks: Vec<&Value> = message["content"].as_array()?.iter().chain(begun).collect();
    let usage = &events.iter().rev().find(|event| event["usage"].is_object())?["usage"];
    let thinking = usage.pointer("/output_tokens_details/thinking_tokens").and_then(Value::as_u64);
    let is_told =
        |block: &&Value| block["type"] == "text" || (block["type"] == "thinking" && thinking.is_some());
    let is_one = events.iter().filter(|event| event["type"] == "message_start").count() < 2;
    if usage.get("iterations").is_some() || !is_one || !blocks.iter().all(is_told) {
        return None;
    }
    let deltas = events.iter().filter_map(|event| event.get("delta"));
    let text = text(blocks.iter().copied().chain(deltas), "/text");
    let tokens = number(usage, "/output_tokens").checked_sub(thinking.unwrap_or(0))?;
    Some(Pair { model: message["model"].as_str()?.to_owned(), text, tokens })
}

fn gemini(events: &[Value]) -> Option<Pair> {
    let last = events.iter().rev().find(|event| event["usageMetadata"].is_object())?;
    let parts = events.iter().filter_map(|event| event.pointer("/candidates/0/content/parts")?.as_array());
    let parts: Vec<&Value> = parts.flatten().filter(|part| part["thought"] != true).collect();
    if parts.iter().any(|part| part.get("text").is_none()) {
        return None;
    }
    let tokens = number(last, "/usageMetadata/candidatesTokenCount");
    Some(Pair { model: last["modelVersion"].as_str()?.to_owned(), text: text(parts, "/text"), tokens })
}

fn pairs() -> Vec<Pair> {
    let read = [chat, responses, anthropic, gemini];
    let is_long = |pair: &Pair| pair.tokens > 0 && !pair.text.is_empty();
    let all = recordings().into_iter();
    let pairs: Vec<Pair> =
        all.filter_map(|events| read.iter().filter_map(|read| read(&events)).find(is_long)).collect();
    assert!(!pairs.is_empty() || !Path::new(RECORDED).is_dir(), "recordings are there and none is read");
    pairs
}

/// The error of `counted` in hundredths of a percent of `said`.
fn error(counted: u64, said: u64) -> u64 {
    counted.abs_diff(said) * 10_000 / said
}

#[test]
fn openai_texts_are_counted_within_three_percent_of_what_openai_counted() {
    let long = pairs().into_iter().filter(|pair| pair.tokens >= LEAST_TOKENS);
    for Pair { model, text, tokens } in long {
        let counted = Counter.count(&model, &text);
        if counted.source == UsageSource::Counted {
            let error = error(counted.tokens, tokens);
            println!("{model}: {tokens} tokens, counted {}, error {error} / 10000", counted.tokens);
            assert!(error <= 300, "{model}: {text}");
        }
    }
}

#[test]
fn the_factor_of_a_family_is_what_was_measured() {
    let mut families: BTreeMap<Family, [u64; 4]> = BTreeMap::new();
    for Pair { model, text, tokens } in pairs() {
        let (o200k, counted) = (Counter.count("gpt-4o", &text).tokens, Counter.count(&model, &text));
        if counted.source == UsageSource::Estimated && o200k >= 20 {
            let sums = families.entry(Family::of(&model)).or_default();
            for (sum, number) in sums.iter_mut().zip([1, tokens, o200k, counted.tokens]) {
                *sum += number;
            }
        }
    }
    for (family, [answers, said, o200k, estimated]) in families {
        let error = error(estimated, said);
        println!(
            "{family:?}: {answers} answers, {said} tokens, o200k {o200k}, estimated {estimated}, error {error} / 10000"
        );
        assert!(error <= 300, "{family:?}");
    }
}
