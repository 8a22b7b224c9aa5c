//! OpenAI and every host that speaks its dialect: the request and the answer stay as they are but for what must change.
//!
//! Invariant: a field that is not named here is forwarded byte for byte, in both directions.

mod answer;
mod stream;

pub(crate) use answer::{chat_answer, embeddings_answer, text_of_choices};
pub(crate) use stream::OpenAiStream;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::value::RawValue;

use crate::chat::ChatRequest;
use crate::embeddings::EmbeddingsRequest;
use crate::json::{Fields, ObjectWriter, array, elements};
use crate::message::REASONING_FIELDS;
use crate::translator::{Outgoing, Target, TranslateError};

/// OpenAI itself refuses fields it does not know; other hosts take some of these.
const NOT_AT_OPENAI: [&str; 5] = ["top_k", "min_p", "top_a", "repetition_penalty", "x_search_filter"];

pub(crate) fn chat_request(request: &ChatRequest, target: &Target<'_>) -> Result<Outgoing, TranslateError> {
    let is_openai = is_openai(target.base_url);
    let mut body =
        ObjectWriter::with_capacity(request.fields.iter().map(|(_, value)| value.len() + 32).sum());
    body.string("model", target.upstream_model);
    let cap = OutputCap::of(request, target, is_openai);
    for (name, value) in &request.fields {
        match name.as_str() {
            "max_tokens" | "max_completion_tokens" if cap.is_some() => {}
            "stream_options" | "reasoning_effort" | "cache_control" => {}
            // only what is stored can have it; here it is attribution
            "metadata" if !request.is_stored() => {}
            name if is_openai && NOT_AT_OPENAI.contains(&name) => {}
            "messages" if request.messages_need_cleaning => {
                body.raw_bytes(name, &clean_messages(value, is_openai));
            }
            "tools" if request.tools_need_cleaning => body.raw_bytes(name, &clean_tools(value)),
            _ => body.raw_bytes(name, value),
        }
    }
    if let Some(cap) = cap {
        body.raw(cap.name, &cap.tokens.to_string());
    }
    if request.streams() {
        body.raw_bytes("stream_options", &stream_options(request.field("stream_options")));
    }
    if let Some(effort) = request.reasoning.as_effort(target.output_cap.or(request.max_output_tokens())) {
        body.string("reasoning_effort", effort.name());
    }
    outgoing(target, "chat/completions", request.streams(), body)
}

pub(crate) fn embeddings_request(
    request: &EmbeddingsRequest,
    target: &Target<'_>,
) -> Result<Outgoing, TranslateError> {
    let mut body =
        ObjectWriter::with_capacity(request.fields.iter().map(|(_, value)| value.len() + 32).sum());
    body.string("model", target.upstream_model);
    for (name, value) in &request.fields {
        body.raw_bytes(name, value);
    }
    outgoing(target, "embeddings", false, body)
}

/// The one field that bounds the completion.
struct OutputCap {
    name: &'static str,
    tokens: u32,
}

impl OutputCap {
    /// Replaces what the app sent wherever a cap is set, and at OpenAI, whose newer models refuse `max_tokens`. Other
    /// hosts may not know `max_completion_tokens`, unless the app says it.
    fn of(request: &ChatRequest, target: &Target<'_>, is_openai: bool) -> Option<Self> {
        let asked = if is_openai { request.max_output_tokens() } else { None };
        let tokens = target.output_cap.or(asked)?;
        let is_new_name = is_openai
            || request.field("max_completion_tokens").is_some()
            || refuses_max_tokens(target.upstream_model);
        Some(Self { name: if is_new_name { "max_completion_tokens" } else { "max_tokens" }, tokens })
    }
}

/// OpenAI's reasoning models (`o1`, `o4-mini`, `gpt-5`, …) refuse `max_tokens` wherever they are served.
fn refuses_max_tokens(upstream_model: &str) -> bool {
    let o_series =
        upstream_model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    o_series || upstream_model.starts_with("gpt-5")
}

fn is_openai(base_url: &str) -> bool {
    let host = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".api.openai.com") || host.ends_with(".openai.azure.com")
}

/// What the app asked for, and usage, without which a stream could only be estimated.
fn stream_options(asked: Option<&RawValue>) -> Vec<u8> {
    let asked = asked.and_then(Fields::of).unwrap_or_default();
    let mut options = ObjectWriter::new();
    for (name, value) in asked.iter().filter(|(name, _)| *name != "include_usage") {
        options.raw(name, value.get());
    }
    options.raw("include_usage", "true");
    options.finish()
}

/// Takes out what another provider's model thought (it may be encrypted for that provider alone) and cache marks, which
/// this dialect does not have. Hosts other than OpenAI read `reasoning_content` back.
fn clean_messages(messages: &Bytes, is_openai: bool) -> Vec<u8> {
    let messages: Vec<Fields<'_>> = serde_json::from_slice(messages).unwrap_or_default();
    array(messages.iter().map(|message| {
        let mut cleaned = ObjectWriter::new();
        for (name, value) in message.iter() {
            let is_reasoning = REASONING_FIELDS.contains(&name) && (is_openai || name != "reasoning_content");
            match name {
                _ if is_reasoning => {}
                "content" if value.get().starts_with('[') => {
                    cleaned.raw_bytes(name, &without_cache_marks(value))
                }
                _ => cleaned.raw(name, value.get()),
            }
        }
        cleaned.finish()
    }))
}

fn clean_tools(tools: &Bytes) -> Vec<u8> {
    serde_json::from_slice::<&RawValue>(tools).map_or_else(|_| tools.to_vec(), without_cache_marks)
}

/// The objects of an array without their `cache_control`.
fn without_cache_marks(list: &RawValue) -> Vec<u8> {
    let objects = elements(list).unwrap_or_default();
    array(objects.into_iter().map(|object| match Fields::of(object) {
        Some(fields) if fields.get("cache_control").is_some() => {
            let mut cleaned = ObjectWriter::new();
            for (name, value) in fields.iter().filter(|(name, _)| *name != "cache_control") {
                cleaned.raw(name, value.get());
            }
            cleaned.finish()
        }
        _ => object.get().as_bytes().to_vec(),
    }))
}

fn outgoing(
    target: &Target<'_>,
    path: &str,
    streams: bool,
    body: ObjectWriter,
) -> Result<Outgoing, TranslateError> {
    let headers = headers(target, streams)?;
    let url = format!("{}/{path}", target.base_url.trim_end_matches('/'));
    Ok(Outgoing { method: Method::POST, url, headers, body: Bytes::from(body.finish()) })
}

pub(crate) fn headers(target: &Target<'_>, streams: bool) -> Result<HeaderMap, TranslateError> {
    let mut headers = common_headers(target, streams)?;
    headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", target.credential))?);
    Ok(headers)
}

/// The headers every dialect has.
pub(crate) fn common_headers(target: &Target<'_>, streams: bool) -> Result<HeaderMap, TranslateError> {
    let event_id = HeaderValue::from_str(target.event_id);
    let event_id = event_id.map_err(|_| TranslateError::Unsendable { what: "event id" })?;
    let accept = if streams { "text/event-stream" } else { "application/json" };
    Ok(HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static(accept)),
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (HeaderName::from_static("x-client-request-id"), event_id),
    ]))
}

/// A header value that is a credential.
pub(crate) fn sensitive(value: &str) -> Result<HeaderValue, TranslateError> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| TranslateError::Unsendable { what: "credential" })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
