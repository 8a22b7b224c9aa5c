//! Finds knobs in texts: `[[sandbox key=value …]]` in a prompt, `key=value; …` in a header.
//!
//! A prompt survives every gateway, so a directive in it reaches the provider whatever lies between.
//! Invariant: a directive that is begun is also ended, or the call is refused.

use serde_json::Value;

use crate::knobs::BadKnob;

const OPEN: &str = "[[sandbox";
const CLOSE: &str = "]]";

/// Knobs in the order they were written.
pub(crate) type Pairs = Vec<(String, String)>;

/// The directives of a prompt, and the prompt without them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) directives: Vec<Pairs>,
    pub(crate) rest: String,
}

/// Takes every directive out of a prompt.
pub(crate) fn in_prompt(text: &str) -> Result<Found, BadKnob> {
    let mut found = Found::default();
    let mut left = text;
    while let Some((before, after)) = left.split_once(OPEN) {
        found.rest.push_str(before);
        let (pairs, behind) = directive(after)?;
        found.directives.push(pairs);
        left = behind;
    }
    found.rest.push_str(left);
    found.rest = found.rest.trim().to_owned();
    Ok(found)
}

/// Reads an `x-sandbox` header.
pub(crate) fn in_header(text: &str) -> Result<Pairs, BadKnob> {
    let mut pairs = Pairs::new();
    let mut left = text.trim();
    while !left.is_empty() {
        let (key, after) = key(left)?;
        let (value, behind) = value(after, |rest| rest.starts_with(';'))?;
        pairs.push((key, value));
        left = behind.trim_start().trim_start_matches(';').trim_start();
    }
    Ok(pairs)
}

/// Reads up to the closing brackets; gives the knobs and what follows.
fn directive(text: &str) -> Result<(Pairs, &str), BadKnob> {
    let mut pairs = Pairs::new();
    let mut left = text.trim_start();
    loop {
        if let Some(behind) = left.strip_prefix(CLOSE) {
            return Ok((pairs, behind));
        }
        let (key, after) = key(left)?;
        let (value, behind) =
            value(after, |rest| rest.starts_with(char::is_whitespace) || rest.starts_with(CLOSE))?;
        pairs.push((key, value));
        left = behind.trim_start();
    }
}

fn key(text: &str) -> Result<(String, &str), BadKnob> {
    let unreadable =
        || BadKnob(format!("expected key=value at `{}`", text.chars().take(40).collect::<String>()));
    let (key, after) = text.split_once('=').ok_or_else(unreadable)?;
    let key = key.trim();
    if key.is_empty()
        || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Err(unreadable());
    }
    Ok((key.to_owned(), after))
}

/// Reads a quoted string or a JSON value as JSON, anything else as bare text up to where `ends` says.
fn value(text: &str, ends: fn(&str) -> bool) -> Result<(String, &str), BadKnob> {
    if text.starts_with(['"', '{', '[']) {
        return json_value(text);
    }
    let end = text.char_indices().map(|(at, _)| at).find(|at| text.get(*at..).is_some_and(ends));
    let (bare, behind) = text.split_at(end.unwrap_or(text.len()));
    Ok((bare.trim().to_owned(), behind))
}

fn json_value(text: &str) -> Result<(String, &str), BadKnob> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let Some(Ok(value)) = values.next() else {
        return Err(BadKnob("a quoted value is not closed".to_owned()));
    };
    let behind = text.get(values.byte_offset()..).unwrap_or_default();
    Ok((as_text(&value), behind))
}

/// A JSON value as knob text: strings as they are, everything else as JSON.
pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
