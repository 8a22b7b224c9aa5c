//! A request as the sandbox understands it, whatever dialect it came in.
//!
//! Invariant: everything here was read from the body the provider received; nothing is guessed on behalf of a
//! gateway.

use serde_json::Value;

use crate::refusal::Refusal;

/// A tool on offer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Forced {
    #[default]
    No,
    Any,
    Named(String),
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// A stream reports usage only when this was asked for (OpenAI dialect).
    pub(crate) include_usage: bool,
    /// How many alternative answers, each of them billed.
    pub(crate) choices: u64,
    /// Text of the last message in which the user said something.
    pub(crate) prompt: String,
    /// Characters of all messages.
    pub(crate) prompt_chars: usize,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) forced: Forced,
    /// Content of a tool result, if that is the last thing said.
    pub(crate) tool_result: Option<String>,
    pub(crate) wants_thinking: bool,
    /// The schema a JSON answer must follow, if JSON was asked for.
    pub(crate) answer_schema: Option<Value>,
}

/// Text of a message's content: a string, or the text parts of a list, tool results included.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text").or_else(|| part.get("content")));
            texts.map(text_of).collect::<Vec<String>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The model, which every body must name.
pub(crate) fn model_of(body: &Value) -> Result<String, Refusal> {
    let name = body.get("model").and_then(Value::as_str).filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| Refusal::invalid("you must provide a model parameter"))
}

/// The messages, which must be a list with at least one entry.
pub(crate) fn messages_of(body: &Value) -> Result<&Vec<Value>, Refusal> {
    let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    messages.ok_or_else(|| Refusal {
        param: Some("messages"),
        ..Refusal::invalid("messages: a list with at least one message is required")
    })
}

pub(crate) fn role_of(message: &Value) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Characters of the texts of all these messages.
pub(crate) fn chars_of(messages: &[Value]) -> usize {
    let contents = messages.iter().filter_map(|message| message.get("content"));
    contents.map(|content| text_of(content).chars().count()).sum()
}
