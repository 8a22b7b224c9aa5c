//! Answers in OpenAI's shape: which fields are read, and which few are replaced.
//!
//! Invariant: a choice is copied as it is unless its `finish_reason` has to be said differently.

use bytes::Bytes;
use domain::model::Dialect;
use serde_json::value::RawValue;

use crate::answer::{Answer, AnswerKind};
use crate::error::ProviderError;
use crate::json::{Fields, ObjectWriter, array, elements, string, text_len};
use crate::message::REASONING_FIELDS;
use crate::text::Text;
use crate::usage;

pub(crate) fn chat_answer(body: &Bytes, exclude_reasoning: bool) -> Result<Answer, ProviderError> {
    let fields = read(body)?;
    let choices: Option<Vec<Fields<'_>>> =
        fields.present("choices").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let choices = choices.ok_or_else(|| ProviderError::malformed("the provider's answer has no choices"))?;
    let mut rest = kept(body, &fields, &["choices"]);
    let (mut written, mut finish_reason, mut text_bytes) = (Vec::new(), None, 0);
    for choice in &choices {
        let seen = ChoiceView::of(choice, "message");
        finish_reason = finish_reason.or(seen.finish_reason);
        text_bytes += seen.text_bytes;
        written.push(write_choice(choice, &seen, "message", exclude_reasoning));
    }
    rest.push(("choices".to_owned(), Bytes::from(array(written))));
    let reported = usage::from_chat(fields.get("usage"));
    Ok(Answer { reported, finish_reason, text_bytes, rest, kind: AnswerKind::Chat })
}

/// What the choices of a whole answer say, each a piece of its own; their length is not noted.
pub(crate) fn text_of_choices(choices: &Bytes) -> Text {
    let choices: Vec<Fields<'_>> = serde_json::from_slice(choices).unwrap_or_default();
    let mut text = Text::default();
    for choice in &choices {
        ChoiceView::of(choice, "message").keep(&mut text);
        text.end_piece();
    }
    text
}

pub(crate) fn embeddings_answer(body: &Bytes) -> Result<Answer, ProviderError> {
    let fields = read(body)?;
    if fields.present("data").and_then(elements).is_none() {
        return Err(ProviderError::malformed("the provider's answer has no data"));
    }
    let rest = kept(body, &fields, &[]);
    let reported = usage::from_embeddings(fields.get("usage"));
    Ok(Answer { reported, finish_reason: None, text_bytes: 0, rest, kind: AnswerKind::Embeddings })
}

fn read(body: &Bytes) -> Result<Fields<'_>, ProviderError> {
    let fields: Result<Fields<'_>, _> = serde_json::from_slice(body);
    let fields = fields.map_err(|_| ProviderError::malformed("the provider's answer is no JSON object"))?;
    match fields.present("error") {
        Some(error) => Err(ProviderError::in_band(Dialect::OpenAi, error)),
        None => Ok(fields),
    }
}

/// The fields of the body but those that [`Answer::write`] writes itself, and `but`.
fn kept(body: &Bytes, fields: &Fields<'_>, but: &[&str]) -> Vec<(String, Bytes)> {
    let is_rewritten =
        |name: &str| matches!(name, "id" | "object" | "model" | "provider" | "usage" | "error");
    fields
        .iter()
        .filter(|(name, _)| !is_rewritten(name) && !but.contains(name))
        .map(|(name, value)| (name.to_owned(), body.slice_ref(value.get().as_bytes())))
        .collect()
}

/// What is read of one choice, whole or streamed.
pub(super) struct ChoiceView<'a> {
    pub(super) index: u32,
    pub(super) finish_reason: Option<&'static str>,
    /// `finish_reason` as the provider wrote it.
    native: Option<&'a RawValue>,
    /// The choice says `finish_reason: null`, which needs no rewriting.
    is_open: bool,
    pub(super) has_content: bool,
    has_reasoning: bool,
    pub(super) text_bytes: u64,
    /// Content or refusal, reasoning, and calls of tools: what has text.
    said: [Option<&'a RawValue>; 3],
}

impl<'a> ChoiceView<'a> {
    pub(super) fn of(choice: &Fields<'a>, payload: &str) -> Self {
        let index = choice.get("index").and_then(|raw| raw.get().parse().ok()).unwrap_or(0);
        let native = choice.present("finish_reason").filter(|raw| raw.get() != "\"\"");
        let mut view = Self {
            index,
            finish_reason: native.map(|raw| normal_finish(raw.get().trim_matches('"'))),
            native,
            is_open: choice.get("finish_reason").is_some_and(|raw| raw.get() == "null"),
            has_content: false,
            has_reasoning: false,
            text_bytes: 0,
            said: [None; 3],
        };
        let payload = choice.present(payload).and_then(Fields::of).unwrap_or_default();
        let [mut content, mut reasoning, mut calls] = [None; 3];
        let mut reasoning_bytes = 0;
        for (name, value) in payload.iter() {
            if name == "role" || matches!(value.get(), "null" | "\"\"" | "[]" | "{}") {
                continue;
            }
            view.has_content = true;
            match name {
                "content" | "refusal" => {
                    view.text_bytes += length(value);
                    content = Some(value);
                }
                // the same text under two names at some hosts
                "reasoning" | "reasoning_content" => {
                    reasoning_bytes = length(value).max(reasoning_bytes);
                    reasoning = Some(value);
                }
                "tool_calls" => {
                    view.text_bytes += arguments_length(value);
                    calls = Some(value);
                }
                _ => {}
            }
            view.has_reasoning |= REASONING_FIELDS.contains(&name);
        }
        view.text_bytes += reasoning_bytes;
        view.said = [content, reasoning, calls];
        view
    }

    /// Keeps what the choice says.
    pub(super) fn keep(&self, text: &mut Text) {
        let [content, reasoning, calls] = self.said;
        content.into_iter().chain(reasoning).for_each(|value| text.keep(value));
        for function in calls.map(functions).unwrap_or_default() {
            ["name", "arguments"]
                .iter()
                .filter_map(|name| function.get(name))
                .for_each(|value| text.keep(value));
        }
    }

    /// Whether the choice can be copied as it is.
    pub(super) fn is_as_needed(&self, exclude_reasoning: bool) -> bool {
        self.is_open && !(exclude_reasoning && self.has_reasoning)
    }
}

/// A choice with a normal `finish_reason`, the provider's own beside it, and its thinking left out where that was asked.
pub(super) fn write_choice(
    choice: &Fields<'_>,
    view: &ChoiceView<'_>,
    payload: &str,
    exclude_reasoning: bool,
) -> Vec<u8> {
    let mut written = ObjectWriter::with_capacity(256);
    for (name, value) in choice.iter() {
        match name {
            "finish_reason" | "native_finish_reason" => {}
            _ if name == payload && exclude_reasoning && view.has_reasoning => {
                written.raw_bytes(name, &without_reasoning(value));
            }
            _ => written.raw(name, value.get()),
        }
    }
    let finish = view.finish_reason.map_or_else(|| b"null".to_vec(), string);
    written.raw_bytes("finish_reason", &finish);
    let native = choice.present("native_finish_reason").or(view.native);
    written.raw("native_finish_reason", native.map_or("null", RawValue::get));
    written.finish()
}

fn without_reasoning(payload: &RawValue) -> Vec<u8> {
    let mut written = ObjectWriter::new();
    let fields = Fields::of(payload).unwrap_or_default();
    for (name, value) in fields.iter().filter(|(name, _)| !REASONING_FIELDS.contains(name)) {
        written.raw(name, value.get());
    }
    written.finish()
}

/// OpenRouter's closed list. Hosts have words of their own; what is not known is an end like any other.
fn normal_finish(native: &str) -> &'static str {
    match native {
        "length" | "max_tokens" | "model_length" => "length",
        "tool_calls" | "function_call" | "tool_use" => "tool_calls",
        "content_filter" | "safety" | "refusal" => "content_filter",
        "error" | "insufficient_system_resource" => "error",
        _ => "stop",
    }
}

/// The length of text, or of the JSON of parts.
fn length(value: &RawValue) -> u64 {
    if value.get().starts_with('"') {
        text_len(value)
    } else {
        u64::try_from(value.get().len()).unwrap_or(u64::MAX)
    }
}

fn functions(calls: &RawValue) -> Vec<Fields<'_>> {
    let calls: Vec<Fields<'_>> = serde_json::from_str(calls.get()).unwrap_or_default();
    calls.iter().filter_map(|call| call.present("function").and_then(Fields::of)).collect()
}

fn arguments_length(calls: &RawValue) -> u64 {
    functions(calls)
        .iter()
        .map(|function| {
            let length_of = |name| function.get(name).map_or(0, text_len);
            length_of("name") + length_of("arguments")
        })
        .sum()
}
