//! A whole answer of Anthropic in OpenAI's shape.
//!
//! Invariant: text is joined and signatures are copied without decoding them; blocks of tools that the provider ran
//! itself are left out, since the app did not ask for any.

use bytes::Bytes;
use domain::model::Dialect;
use serde_json::value::RawValue;

use super::wire::{detail, finish_reason, tool_call};
use crate::answer::{Answer, AnswerKind};
use crate::error::ProviderError;
use crate::json::{Fields, ObjectWriter, array, elements, inner, string, text_len};
use crate::usage::{AnthropicUsage, Reported};

pub(crate) fn chat_answer(body: &Bytes, exclude_reasoning: bool) -> Result<Answer, ProviderError> {
    let fields: Result<Fields<'_>, _> = serde_json::from_slice(body);
    let fields = fields.map_err(|_| ProviderError::malformed("the provider's answer is no JSON object"))?;
    if let Some(error) = fields.present("error") {
        return Err(ProviderError::in_band(Dialect::Anthropic, error));
    }
    let blocks = fields.present("content").and_then(elements);
    let blocks = blocks.ok_or_else(|| ProviderError::malformed("the provider's answer has no content"))?;
    let mut message = Message::default();
    for block in blocks {
        message.add(&Fields::of(block).unwrap_or_default());
    }
    let native = fields.present("stop_reason");
    let finish = native.map(|raw| finish_reason(inner(raw)));
    let mut choice = ObjectWriter::with_capacity(message.text.len() + 256);
    choice.raw("index", "0");
    choice.raw_bytes("finish_reason", &finish.map_or_else(|| b"null".to_vec(), string));
    choice.raw("native_finish_reason", native.map_or("null", RawValue::get));
    choice.raw("logprobs", "null");
    choice.raw_bytes("message", &message.write(refusal(&fields), exclude_reasoning));
    Ok(Answer {
        reported: reported(&fields),
        finish_reason: finish,
        text_bytes: message.text_bytes,
        rest: vec![("choices".to_owned(), Bytes::from(array([choice.finish()])))],
        kind: AnswerKind::Chat,
    })
}

fn reported(fields: &Fields<'_>) -> Reported {
    let mut usage = AnthropicUsage::default();
    if let Some(raw) = fields.present("usage") {
        usage.merge(raw);
    }
    usage.reported()
}

/// Why the provider refused, in its words.
pub(super) fn refusal<'a>(fields: &Fields<'a>) -> Option<&'a RawValue> {
    let details = fields.present("stop_details").and_then(Fields::of)?;
    details.present("explanation").filter(|raw| raw.get().starts_with('"'))
}

/// The one message; text is kept escaped.
#[derive(Default)]
struct Message {
    text: String,
    reasoning: String,
    details: Vec<Vec<u8>>,
    tool_calls: Vec<Vec<u8>>,
    text_bytes: u64,
}

impl Message {
    fn add(&mut self, block: &Fields<'_>) {
        match block.text("type").as_deref() {
            Some("text") => {
                let Some(text) = block.present("text") else { return };
                self.text.push_str(inner(text));
                self.text_bytes += text_len(text);
            }
            Some("thinking") => {
                let Some(text) = block.present("thinking").filter(|raw| raw.get().starts_with('"')) else {
                    return;
                };
                self.reasoning.push_str(inner(text));
                self.text_bytes += text_len(text);
                let mut values = vec![("text", text)];
                values.extend(block.present("signature").map(|signature| ("signature", signature)));
                self.details.push(detail("reasoning.text", self.details.len(), &values));
            }
            Some("redacted_thinking") => {
                let Some(data) = block.present("data") else { return };
                self.details.push(detail("reasoning.encrypted", self.details.len(), &[("data", data)]));
            }
            Some("tool_use") => {
                let (Some(id), Some(name)) = (block.present("id"), block.present("name")) else { return };
                let input = block.present("input").map_or("{}", RawValue::get);
                self.text_bytes += u64::try_from(input.len()).unwrap_or(0) + text_len(name);
                let mut call = ObjectWriter::with_capacity(input.len() + 128);
                tool_call(&mut call, id, name, &string(input));
                self.tool_calls.push(call.finish());
            }
            _ => {}
        }
    }

    fn write(&self, refusal: Option<&RawValue>, exclude_reasoning: bool) -> Vec<u8> {
        let mut message = ObjectWriter::with_capacity(self.text.len() + self.reasoning.len() + 256);
        message.raw("role", "\"assistant\"");
        if self.text.is_empty() && !self.tool_calls.is_empty() {
            message.raw("content", "null");
        } else {
            message.raw("content", &format!("\"{}\"", self.text));
        }
        message.raw("refusal", refusal.map_or("null", RawValue::get));
        if !exclude_reasoning && !self.details.is_empty() {
            message.raw("reasoning", &format!("\"{}\"", self.reasoning));
            message.raw_bytes("reasoning_details", &array(&self.details));
        }
        if !self.tool_calls.is_empty() {
            message.raw_bytes("tool_calls", &array(&self.tool_calls));
        }
        message.finish()
    }
}
