//! Real answers of real providers, where a collection of them lies beside the project.
//!
//! Invariant: the expectation is computed here from the raw recording, by other means than the code under test.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::TokenUsage;
use domain::model::Dialect;
use serde_json::{Value, json};

use crate::golden::{bill, context};
use crate::{ChatStream, Chunk, Ending, UsageShape, chat_answer, read_usage};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/recorded");

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// The recordings below `folder` (all for `""`) whose names end like this; none, and a note, where there is no collection.
fn recordings(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(RECORDED).join(folder);
    if !root.is_dir() {
        println!("no recorded exchanges at {}: nothing is checked", root.display());
        return Vec::new();
    }
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let matching = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
    matching.map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("text"))).collect()
}

/// Streams of chat chunks in OpenAI's shape, whoever sent them.
fn openai_streams() -> Vec<(String, Vec<Value>)> {
    let all = recordings("", ".chunks.txt").into_iter();
    let parsed = all.filter_map(|(name, text)| {
        let lines: Result<Vec<Value>, _> =
            text.lines().filter(|l| !l.is_empty()).map(serde_json::from_str).collect();
        Some((name, lines.ok()?))
    });
    parsed.filter(|(_, lines)| lines.iter().any(|line| line["object"] == "chat.completion.chunk")).collect()
}

fn run(dialect: Dialect, bytes: &[u8], piece: usize) -> (Vec<Chunk>, Ending) {
    let mut stream = ChatStream::new(dialect, &context());
    let mut chunks = Vec::new();
    for piece in bytes.chunks(piece) {
        stream.feed(piece, &mut chunks).expect("a recorded stream is read");
    }
    (chunks, stream.finish())
}

fn parsed(chunks: &[Chunk]) -> Vec<Value> {
    let text = |chunk: &Chunk| String::from_utf8(chunk.bytes.to_vec()).expect("UTF-8");
    chunks.iter().map(|chunk| serde_json::from_str(&text(chunk)[6..]).expect("a chunk is JSON")).collect()
}

/// All strings at `pointer` of the chunks, joined.
fn joined(chunks: &[Value], pointer: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk.pointer(pointer)?.as_str()).collect()
}

fn has_uniform_head(name: &str, chunks: &[Value]) {
    for chunk in chunks {
        let head = json!([chunk["id"], chunk["object"], chunk["model"], chunk["provider"]]);
        let expected = json!(["gen-1790000000-1", "chat.completion.chunk", "author/model", "Provider \"P\""]);
        assert_eq!(head, expected, "{name}");
        assert!(chunk.get("usage").is_none(), "{name}: usage is the caller's to send");
        assert!(chunk.get("system_fingerprint").is_none_or(Value::is_string), "{name}");
    }
}

fn total(usage: &TokenUsage) -> u64 {
    usage.prompt_tokens() + usage.completion_tokens()
}

#[test]
fn recorded_openai_streams_say_the_same_after_translation() {
    for (name, lines) in openai_streams() {
        let events: String = lines.iter().map(|line| format!("data: {line}\r\n\r\n")).collect();
        let bytes = format!("{events}data: [DONE]\n\n").into_bytes();
        let (chunks, ending) = run(Dialect::OpenAi, &bytes, bytes.len());
        let (in_bytes, _) = run(Dialect::OpenAi, &bytes, 1);
        assert!(
            chunks.iter().map(|c| &c.bytes).eq(in_bytes.iter().map(|c| &c.bytes)),
            "{name}: pieces matter"
        );

        let sent = parsed(&chunks);
        has_uniform_head(&name, &sent);
        for pointer in [
            "/choices/0/delta/content",
            "/choices/0/delta/reasoning",
            "/choices/0/delta/reasoning_content",
            "/choices/0/delta/tool_calls/0/function/arguments",
        ] {
            assert_eq!(joined(&sent, pointer), joined(&lines, pointer), "{name} {pointer}");
        }
        assert!(ending.complete && ending.finish_reason.is_some(), "{name}");
        let usage = lines.iter().rev().find_map(|line| line["usage"].as_object()).expect("usage is recorded");
        let reported = ending.reported.usage.unwrap_or_else(|| panic!("{name}: usage is read"));
        assert_eq!(json!(total(&reported)), usage["total_tokens"], "{name}");
        assert!(!ending.reported.total_mismatch, "{name}");
    }
}

#[test]
fn recorded_openai_answers_keep_all_but_four_fields() {
    for (name, text) in recordings("", ".json") {
        let original: Value = serde_json::from_str(&text).expect("recorded JSON");
        if original["object"] != "chat.completion" {
            continue;
        }
        let answer = chat_answer(Dialect::OpenAi, &Bytes::from(text), false);
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut written: Value = serde_json::from_slice(&answer.write(&context(), &bill(&answer.reported)))
            .expect("an answer is JSON");
        let reported = answer.reported.usage.unwrap_or_else(|| panic!("{name}: usage is read"));
        assert_eq!(json!(total(&reported)), original["usage"]["total_tokens"], "{name}");
        assert_eq!(written["usage"]["total_tokens"], original["usage"]["total_tokens"], "{name}");
        assert!(written.get("system_fingerprint").is_some(), "{name}");
        for (index, choice) in original["choices"].as_array().expect("choices").iter().enumerate() {
            let native =
                written["choices"][index].as_object_mut().expect("a choice").remove("native_finish_reason");
            assert_eq!(native.as_ref(), choice.get("finish_reason"), "{name}");
        }
        for (field, value) in original.as_object().expect("an object") {
            if !["id", "model", "provider", "usage"].contains(&field.as_str()) {
                assert_eq!(&written[field], value, "{name} {field}");
            }
        }
    }
}

/// Some files hold several answers, one after the other.
fn anthropic_streams() -> Vec<(String, Vec<Value>)> {
    let mut streams: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, text) in recordings("anthropic", ".chunks.txt") {
        for line in text.lines().filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
            if line["type"] == "message_start" {
                streams.push((name.clone(), Vec::new()));
            }
            streams.last_mut().expect("a stream begins with its start").1.push(line);
        }
    }
    streams
}

#[test]
fn recorded_anthropic_streams_say_the_same_after_translation() {
    for (name, lines) in anthropic_streams() {
        let framed =
            |line: &Value| format!("event: {}\ndata: {line}\n\n", line["type"].as_str().unwrap_or_default());
        let bytes = lines.iter().map(framed).collect::<String>().into_bytes();
        let (chunks, ending) = run(Dialect::Anthropic, &bytes, bytes.len());
        let (in_bytes, _) = run(Dialect::Anthropic, &bytes, 1);
        assert!(
            chunks.iter().map(|c| &c.bytes).eq(in_bytes.iter().map(|c| &c.bytes)),
            "{name}: pieces matter"
        );

        let sent = parsed(&chunks);
        has_uniform_head(&name, &sent);
        assert_eq!(joined(&sent, "/choices/0/delta/content"), joined(&lines, "/delta/text"), "{name}");
        assert_eq!(joined(&sent, "/choices/0/delta/reasoning"), joined(&lines, "/delta/thinking"), "{name}");
        let signatures = joined(&sent, "/choices/0/delta/reasoning_details/0/signature");
        assert_eq!(signatures, joined(&lines, "/delta/signature"), "{name}");
        let begins_tool = |line: &&Value| line["content_block"]["type"] == "tool_use";
        let calls = sent.iter().filter(|chunk| chunk.pointer("/choices/0/delta/tool_calls/0/id").is_some());
        assert_eq!(calls.count(), lines.iter().filter(begins_tool).count(), "{name}");

        let is_stopped = lines.iter().any(|line| line["type"] == "message_stop");
        assert_eq!(ending.complete, is_stopped, "{name}");
        let last = lines.iter().rev().find(|line| line["type"] == "message_delta");
        let Some(usage) = last.map(|line| &line["usage"]) else { continue };
        let reported = ending.reported.usage.unwrap_or_else(|| panic!("{name}: usage is read"));
        assert_eq!(json!(reported.completion_tokens()), usage["output_tokens"], "{name}");
        assert_eq!(ending.reported.total_mismatch, usage.get("iterations").is_some(), "{name}");
    }
}

#[test]
fn recorded_anthropic_answers_say_the_same_after_translation() {
    for (name, text) in recordings("anthropic", ".json") {
        let original: Value = serde_json::from_str(&text).expect("recorded JSON");
        let Some(blocks) = original["content"].as_array() else { continue };
        let answer = chat_answer(Dialect::Anthropic, &Bytes::from(text), false);
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let written: Value = serde_json::from_slice(&answer.write(&context(), &bill(&answer.reported)))
            .expect("an answer is JSON");
        let message = &written["choices"][0]["message"];
        let of_kind = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
        let text: String = of_kind("text").filter_map(|block| block["text"].as_str()).collect();
        assert_eq!(message["content"].as_str().unwrap_or_default(), text, "{name}");
        for (call, block) in message["tool_calls"].as_array().into_iter().flatten().zip(of_kind("tool_use")) {
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().expect("text")).expect("JSON");
            assert_eq!((&call["id"], &arguments), (&block["id"], &block["input"]), "{name}");
        }
        let reported = answer.reported.usage.unwrap_or_else(|| panic!("{name}: usage is read"));
        assert_eq!(json!(reported.completion_tokens()), original["usage"]["output_tokens"], "{name}");
    }
}

/// Every object below `value` that is the field `name` of another.
fn objects_named<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name).filter(|inner| inner.is_object()));
            fields.values().for_each(|inner| objects_named(inner, name, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| objects_named(inner, name, found)),
        _ => {}
    }
}

/// The last usage object of every recording below `folder`, which is the whole answer's.
fn usages(folder: &str, name: &str) -> Vec<(String, Value)> {
    let all = recordings(folder, ".json").into_iter().chain(recordings(folder, ".chunks.txt"));
    let last = all.filter_map(|(path, text)| {
        let whole = serde_json::from_str(&text).map(|value| vec![value]);
        let lines = || text.lines().filter(|l| !l.is_empty()).map(serde_json::from_str).collect();
        let values: Vec<Value> = whole.or_else(|_| lines()).ok()?;
        let mut found = Vec::new();
        values.iter().for_each(|value| objects_named(value, name, &mut found));
        Some((path, (*found.last()?).clone()))
    });
    last.collect()
}

#[test]
fn recorded_usage_of_every_shape_adds_up_to_its_total() {
    for (folder, name, total_tokens, shape) in [
        ("google", "usageMetadata", "totalTokenCount", UsageShape::Gemini),
        ("amazon-bedrock", "usage", "totalTokens", UsageShape::Bedrock),
        ("openai/responses", "usage", "total_tokens", UsageShape::OpenAiResponses),
        ("xai/responses", "usage", "total_tokens", UsageShape::OpenAiResponses),
        ("openai/embedding", "usage", "total_tokens", UsageShape::OpenAiEmbeddings),
        ("perplexity", "usage", "total_tokens", UsageShape::OpenAiChat),
    ] {
        let usages = usages(folder, name);
        assert!(!usages.is_empty() || !Path::new(RECORDED).is_dir(), "{folder} is recorded");
        for (path, object) in usages {
            let reported = read_usage(shape, &object.to_string());
            let usage = reported.usage.unwrap_or_else(|| panic!("{path}: usage is read"));
            assert_eq!(json!(total(&usage)), object[total_tokens], "{path}");
            assert!(!reported.total_mismatch, "{path}");
        }
    }
}

#[test]
fn recorded_bills_of_cohere_are_read_as_they_are() {
    for (path, object) in usages("cohere", "usage").into_iter().chain(usages("cohere", "meta")) {
        let usage = read_usage(UsageShape::Cohere, &object.to_string()).usage;
        let usage = usage.unwrap_or_else(|| panic!("{path}: usage is read"));
        let units = object["billed_units"].as_object().expect("a bill").values();
        let billed: u64 = units.map(|units| units.as_u64().expect("a count")).sum();
        assert_eq!(total(&usage) + usage.get(domain::TokenClass::Request), billed, "{path}");
    }
}
