//! The parts of Anthropic's answers that are read, and OpenRouter's words for them.
//!
//! Invariant: values that are passed on stay text; what has a wrong type reads as absent, never as an error.

use serde_json::value::RawValue;

use crate::json::ObjectWriter;

/// What `reasoning_details` of this provider's models are marked with.
pub(super) const REASONING_FORMAT: &str = "anthropic-claude-v1";

/// OpenRouter's word for a `stop_reason`.
pub(super) fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

/// One item of `reasoning_details`.
pub(super) fn detail(kind: &str, index: usize, values: &[(&str, &RawValue)]) -> Vec<u8> {
    let mut detail =
        ObjectWriter::with_capacity(values.iter().map(|(_, value)| value.get().len() + 16).sum());
    detail.string("type", kind);
    for (name, value) in values {
        detail.raw(name, value.get());
    }
    detail.string("format", REASONING_FORMAT);
    detail.raw("index", &index.to_string());
    detail.finish()
}

/// One item of `tool_calls`, but for `index`, which only streams have.
pub(super) fn tool_call(call: &mut ObjectWriter, id: &RawValue, name: &RawValue, arguments: &[u8]) {
    call.raw("id", id.get());
    call.raw("type", "\"function\"");
    let mut function = ObjectWriter::with_capacity(arguments.len() + 64);
    function.raw("name", name.get());
    function.raw_bytes("arguments", arguments);
    call.raw_bytes("function", &function.finish());
}
