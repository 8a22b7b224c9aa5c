//! The shapes of a chat request's fields that the gateway itself makes nothing of.
//!
//! Invariant: a known field of the wrong type or out of range is refused by its path; one that is not known passes.

use serde_json::value::RawValue;

use crate::field::{BadRequest, flag, integer, number, object, one_of, read, short_text, text};
use crate::json::elements;

/// Fields with a type and a range and no further meaning here.
pub(super) fn plain(name: &str, raw: &RawValue) -> Result<(), BadRequest> {
    match name {
        "temperature" | "repetition_penalty" => number(raw, name, 0.0, 2.0).map(drop),
        "top_p" | "min_p" | "top_a" => number(raw, name, 0.0, 1.0).map(drop),
        "frequency_penalty" | "presence_penalty" => number(raw, name, -2.0, 2.0).map(drop),
        "top_k" => integer(raw, name, 0, u32::MAX).map(drop),
        "top_logprobs" => integer(raw, name, 0, 20).map(drop),
        "seed" => read::<i64>(raw, name, "an integer").map(drop),
        "logprobs" | "parallel_tool_calls" | "structured_outputs" => flag(raw, name).map(drop),
        "safety_identifier" | "prompt_cache_key" | "verbosity" => text(raw, name).map(drop),
        "audio" => object(raw, name).map(drop),
        "stop" => stop(raw),
        "logit_bias" => {
            object(raw, name)?.iter().try_for_each(|(_, bias)| number(bias, name, -100.0, 100.0).map(drop))
        }
        _ => Ok(()),
    }
}

pub(super) fn include_usage(raw: &RawValue) -> Result<bool, BadRequest> {
    let fields = object(raw, "stream_options")?;
    fields.present("include_usage").map_or(Ok(false), |raw| flag(raw, "stream_options.include_usage"))
}

fn stop(raw: &RawValue) -> Result<(), BadRequest> {
    if raw.get().starts_with('"') {
        return text(raw, "stop").map(drop);
    }
    let stops: Vec<String> = read(raw, "stop", "a string or an array of at most 4 strings")?;
    if stops.len() > 4 {
        return Err(BadRequest::new("stop", "must be a string or an array of at most 4 strings"));
    }
    Ok(())
}

pub(super) fn tools(raw: &RawValue) -> Result<usize, BadRequest> {
    let tools = elements(raw).ok_or_else(|| BadRequest::new("tools", "must be an array"))?;
    for (index, tool) in tools.iter().enumerate() {
        let field = format!("tools[{index}]");
        let fields = object(tool, &field)?;
        let kind = fields
            .text("type")
            .ok_or_else(|| BadRequest::new(format!("{field}.type"), "must be a string"))?;
        if kind.contains(':') {
            return Err(BadRequest::new(
                format!("{field}.type"),
                "tools run by the gateway are not supported",
            ));
        }
        if kind == "function" {
            let path = format!("{field}.function");
            let function =
                fields.get("function").ok_or_else(|| BadRequest::new(&path, "must be an object"))?;
            let function = object(function, &path)?;
            name(function.get("name"), &format!("{path}.name"))?;
            if let Some(parameters) = function.present("parameters") {
                object(parameters, &format!("{path}.parameters"))?;
            }
        }
    }
    Ok(tools.len())
}

/// A name of at most 64 characters.
fn name(raw: Option<&RawValue>, field: &str) -> Result<(), BadRequest> {
    let raw = raw.ok_or_else(|| BadRequest::new(field, "must be a string of 1 to 64 characters"))?;
    let name = short_text(raw, field, 64)?;
    if name.is_empty() {
        Err(BadRequest::new(field, "must be a string of 1 to 64 characters"))
    } else {
        Ok(())
    }
}

pub(super) fn tool_choice(raw: &RawValue) -> Result<(), BadRequest> {
    if raw.get().starts_with('"') {
        return one_of(raw, "tool_choice", &["none", "auto", "required"]).map(drop);
    }
    let fields = object(raw, "tool_choice")?;
    let kind = fields.text("type").ok_or_else(|| BadRequest::new("tool_choice.type", "must be a string"))?;
    if kind == "function" {
        let path = "tool_choice.function";
        let function = fields.get("function").ok_or_else(|| BadRequest::new(path, "must be an object"))?;
        name(object(function, path)?.get("name"), "tool_choice.function.name")?;
    }
    Ok(())
}

pub(super) fn response_format(raw: &RawValue) -> Result<(), BadRequest> {
    let fields = object(raw, "response_format")?;
    let field = "response_format.type";
    let kind = fields.get("type").ok_or_else(|| BadRequest::new(field, "must be a string"))?;
    if one_of(kind, field, &["text", "json_object", "json_schema", "grammar", "python"])? == "json_schema" {
        let path = "response_format.json_schema";
        let schema = fields.get("json_schema").ok_or_else(|| BadRequest::new(path, "must be an object"))?;
        let schema = object(schema, path)?;
        name(schema.get("name"), &format!("{path}.name"))?;
        if let Some(schema) = schema.present("schema") {
            object(schema, "response_format.json_schema.schema")?;
        }
    }
    Ok(())
}
