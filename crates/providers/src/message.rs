//! The messages of a chat request: their roles, and the shapes of their content.
//!
//! Invariant: a part that is known is checked; one that is not is left to the provider.

use serde_json::value::RawValue;

use crate::field::{BadRequest, object, one_of, read, text};
use crate::json::{Fields, elements};

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// What the messages have beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Media {
    pub(crate) parts: usize,
    pub(crate) bytes: usize,
    has_cache_marks: bool,
}

/// What checking the messages counts.
pub(crate) struct Checked {
    pub(crate) count: usize,
    pub(crate) media: Media,
    pub(crate) needs_cleaning: bool,
}

/// Fields of an assistant's message that hold what some provider's model thought.
pub(crate) const REASONING_FIELDS: [&str; 3] = ["reasoning", "reasoning_content", "reasoning_details"];

/// Checks `messages`.
pub(crate) fn check(raw: &RawValue) -> Result<Checked, BadRequest> {
    let messages: Vec<Fields<'_>> = read(raw, "messages", "an array of objects")?;
    let mut media = Media::default();
    for (index, message) in messages.iter().enumerate() {
        let within = check_one(&format!("messages[{index}]"), message)?;
        media.parts += within.parts;
        media.bytes += within.bytes;
        media.has_cache_marks |= within.has_cache_marks;
    }
    let has_reasoning =
        |message: &Fields<'_>| REASONING_FIELDS.iter().any(|name| message.get(name).is_some());
    let needs_cleaning = media.has_cache_marks || messages.iter().any(has_reasoning);
    Ok(Checked { count: messages.len(), media, needs_cleaning })
}

fn check_one(path: &str, message: &Fields<'_>) -> Result<Media, BadRequest> {
    let field = |name: &str| format!("{path}.{name}");
    let role = message.get("role").ok_or_else(|| BadRequest::new(field("role"), "is required"))?;
    let role = one_of(role, &field("role"), &ROLES)?;
    if let Some(name) = message.present("name") {
        text(name, &field("name"))?;
    }
    if role == "tool" {
        let id = message
            .get("tool_call_id")
            .ok_or_else(|| BadRequest::new(field("tool_call_id"), "is required"))?;
        text(id, &field("tool_call_id"))?;
    }
    if let Some(calls) = message.present("tool_calls") {
        check_tool_calls(&field("tool_calls"), calls)?;
    }
    match message.present("content") {
        Some(content) => check_content(&field("content"), content),
        None if matches!(role.as_str(), "assistant" | "function") => Ok(Media::default()),
        None => Err(BadRequest::new(field("content"), "must be a string or an array of parts")),
    }
}

fn check_content(path: &str, content: &RawValue) -> Result<Media, BadRequest> {
    if content.get().starts_with('"') {
        text(content, path)?;
        return Ok(Media::default());
    }
    let parts: Vec<Fields<'_>> = read(content, path, "a string or an array of parts")?;
    let mut media = Media::default();
    for (index, part) in parts.iter().enumerate() {
        let bytes = check_part(&format!("{path}[{index}]"), part)?;
        media.parts += usize::from(bytes.is_some());
        media.bytes += bytes.unwrap_or(0);
        media.has_cache_marks |= part.get("cache_control").is_some();
    }
    Ok(media)
}

/// The bytes of the part if it is media.
fn check_part(path: &str, part: &Fields<'_>) -> Result<Option<usize>, BadRequest> {
    let kind = part.get("type").ok_or_else(|| BadRequest::new(format!("{path}.type"), "is required"))?;
    let kind = text(kind, &format!("{path}.type"))?;
    let (inner, required): (&str, &[&str]) = match kind.as_str() {
        "text" | "refusal" => {
            let field = format!("{path}.{kind}");
            let value = part.get(&kind).ok_or_else(|| BadRequest::new(&field, "must be a string"))?;
            text(value, &field)?;
            return Ok(None);
        }
        "image_url" => ("image_url", &["url"]),
        "input_audio" => ("input_audio", &["data", "format"]),
        "video_url" => ("video_url", &["url"]),
        "file" => ("file", &[]),
        _ => return Ok(None),
    };
    let field = format!("{path}.{inner}");
    let raw = part.get(inner).ok_or_else(|| BadRequest::new(&field, "must be an object"))?;
    let fields = object(raw, &field)?;
    for name in required {
        let field = format!("{field}.{name}");
        let value = fields.get(name).ok_or_else(|| BadRequest::new(&field, "must be a string"))?;
        text(value, &field)?;
    }
    Ok(Some(raw.get().len()))
}

fn check_tool_calls(path: &str, raw: &RawValue) -> Result<(), BadRequest> {
    let calls = elements(raw).ok_or_else(|| BadRequest::new(path, "must be an array"))?;
    for (index, call) in calls.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let call = object(call, &path)?;
        let id = call.get("id").ok_or_else(|| BadRequest::new(format!("{path}.id"), "must be a string"))?;
        text(id, &format!("{path}.id"))?;
        let Some(function) = call.present("function") else { continue };
        let function = object(function, &format!("{path}.function"))?;
        for name in ["name", "arguments"] {
            let field = format!("{path}.function.{name}");
            let value = function.get(name).ok_or_else(|| BadRequest::new(&field, "must be a string"))?;
            text(value, &field)?;
        }
    }
    Ok(())
}
