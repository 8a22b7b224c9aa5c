//! Anthropic messages: the request in its shape.
//!
//! Invariant: what this dialect cannot say and the app would miss is refused by the field's name; sampling fields it does
//! not know are left out; fields that Weir does not know are left out too, since this provider refuses what it does not
//! know. The wire: <https://docs.claude.com/en/api/messages>.

mod answer;
mod content;
mod stream;
mod wire;

pub(crate) use answer::chat_answer;
pub(crate) use stream::AnthropicStream;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::value::RawValue;

use crate::chat::ChatRequest;
use crate::json::{Fields, ObjectWriter, array, elements, string, text_of};
use crate::openai::{common_headers, sensitive};
use crate::prefs::Effort;
use crate::translator::{Outgoing, Target, TranslateError};

const VERSION: &str = "2023-06-01";
/// This dialect requires a cap; this is sent where neither the app nor the gateway sets one.
const DEFAULT_MAX_TOKENS: u32 = 4096;
const LEAST_THINKING: u32 = 1024;
const MOST_THINKING: u32 = 128_000;

pub(crate) fn chat_request(request: &ChatRequest, target: &Target<'_>) -> Result<Outgoing, TranslateError> {
    refuse_unsayable(request)?;
    let conversation = content::translate(request.field("messages"))?;
    let tools = request.field("tools").map(tools).transpose()?;
    let tool_choice = tool_choice(request, tools.is_some())?;
    let max_tokens = target.output_cap.or(request.max_output_tokens()).unwrap_or(DEFAULT_MAX_TOKENS);
    let may_think = conversation.may_think && !tool_choice.as_ref().is_some_and(|choice| choice.is_forced);
    let thinking = thinking_budget(request, max_tokens).filter(|_| may_think);

    let mut body = ObjectWriter::with_capacity(request.prompt_bytes() + 512);
    body.string("model", target.upstream_model);
    body.raw("max_tokens", &max_tokens.to_string());
    if request.streams() {
        body.raw("stream", "true");
    }
    if let Some(system) = &conversation.system {
        body.raw_bytes("system", system);
    }
    body.raw_bytes("messages", &conversation.messages);
    if let Some(tools) = &tools {
        body.raw_bytes("tools", tools);
    }
    if let Some(choice) = &tool_choice {
        body.raw_bytes("tool_choice", &choice.json);
    }
    match thinking {
        Some(budget) => {
            body.raw("thinking", &format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#));
        }
        // none of these goes with thinking
        None => write_sampling(request, &mut body),
    }
    if let Some(stops) = stop_sequences(request)? {
        body.raw_bytes("stop_sequences", &stops);
    }
    if let Some(config) = output_config(request)? {
        body.raw_bytes("output_config", &config);
    }
    if let Some(mark) = request.field("cache_control") {
        body.raw("cache_control", mark.get());
    }
    if let Some(user) = request.user().filter(|user| is_opaque(user)) {
        let mut metadata = ObjectWriter::new();
        metadata.string("user_id", user);
        body.raw_bytes("metadata", &metadata.finish());
    }
    outgoing(target, request.streams(), body)
}

fn outgoing(target: &Target<'_>, streams: bool, body: ObjectWriter) -> Result<Outgoing, TranslateError> {
    let headers = headers(target, streams)?;
    let url = format!("{}/messages", target.base_url.trim_end_matches('/'));
    Ok(Outgoing { method: Method::POST, url, headers, body: Bytes::from(body.finish()) })
}

pub(crate) fn headers(target: &Target<'_>, streams: bool) -> Result<HeaderMap, TranslateError> {
    let mut headers = common_headers(target, streams)?;
    headers.insert(HeaderName::from_static("x-api-key"), sensitive(target.credential)?);
    headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION));
    Ok(headers)
}

fn refuse_unsayable(request: &ChatRequest) -> Result<(), TranslateError> {
    if request.choices() > 1 {
        return Err(TranslateError::unsupported("n", "this provider makes one choice per request"));
    }
    if request.priced().audio_output || request.priced().image_output {
        return Err(TranslateError::unsupported("modalities", "this provider answers in text only"));
    }
    for name in ["functions", "function_call", "web_search_options"] {
        if request.field(name).is_some() {
            return Err(TranslateError::unsupported(
                name,
                "this provider has nothing of the kind; use tools",
            ));
        }
    }
    Ok(())
}

fn tools(raw: &RawValue) -> Result<Vec<u8>, TranslateError> {
    let mut translated = Vec::new();
    for (index, tool) in elements(raw).unwrap_or_default().into_iter().enumerate() {
        let tool = Fields::of(tool).unwrap_or_default();
        let function = tool.get("function").and_then(Fields::of);
        let Some(function) = function.filter(|_| tool.text("type").as_deref() == Some("function")) else {
            let field = format!("tools[{index}].type");
            return Err(TranslateError::unsupported(field, "this provider takes function tools only"));
        };
        let mut written = ObjectWriter::with_capacity(256);
        written.raw("name", function.get("name").map_or("\"\"", RawValue::get));
        if let Some(description) = function.present("description") {
            written.raw("description", description.get());
        }
        let empty = r#"{"type":"object","properties":{}}"#;
        written.raw("input_schema", function.present("parameters").map_or(empty, RawValue::get));
        if let Some(mark) = tool.present("cache_control").or(function.present("cache_control")) {
            written.raw("cache_control", mark.get());
        }
        translated.push(written.finish());
    }
    Ok(array(translated))
}

struct ToolChoice {
    json: Vec<u8>,
    /// The model has to call a tool.
    is_forced: bool,
}

fn tool_choice(request: &ChatRequest, has_tools: bool) -> Result<Option<ToolChoice>, TranslateError> {
    if !has_tools {
        return Ok(None);
    }
    let is_single = request.field("parallel_tool_calls").is_some_and(|raw| raw.get() == "false");
    let mut choice = ObjectWriter::new();
    let asked = request.field("tool_choice");
    let kind = match asked.map(|raw| (text_of(raw), raw)) {
        None if !is_single => return Ok(None),
        None => "auto",
        Some((Some(word), _)) => match word.as_str() {
            "required" => "any",
            "none" => "none",
            _ => "auto",
        },
        Some((None, object)) => {
            let function = Fields::of(object).and_then(|fields| fields.get("function")).and_then(Fields::of);
            let Some(name) = function.as_ref().and_then(|function| function.get("name")) else {
                return Err(TranslateError::unsupported(
                    "tool_choice",
                    "this provider takes a function's name only",
                ));
            };
            choice.raw("name", name.get());
            "tool"
        }
    };
    choice.string("type", kind);
    if is_single && kind != "none" {
        choice.raw("disable_parallel_tool_use", "true");
    }
    Ok(Some(ToolChoice { json: choice.finish(), is_forced: matches!(kind, "any" | "tool") }))
}

/// Tokens to think with, if thinking is asked for and there is room: at least 1024, and always fewer than `max_tokens`,
/// which is never raised, because it bounds what the request may cost.
fn thinking_budget(request: &ChatRequest, max_tokens: u32) -> Option<u32> {
    let effort = request.reasoning.as_effort(Some(max_tokens)).filter(|effort| *effort != Effort::None)?;
    let share = u64::from(max_tokens) * u64::from(effort.percent()) / 100;
    let wanted = request.reasoning.max_tokens.unwrap_or(u32::try_from(share).unwrap_or(MOST_THINKING));
    let budget = wanted.clamp(LEAST_THINKING, MOST_THINKING).min(max_tokens.saturating_sub(1));
    Some(budget).filter(|budget| *budget >= LEAST_THINKING)
}

/// Temperature goes up to 1 here, and newer models take it or `top_p`, not both.
fn write_sampling(request: &ChatRequest, body: &mut ObjectWriter) {
    let temperature = request.field("temperature");
    if let Some(raw) = temperature {
        let is_too_high = raw.get().parse::<f64>().is_ok_and(|temperature| temperature > 1.0);
        body.raw("temperature", if is_too_high { "1" } else { raw.get() });
    }
    if let Some(raw) = request.field("top_p").filter(|_| temperature.is_none()) {
        body.raw("top_p", raw.get());
    }
    if let Some(raw) = request.field("top_k").filter(|raw| raw.get() != "0") {
        body.raw("top_k", raw.get());
    }
}

fn stop_sequences(request: &ChatRequest) -> Result<Option<Vec<u8>>, TranslateError> {
    let Some(raw) = request.field("stop") else { return Ok(None) };
    let stops = match text_of(raw) {
        Some(stop) => vec![stop],
        None => serde_json::from_str(raw.get()).unwrap_or_default(),
    };
    if stops.iter().any(|stop| stop.trim().is_empty()) {
        return Err(TranslateError::unsupported(
            "stop",
            "this provider takes no stop sequence of white space alone",
        ));
    }
    Ok(Some(array(stops.iter().map(|stop| string(stop)))).filter(|_| !stops.is_empty()))
}

/// A schema for the answer. `json_object` has no counterpart and is left to the prompt, which has to ask for JSON anyway.
fn output_config(request: &ChatRequest) -> Result<Option<Vec<u8>>, TranslateError> {
    let Some(format) = request.field("response_format").and_then(Fields::of) else { return Ok(None) };
    match format.text("type").as_deref() {
        Some("json_schema") => {}
        Some("grammar" | "python") => {
            return Err(TranslateError::unsupported(
                "response_format.type",
                "this provider takes JSON schemas only",
            ));
        }
        _ => return Ok(None),
    }
    let named = format.get("json_schema").and_then(Fields::of).unwrap_or_default();
    let Some(schema) = named.present("schema") else { return Ok(None) };
    let mut inner = ObjectWriter::new();
    inner.raw("type", "\"json_schema\"");
    inner.raw("schema", schema.get());
    let mut config = ObjectWriter::new();
    config.raw_bytes("format", &inner.finish());
    Ok(Some(config.finish()))
}

/// Whether an end user's id says nothing of the person, as this provider demands: long, and of hash or UUID letters with
/// digits among them. An address or a name never leaves by here.
fn is_opaque(user: &str) -> bool {
    let is_plain = user.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let digits = user.bytes().filter(u8::is_ascii_digit).count();
    (16..=256).contains(&user.len()) && is_plain && digits >= 4
}

#[cfg(test)]
mod tests;
