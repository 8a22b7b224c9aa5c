//! The messages of a chat request: their roles, and the shapes of their content.
//!
//! Invariant: a part that is known is checked; one that is not is left to the provider.

use serde_json::value::RawValue;

use crate::field::{BadRequest, elements, is_text, object, one_of, read, required};
use crate::json::Fields;
use crate::media::Media;
use crate::text::Text;

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// Fields of an assistant's message that hold what some provider's model thought.
pub(crate) const REASONING_FIELDS: [&str; 3] = ["reasoning", "reasoning_content", "reasoning_details"];

/// What one message has beside text.
#[derive(Default)]
struct Beside {
    media: Media,
    has_cache_marks: bool,
}

/// What checking the messages counts.
pub(crate) struct Checked {
    pub(crate) count: usize,
    pub(crate) media: Media,
    /// Some message holds reasoning or cache marks, which not every dialect takes.
    pub(crate) needs_cleaning: bool,
}

/// Checks `messages`.
pub(crate) fn check(raw: &RawValue) -> Result<Checked, BadRequest> {
    let messages: Vec<Fields<'_>> = read(raw, "messages", "an array of objects")?;
    let mut beside = Beside::default();
    for (index, message) in messages.iter().enumerate() {
        let within = check_one(message).map_err(|refused| refused.within(&format!("messages[{index}]")))?;
        beside.media.add(within.media);
        beside.has_cache_marks |= within.has_cache_marks;
    }
    let has_reasoning =
        |message: &Fields<'_>| REASONING_FIELDS.iter().any(|name| message.get(name).is_some());
    let needs_cleaning = beside.has_cache_marks || messages.iter().any(has_reasoning);
    Ok(Checked { count: messages.len(), media: beside.media, needs_cleaning })
}

/// Tokens that OpenAI's models have around a message, beside its role, its author's name, and before an answer:
/// <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>. Others are taken to be alike.
const MESSAGE_TOKENS: u64 = 3;
const NAME_TOKENS: u64 = 1;
const ANSWER_TOKENS: u64 = 3;

/// Adds what the messages say to `text`. What their models thought is left out, as most providers do.
pub(crate) fn said(raw: &RawValue, text: &mut Text) {
    let messages: Vec<Fields<'_>> = serde_json::from_str(raw.get()).unwrap_or_default();
    for message in &messages {
        text.add_tokens(MESSAGE_TOKENS);
        message.present("role").into_iter().for_each(|role| text.add(role));
        if let Some(name) = message.present("name") {
            text.add_tokens(NAME_TOKENS);
            text.add(name);
        }
        message.present("content").into_iter().for_each(|content| said_in(content, text));
        message.present("tool_calls").into_iter().for_each(|calls| called(calls, text));
    }
    text.add_tokens(ANSWER_TOKENS);
}

fn said_in(content: &RawValue, text: &mut Text) {
    if content.get().starts_with('"') {
        return text.add(content);
    }
    let parts: Vec<Fields<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
    for part in &parts {
        match part.present("text").or(part.present("refusal")) {
            Some(said) => text.add(said),
            None => text.is_lacking(),
        }
    }
}

/// What stands around calls of tools is published nowhere.
fn called(calls: &RawValue, text: &mut Text) {
    text.is_lacking();
    let calls: Vec<Fields<'_>> = serde_json::from_str(calls.get()).unwrap_or_default();
    for function in calls.iter().filter_map(|call| call.present("function").and_then(Fields::of)) {
        ["name", "arguments"]
            .iter()
            .filter_map(|name| function.present(name))
            .for_each(|said| text.add(said));
    }
}

fn check_one(message: &Fields<'_>) -> Result<Beside, BadRequest> {
    let role = one_of(required(message, "role")?, "role", &ROLES)?;
    if let Some(name) = message.present("name") {
        is_text(name, "name")?;
    }
    if role == "tool" {
        is_text(required(message, "tool_call_id")?, "tool_call_id")?;
    }
    if let Some(calls) = message.present("tool_calls") {
        check_tool_calls(calls)?;
    }
    match message.present("content") {
        Some(content) => check_content(content),
        None if matches!(role, "assistant" | "function") => Ok(Beside::default()),
        None => Err(BadRequest::new("content", "must be a string or an array of parts")),
    }
}

fn check_content(content: &RawValue) -> Result<Beside, BadRequest> {
    if content.get().starts_with('"') {
        return Ok(Beside::default());
    }
    let parts: Vec<Fields<'_>> = read(content, "content", "a string or an array of parts")?;
    let mut beside = Beside::default();
    for (index, part) in parts.iter().enumerate() {
        let media = check_part(part).map_err(|refused| refused.within(&format!("content[{index}]")))?;
        beside.media.add(media);
        beside.has_cache_marks |= part.get("cache_control").is_some();
    }
    Ok(beside)
}

/// The part, if it is media.
fn check_part(part: &Fields<'_>) -> Result<Media, BadRequest> {
    let kind = required(part, "type")?;
    is_text(kind, "type")?;
    let (name, texts): (&str, &[&str]) = match crate::json::inner(kind) {
        name @ ("text" | "refusal") => {
            is_text(required(part, name)?, name)?;
            return Ok(Media::default());
        }
        name @ ("image_url" | "video_url") => (name, &["url"]),
        name @ "input_audio" => (name, &["data", "format"]),
        name @ "file" => (name, &[]),
        // Nobody knows what a provider makes of it: its text counts as prompt, and more may be behind it.
        _ => return Ok(Media { others: 1, ..Media::default() }),
    };
    let raw = required(part, name)?;
    let fields = object(raw, name)?;
    for text in texts {
        required(&fields, text).and_then(|raw| is_text(raw, text)).map_err(|refused| refused.within(name))?;
    }
    let media = Media { bytes: raw.get().len(), ..Media::default() };
    Ok(match name {
        "image_url" => Media { images: 1, ..media },
        _ => Media { others: 1, ..media },
    })
}

fn check_tool_calls(raw: &RawValue) -> Result<(), BadRequest> {
    for (index, call) in elements(raw, "tool_calls")?.into_iter().enumerate() {
        check_tool_call(call).map_err(|refused| refused.within(&format!("tool_calls[{index}]")))?;
    }
    Ok(())
}

fn check_tool_call(call: &RawValue) -> Result<(), BadRequest> {
    let call = object(call, "")?;
    is_text(required(&call, "id")?, "id")?;
    let Some(function) = call.present("function") else { return Ok(()) };
    let function = object(function, "function")?;
    for name in ["name", "arguments"] {
        let checked = required(&function, name).and_then(|raw| is_text(raw, name));
        checked.map_err(|refused| refused.within("function"))?;
    }
    Ok(())
}
