//! Reading one field of a request, and saying what is wrong with it.
//!
//! Invariant: every refusal names the field; none quotes its value.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, Fields, Unreadable};

/// A request that is refused before anything else is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct BadRequest {
    /// The path of the field, e.g. `messages[2].content[0].type`; `body` where it is none of them.
    pub field: String,
    /// What is wrong with it and what it must be. Holds no value of the request.
    pub message: String,
}

impl BadRequest {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// The same, seen from outside: paths are put together only where something is wrong.
    pub(crate) fn within(self, path: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{path}{dot}{}", self.field), message: self.message }
    }
}

/// The fields of a request's body, every key once.
pub(crate) fn body_fields(body: &[u8]) -> Result<Fields<'_>, BadRequest> {
    json::check(body).map_err(|unreadable| match unreadable {
        Unreadable::Syntax(message) => BadRequest::new("body", message),
        Unreadable::DuplicateKey(path) => BadRequest::new(path, "this key appears twice in its object"),
    })?;
    serde_json::from_slice(body).map_err(|_| BadRequest::new("body", "must be a JSON object"))
}

/// Reads `raw`, or says that it must be `expected`.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    field: &str,
    expected: &str,
) -> Result<T, BadRequest> {
    serde_json::from_str(raw.get()).map_err(|_| BadRequest::new(field, format!("must be {expected}")))
}

/// The field `name`, which must be there.
pub(crate) fn required<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a RawValue, BadRequest> {
    fields.get(name).ok_or_else(|| BadRequest::new(name, "is required"))
}

/// That it is a string, whichever.
pub(crate) fn is_text(raw: &RawValue, field: &str) -> Result<(), BadRequest> {
    if raw.get().starts_with('"') { Ok(()) } else { Err(BadRequest::new(field, "must be a string")) }
}

pub(crate) fn elements<'a>(raw: &'a RawValue, field: &str) -> Result<Vec<&'a RawValue>, BadRequest> {
    read(raw, field, "an array")
}

/// A string without the character NUL, which Postgres cannot hold: a name with one could not be recorded.
pub(crate) fn text(raw: &RawValue, field: &str) -> Result<String, BadRequest> {
    let text: String = read(raw, field, "a string")?;
    if text.contains('\0') {
        return Err(BadRequest::new(field, "must not have the character NUL"));
    }
    Ok(text)
}

/// A string of at most `most` characters.
pub(crate) fn short_text(raw: &RawValue, field: &str, most: usize) -> Result<String, BadRequest> {
    let text = text(raw, field)?;
    if text.chars().count() > most {
        return Err(BadRequest::new(field, format!("must have at most {most} characters")));
    }
    Ok(text)
}

pub(crate) fn flag(raw: &RawValue, field: &str) -> Result<bool, BadRequest> {
    read(raw, field, "true or false")
}

pub(crate) fn texts(raw: &RawValue, field: &str) -> Result<Vec<String>, BadRequest> {
    read(raw, field, "an array of strings")
}

pub(crate) fn object<'a>(raw: &'a RawValue, field: &str) -> Result<Fields<'a>, BadRequest> {
    read(raw, field, "an object")
}

/// An integer in `least..=most`.
pub(crate) fn integer(raw: &RawValue, field: &str, least: u32, most: u32) -> Result<u32, BadRequest> {
    let problem = || BadRequest::new(field, format!("must be an integer from {least} to {most}"));
    let value: u32 = serde_json::from_str(raw.get()).map_err(|_| problem())?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(problem()) }
}

/// A number in `least..=most`.
pub(crate) fn number(raw: &RawValue, field: &str, least: f64, most: f64) -> Result<f64, BadRequest> {
    let problem = || BadRequest::new(field, format!("must be a number from {least} to {most}"));
    let value: f64 = serde_json::from_str(raw.get()).map_err(|_| problem())?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(problem()) }
}

/// One of `choices`.
pub(crate) fn one_of<'c>(raw: &RawValue, field: &str, choices: &[&'c str]) -> Result<&'c str, BadRequest> {
    let chosen = choices.iter().find(|choice| json::inner(raw) == **choice);
    if let Some(choice) = chosen {
        return Ok(choice);
    }
    // it may be written with escapes
    let text = json::text_of(raw).unwrap_or_default();
    let chosen = choices.iter().find(|choice| text == **choice);
    chosen.copied().ok_or_else(|| BadRequest::new(field, format!("must be one of {}", choices.join(", "))))
}
