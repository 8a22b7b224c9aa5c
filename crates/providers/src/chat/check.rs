//! The shapes of a chat request's fields that the gateway itself makes nothing of.
//!
//! Invariant: a known field of the wrong type or out of range is refused by its path; one that is not known passes.

use serde_json::value::RawValue;

use crate::field::{
    BadRequest, elements, flag, integer, is_text, number, object, one_of, read, required, short_text, text,
};
use crate::json::{Fields, inner};

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
    let tools = elements(raw, "tools")?;
    for (index, one) in tools.iter().enumerate() {
        tool(one).map_err(|refused| refused.within(&format!("tools[{index}]")))?;
    }
    Ok(tools.len())
}

fn tool(raw: &RawValue) -> Result<(), BadRequest> {
    let fields = object(raw, "")?;
    let kind = required(&fields, "type")?;
    is_text(kind, "type")?;
    if inner(kind).contains(':') {
        return Err(BadRequest::new("type", "tools run by the gateway are not supported"));
    }
    if inner(kind) != "function" {
        return Ok(());
    }
    let function = object(required(&fields, "function")?, "function")?;
    name(&function).map_err(|refused| refused.within("function"))?;
    if let Some(parameters) = function.present("parameters") {
        object(parameters, "function.parameters")?;
    }
    Ok(())
}

/// A `name` of 1 to 64 characters.
fn name(fields: &Fields<'_>) -> Result<(), BadRequest> {
    let name = short_text(required(fields, "name")?, "name", 64)?;
    if name.is_empty() { Err(BadRequest::new("name", "must have 1 to 64 characters")) } else { Ok(()) }
}

pub(super) fn tool_choice(raw: &RawValue) -> Result<(), BadRequest> {
    if raw.get().starts_with('"') {
        return one_of(raw, "tool_choice", &["none", "auto", "required"]).map(drop);
    }
    let check = || {
        let fields = object(raw, "")?;
        let kind = required(&fields, "type")?;
        is_text(kind, "type")?;
        if inner(kind) != "function" {
            return Ok(());
        }
        let function = object(required(&fields, "function")?, "function")?;
        name(&function).map_err(|refused| refused.within("function"))
    };
    check().map_err(|refused: BadRequest| refused.within("tool_choice"))
}

pub(super) fn response_format(raw: &RawValue) -> Result<(), BadRequest> {
    let check = || {
        let fields = object(raw, "")?;
        let kinds = ["text", "json_object", "json_schema", "grammar", "python"];
        if one_of(required(&fields, "type")?, "type", &kinds)? != "json_schema" {
            return Ok(());
        }
        let named = object(required(&fields, "json_schema")?, "json_schema")?;
        name(&named).map_err(|refused| refused.within("json_schema"))?;
        match named.present("schema") {
            Some(schema) => object(schema, "json_schema.schema").map(drop),
            None => Ok(()),
        }
    };
    check().map_err(|refused: BadRequest| refused.within("response_format"))
}
