//! The Anthropic dialect: messages, streamed and not, its error bodies and its list of models.
//!
//! Shapes: <https://docs.anthropic.com/en/api/messages> and `/en/api/messages-streaming`.
//! Invariant: a stream opens with the prompt's usage and closes with the answer's.

use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::ask::{Ask, Forced, Tool, chars_of, flag, messages_of, model_of, role_of, text_of};
use crate::knobs::UsageFault;
use crate::play::Event;
use crate::prices::Model;
use crate::refusal::Refusal;
use crate::script::{Finish, Rendering};
use crate::tokens::Tokens;

/// Wants any API key or bearer token, and the version header.
pub(crate) fn authenticate(headers: &HeaderMap) -> Result<(), Refusal> {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let bearer = text(header::AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    if text("x-api-key").is_empty() && bearer.trim().is_empty() {
        return Err(Refusal::new(401, "x-api-key header is required"));
    }
    if text("anthropic-version").is_empty() {
        return Err(Refusal::invalid("anthropic-version: header is required"));
    }
    Ok(())
}

/// Reads a messages request.
pub(crate) fn ask(body: &Value) -> Result<Ask, Refusal> {
    let messages = messages_of(body)?;
    let cap = body.get("max_tokens").and_then(Value::as_u64).filter(|cap| *cap > 0);
    let cap = cap.ok_or_else(|| Refusal::invalid("max_tokens: Field required"))?;
    let system = body.get("system").map(text_of).unwrap_or_default();
    let thinking = body.pointer("/thinking/type").and_then(Value::as_str);
    Ok(Ask {
        model: model_of(body)?,
        stream: flag(body, "stream"),
        include_usage: true,
        choices: 1,
        prompt: messages.iter().rev().find_map(said_by_user).unwrap_or_default(),
        prompt_chars: chars_of(messages) + system.chars().count(),
        max_tokens: Some(cap),
        tools: tools(body),
        forced: forced(body.get("tool_choice")),
        tool_result: messages.last().and_then(tool_result),
        wants_thinking: matches!(thinking, Some("enabled" | "adaptive")),
        answer_schema: body.pointer("/output_config/format/schema").cloned(),
    })
}

/// What the user wrote in this message; tool results come in the user's name but are not his words.
fn said_by_user(message: &Value) -> Option<String> {
    if role_of(message) != "user" {
        return None;
    }
    let content = message.get("content")?;
    let Some(blocks) = content.as_array() else { return content.as_str().map(str::to_owned) };
    let texts: Vec<Value> = blocks.iter().filter(|block| block.get("text").is_some()).cloned().collect();
    (!texts.is_empty()).then(|| text_of(&Value::Array(texts)))
}

fn tool_result(last: &Value) -> Option<String> {
    let blocks = last.get("content")?.as_array()?;
    let result =
        blocks.iter().rev().find(|block| block.get("type").is_some_and(|kind| kind == "tool_result"))?;
    Some(result.get("content").map(text_of).unwrap_or_default())
}

fn tools(body: &Value) -> Vec<Tool> {
    let offered = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    offered
        .filter_map(|tool| {
            let name = tool.get("name")?.as_str()?.to_owned();
            Some(Tool { name, schema: tool.get("input_schema").cloned().unwrap_or_default() })
        })
        .collect()
}

fn forced(choice: Option<&Value>) -> Forced {
    let word = |key: &str| choice.and_then(|choice| choice.get(key)).and_then(Value::as_str);
    match (word("type"), word("name")) {
        (Some("any"), _) => Forced::Any,
        (Some("tool"), Some(name)) => Forced::Named(name.to_owned()),
        _ => Forced::No,
    }
}

/// The whole message.
pub(crate) fn message(made: &Rendering<'_>) -> Value {
    let answer = made.answer;
    let mut content = Vec::new();
    if !answer.thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": answer.thinking, "signature": signature(made)}));
    }
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    if let Some(tool) = &answer.tool {
        let input: Value = serde_json::from_str(&tool.arguments).unwrap_or_else(|_| json!({}));
        content.push(json!({"type": "tool_use", "id": tool_id(made), "name": tool.name, "input": input}));
    }
    let mut body = envelope(made, content);
    body["stop_reason"] = json!(stop_reason(made));
    if let Some(usage) = usage(&answer.tokens, answer.tokens.generated(), made.usage_fault) {
        body["usage"] = usage;
    }
    body
}

fn envelope(made: &Rendering<'_>, content: Vec<Value>) -> Value {
    json!({
        "model": made.model.served_as,
        "id": format!("msg_01Sandbox{:017}", made.seq),
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
    })
}

fn tool_id(made: &Rendering<'_>) -> String {
    format!("toolu_01Sandbox{:015}", made.seq)
}

fn signature(made: &Rendering<'_>) -> String {
    format!("EqQBCkYIBxgCKkBzYW5kYm94{:016}==", made.seq)
}

fn stop_reason<'a>(made: &'a Rendering<'_>) -> &'a str {
    match &made.answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tool => "tool_use",
        Finish::Scripted(reason) => reason,
    }
}

/// Usage as this dialect reports it: input apart from what the cache took, thinking inside the output.
fn usage(tokens: &Tokens, output: u64, fault: Option<UsageFault>) -> Option<Value> {
    match fault {
        Some(fault) => {
            fault.counts().map(|[input, output]| json!({"input_tokens": input, "output_tokens": output}))
        }
        None => Some(json!({
            "input_tokens": tokens.input,
            "cache_creation_input_tokens": tokens.cache_write_5m.saturating_add(tokens.cache_write_1h),
            "cache_read_input_tokens": tokens.cached_input,
            "cache_creation": {
                "ephemeral_5m_input_tokens": tokens.cache_write_5m,
                "ephemeral_1h_input_tokens": tokens.cache_write_1h,
            },
            "output_tokens": output,
            "service_tier": "standard",
        })),
    }
}

/// The output that a stream's first event claims, before there is any.
pub(crate) fn claimed(tokens: &Tokens) -> u64 {
    tokens.generated().min(1)
}

/// The message as a stream.
pub(crate) fn events(made: &Rendering<'_>) -> Vec<Event> {
    let answer = made.answer;
    let mut start = envelope(made, Vec::new());
    if let Some(usage) = usage(&answer.tokens, claimed(&answer.tokens), made.usage_fault) {
        start["usage"] = usage;
    }
    let mut stream =
        Blocks { events: vec![frame(json!({"type": "message_start", "message": start}))], index: 0 };
    if !answer.thinking.is_empty() {
        stream.open(json!({"type": "thinking", "thinking": "", "signature": ""}));
        for piece in answer.thinking_pieces() {
            stream.content(json!({"type": "thinking_delta", "thinking": piece}));
        }
        stream.frame(json!({"type": "signature_delta", "signature": signature(made)}));
        stream.close();
    }
    if !answer.text.is_empty() {
        stream.open(json!({"type": "text", "text": ""}));
        for piece in answer.text_pieces() {
            stream.content(json!({"type": "text_delta", "text": piece}));
        }
        stream.close();
    }
    if let Some(tool) = &answer.tool {
        stream.open(json!({"type": "tool_use", "id": tool_id(made), "name": tool.name, "input": {}}));
        stream.frame(json!({"type": "input_json_delta", "partial_json": ""}));
        for piece in answer.argument_pieces() {
            stream.content(json!({"type": "input_json_delta", "partial_json": piece}));
        }
        stream.close();
    }
    let Blocks { mut events, .. } = stream;
    events.extend(closing(made));
    events
}

/// The content blocks of a stream, numbered as they come.
struct Blocks {
    events: Vec<Event>,
    index: u64,
}

impl Blocks {
    fn open(&mut self, block: Value) {
        self.events
            .push(frame(json!({"type": "content_block_start", "index": self.index, "content_block": block})));
        if self.index == 0 {
            self.events.push(frame(json!({"type": "ping"})));
        }
    }

    fn delta(&self, delta: &Value) -> String {
        event(&json!({"type": "content_block_delta", "index": self.index, "delta": delta}))
    }

    fn content(&mut self, delta: Value) {
        self.events.push(Event::content(self.delta(&delta)));
    }

    fn frame(&mut self, delta: Value) {
        self.events.push(Event::frame(self.delta(&delta)));
    }

    fn close(&mut self) {
        self.events.push(frame(json!({"type": "content_block_stop", "index": self.index})));
        self.index += 1;
    }
}

fn closing(made: &Rendering<'_>) -> [Event; 2] {
    let tokens = &made.answer.tokens;
    let mut delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(made), "stop_sequence": null},
    });
    if let Some(mut usage) = usage(tokens, tokens.generated(), made.usage_fault) {
        if let Some(fields) = usage.as_object_mut() {
            fields.shift_remove("cache_creation");
            fields.shift_remove("service_tier");
        }
        delta["usage"] = usage;
    }
    [frame(delta), frame(json!({"type": "message_stop"}))]
}

fn frame(value: Value) -> Event {
    Event::frame(event(&value))
}

/// One server-sent event, named after its `type`.
fn event(value: &Value) -> String {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {kind}\ndata: {value}\n\n")
}

/// The error body.
pub(crate) fn error(refusal: &Refusal, seq: u64) -> Value {
    let kind = match refusal.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let error = json!({"type": kind, "message": refusal.message});
    json!({"type": "error", "error": error, "request_id": request_id(seq)})
}

pub(crate) fn request_id(seq: u64) -> String {
    format!("req_011Sandbox{seq:014}")
}

/// The error event in the middle of a stream.
pub(crate) fn error_event(message: Option<&str>) -> String {
    event(&json!({
        "type": "error",
        "error": {"type": "overloaded_error", "message": message.unwrap_or("Overloaded")},
    }))
}

pub(crate) fn unknown_model(name: &str) -> Refusal {
    Refusal::new(404, format!("model: {name}"))
}

/// The list of models.
pub(crate) fn models(models: &[Model]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|model| {
            let created_at = "2025-09-29T00:00:00Z";
            json!({"type": "model", "id": model.name, "display_name": model.name, "created_at": created_at})
        })
        .collect();
    let first = models.first().map(|model| &model.name);
    let last = models.last().map(|model| &model.name);
    json!({"data": data, "has_more": false, "first_id": first, "last_id": last})
}
