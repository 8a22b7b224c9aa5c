//! The conversation in Anthropic's shape: system text apart, tool results in the user's turn, thinking put back.
//!
//! Invariant: text, tool input and signed thinking are copied byte for byte; thinking that another provider's model did,
//! or that was not signed, is left out, never altered.

use serde_json::value::RawValue;

use crate::json::{Fields, ObjectWriter, array, elements, inner, string, text_of};
use crate::translator::TranslateError;

/// What `messages` becomes.
pub(super) struct Conversation {
    pub(super) system: Option<Vec<u8>>,
    pub(super) messages: Vec<u8>,
    /// This provider refuses to think when the model's last turn called tools without signed thinking, or when the
    /// answer's beginning is given.
    pub(super) may_think: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Assistant,
}

struct Turn {
    role: Role,
    blocks: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Translation {
    system: Vec<Vec<u8>>,
    turns: Vec<Turn>,
    calls_without_thinking: bool,
}

pub(super) fn translate(messages: Option<&RawValue>) -> Result<Conversation, TranslateError> {
    let messages: Vec<Fields<'_>> =
        messages.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let mut translation = Translation::default();
    for (index, message) in messages.iter().enumerate() {
        translation.add(&format!("messages[{index}]"), message, index + 1 == messages.len())?;
    }
    if translation.turns.is_empty() {
        return Err(TranslateError::unsupported(
            "messages",
            "this provider needs a message that is not empty",
        ));
    }
    let ends_with_prefill = translation.turns.last().is_some_and(|turn| turn.role == Role::Assistant);
    let turns = translation.turns.into_iter().map(|turn| {
        let mut written = ObjectWriter::new();
        written.raw("role", if turn.role == Role::User { "\"user\"" } else { "\"assistant\"" });
        written.raw_bytes("content", &array(turn.blocks));
        written.finish()
    });
    Ok(Conversation {
        messages: array(turns),
        system: Some(translation.system).filter(|blocks| !blocks.is_empty()).map(array),
        may_think: !translation.calls_without_thinking && !ends_with_prefill,
    })
}

impl Translation {
    fn add(&mut self, path: &str, message: &Fields<'_>, is_last: bool) -> Result<(), TranslateError> {
        match message.text("role").as_deref() {
            Some("system" | "developer") => {
                let blocks = parts(path, message, false)?;
                self.system.extend(blocks);
            }
            Some("user") => {
                let blocks = parts(path, message, false)?;
                self.push(Role::User, blocks);
            }
            Some("assistant") => {
                let mut blocks = thinking(message);
                let has_thinking = !blocks.is_empty();
                blocks.extend(parts(path, message, is_last)?);
                let calls = tool_calls(path, message)?;
                self.calls_without_thinking = !calls.is_empty() && !has_thinking;
                blocks.extend(calls);
                self.push(Role::Assistant, blocks);
            }
            Some("tool") => {
                let block = tool_result(path, message)?;
                self.push(Role::User, vec![block]);
            }
            _ => {
                let field = format!("{path}.role");
                return Err(TranslateError::unsupported(field, "this provider has no such role"));
            }
        }
        Ok(())
    }

    /// Joins turns of one role: all results of one turn's tool calls must come in one message.
    fn push(&mut self, role: Role, blocks: Vec<Vec<u8>>) {
        if blocks.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.blocks.extend(blocks),
            _ => self.turns.push(Turn { role, blocks }),
        }
    }
}

/// The content of a message as blocks. Empty text is left out, because it is refused; so is white space at the end of a
/// given beginning of the answer. A `name` is put before the text, as there is no field for it.
fn parts(path: &str, message: &Fields<'_>, is_prefill: bool) -> Result<Vec<Vec<u8>>, TranslateError> {
    let Some(content) = message.present("content") else { return Ok(Vec::new()) };
    let name = message.text("name").filter(|name| !name.is_empty());
    let mut prefix = name.map(|name| format!("{name}: ")).unwrap_or_default();
    if content.get().starts_with('"') {
        return Ok(text_block(content, None, &prefix, is_prefill).into_iter().collect());
    }
    let parts: Vec<Fields<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
    let mut blocks = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let path = format!("{path}.content[{index}]");
        let is_text = part.text("type").as_deref() == Some("text");
        let block = if is_text {
            let is_trimmed = is_prefill && index + 1 == parts.len();
            let mark = part.present("cache_control");
            part.get("text").and_then(|text| text_block(text, mark, &std::mem::take(&mut prefix), is_trimmed))
        } else {
            media_block(&path, part)?
        };
        blocks.extend(block);
    }
    Ok(blocks)
}

fn text_block(text: &RawValue, mark: Option<&RawValue>, prefix: &str, is_trimmed: bool) -> Option<Vec<u8>> {
    // long text is not blank; decoding it to find out would cost a copy
    let is_blank = text.get().len() < 64 && text_of(text).is_none_or(|text| text.trim().is_empty());
    if is_blank {
        return None;
    }
    let mut block = ObjectWriter::with_capacity(text.get().len() + 64);
    block.raw("type", "\"text\"");
    if is_trimmed || !prefix.is_empty() {
        let text = text_of(text)?;
        let text = if is_trimmed { text.trim_end() } else { &text };
        block.string("text", &format!("{prefix}{text}"));
    } else {
        block.raw("text", text.get());
    }
    Some(with_mark(block, mark))
}

fn with_mark(mut block: ObjectWriter, mark: Option<&RawValue>) -> Vec<u8> {
    if let Some(mark) = mark {
        block.raw("cache_control", mark.get());
    }
    block.finish()
}

/// An image or a document. Other parts cannot be said.
fn media_block(path: &str, part: &Fields<'_>) -> Result<Option<Vec<u8>>, TranslateError> {
    let kind = part.text("type").unwrap_or_default();
    let media = part.get(&kind).and_then(Fields::of).unwrap_or_default();
    let (block_kind, url, title) = match kind.as_str() {
        "image_url" => ("\"image\"", media.text("url"), None),
        "file" => ("\"document\"", media.text("file_data"), media.present("filename")),
        "refusal" => {
            let refusal = part.get("refusal");
            return Ok(refusal.and_then(|text| text_block(text, part.present("cache_control"), "", false)));
        }
        _ => return Err(TranslateError::unsupported(path, "this provider takes no such part")),
    };
    let url =
        url.ok_or_else(|| TranslateError::unsupported(path, "this provider takes data and http URLs only"))?;
    let mut block = ObjectWriter::with_capacity(url.len() + 128);
    block.raw("type", block_kind);
    block.raw_bytes("source", &source(path, &kind, &url)?);
    if let Some(title) = title {
        block.raw("title", title.get());
    }
    Ok(Some(with_mark(block, part.present("cache_control"))))
}

fn source(path: &str, kind: &str, url: &str) -> Result<Vec<u8>, TranslateError> {
    let mut source = ObjectWriter::with_capacity(url.len() + 64);
    let Some(data_url) = url.strip_prefix("data:") else {
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(TranslateError::unsupported(path, "this provider takes data and http URLs only"));
        }
        source.raw("type", "\"url\"");
        source.string("url", url);
        return Ok(source.finish());
    };
    let Some((media_type, data)) = data_url.split_once(";base64,") else {
        return Err(TranslateError::unsupported(path, "a data URL must be base64 for this provider"));
    };
    let media_type = match (kind, media_type.split(';').next().unwrap_or_default()) {
        ("image_url", "image/jpg") => "image/jpeg",
        ("image_url", known @ ("image/png" | "image/jpeg" | "image/gif" | "image/webp")) => known,
        ("file", known @ "application/pdf") => known,
        _ => return Err(TranslateError::unsupported(path, "this provider does not read this media type")),
    };
    source.raw("type", "\"base64\"");
    source.string("media_type", media_type);
    source.string("data", data);
    Ok(source.finish())
}

fn tool_calls(path: &str, message: &Fields<'_>) -> Result<Vec<Vec<u8>>, TranslateError> {
    let calls = message.present("tool_calls").and_then(elements).unwrap_or_default();
    let mut blocks = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        let path = format!("{path}.tool_calls[{index}]");
        let call = Fields::of(call).unwrap_or_default();
        let function = call.get("function").and_then(Fields::of);
        let function = function.ok_or_else(|| {
            TranslateError::unsupported(&path, "this provider takes calls of functions only")
        })?;
        let arguments = function.text("arguments").unwrap_or_default();
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
        let input: Option<&RawValue> = serde_json::from_str(arguments).ok();
        let Some(input) = input.filter(|input| input.get().starts_with('{')) else {
            let field = format!("{path}.function.arguments");
            return Err(TranslateError::unsupported(field, "must be a JSON object for this provider"));
        };
        let mut block = ObjectWriter::with_capacity(input.get().len() + 128);
        block.raw("type", "\"tool_use\"");
        block.raw_bytes("id", &call_id(call.text("id")));
        block.raw("name", function.get("name").map_or("\"\"", RawValue::get));
        block.raw("input", input.get());
        blocks.push(with_mark(block, call.present("cache_control")));
    }
    Ok(blocks)
}

/// An id in the letters this provider takes; call and result are changed alike.
fn call_id(id: Option<String>) -> Vec<u8> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let id: String = id.unwrap_or_default().chars().map(plain).collect();
    string(&id)
}

fn tool_result(path: &str, message: &Fields<'_>) -> Result<Vec<u8>, TranslateError> {
    let mut block = ObjectWriter::with_capacity(256);
    block.raw("type", "\"tool_result\"");
    block.raw_bytes("tool_use_id", &call_id(message.text("tool_call_id")));
    match message.present("content") {
        Some(text) if text.get().starts_with('"') => block.raw("content", text.get()),
        _ => block.raw_bytes("content", &array(parts(path, message, false)?)),
    }
    Ok(with_mark(block, message.present("cache_control")))
}

/// Signed or encrypted thinking of an earlier turn, from `reasoning_details`. Text and signature of one block may come as
/// several items, as they were streamed.
fn thinking(message: &Fields<'_>) -> Vec<Vec<u8>> {
    let details = message.present("reasoning_details").and_then(elements).unwrap_or_default();
    let mut blocks = Vec::new();
    let mut text = String::new();
    for detail in details {
        let detail = Fields::of(detail).unwrap_or_default();
        let is_own =
            detail.present("format").is_none_or(|format| inner(format) == super::wire::REASONING_FORMAT);
        if !is_own {
            continue;
        }
        match detail.text("type").as_deref() {
            Some("reasoning.text") => {
                text.push_str(detail.present("text").map(inner).unwrap_or_default());
                if let Some(signature) = detail.present("signature").filter(|raw| raw.get() != "\"\"") {
                    let mut block = ObjectWriter::with_capacity(text.len() + 128);
                    block.raw("type", "\"thinking\"");
                    block.raw("thinking", &format!("\"{text}\""));
                    block.raw("signature", signature.get());
                    blocks.push(block.finish());
                    text.clear();
                }
            }
            Some("reasoning.encrypted") => {
                if let Some(data) = detail.present("data") {
                    let mut block = ObjectWriter::with_capacity(data.get().len() + 64);
                    block.raw("type", "\"redacted_thinking\"");
                    block.raw("data", data.get());
                    blocks.push(block.finish());
                }
            }
            _ => {}
        }
    }
    blocks
}
