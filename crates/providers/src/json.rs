//! JSON as text: objects cut into fields whose values stay as they were written, a check for duplicate keys at every
//! depth, and a writer.
//!
//! Invariant: a value that is not looked at is copied byte for byte.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// The fields of one object, in order, values unread.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The fields of `raw`, or `None` if it is no object.
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The field `name`; of duplicates the last, as JavaScript reads them.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The field `name` unless it is `null`.
    pub(crate) fn present(&self, name: &str) -> Option<&'a RawValue> {
        self.get(name).filter(|raw| raw.get() != "null")
    }

    /// The field `name` if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text_of)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }
}

/// The value of a JSON string.
pub(crate) fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A JSON string without its quotes, still escaped: pieces can be joined as they are.
pub(crate) fn inner(raw: &RawValue) -> &str {
    raw.get().strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default()
}

/// The elements of a JSON array.
pub(crate) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// The UTF-8 length of the value of a JSON string without decoding it; 0 for anything else.
pub(crate) fn text_len(raw: &RawValue) -> u64 {
    let text = inner(raw);
    let mut len = text.len();
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte != b'\\' {
            continue;
        }
        match bytes.next() {
            Some((_, b'u')) => {
                let digits = text.get(at + 2..at + 6).unwrap_or_default();
                let encoded = match u16::from_str_radix(digits, 16) {
                    Ok(0..=0x7f) => 1,
                    Ok(0x80..=0x7ff | 0xd800..=0xdfff) => 2,
                    _ => 3,
                };
                len -= 6 - encoded;
            }
            _ => len -= 1,
        }
    }
    u64::try_from(len).unwrap_or(u64::MAX)
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(name)) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Why a body is refused before any of its fields is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Not JSON, or nested too deep; where, in the parser's words (which hold nothing of the text).
    Syntax(String),
    /// Two fields of one object have the same key; the path of the second.
    DuplicateKey(String),
}

/// Reads `body` to its end and refuses what two parsers could read differently.
pub(crate) fn check(body: &[u8]) -> Result<(), Unreadable> {
    let mut duplicate = None;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let walked = Walk { duplicate: &mut duplicate }.deserialize(&mut deserializer);
    match (walked.and_then(|()| deserializer.end()), duplicate) {
        (_, Some(path)) => Err(Unreadable::DuplicateKey(path)),
        (Err(error), None) => Err(Unreadable::Syntax(position(&error))),
        (Ok(()), None) => Ok(()),
    }
}

/// Line and column only: a parser's own words may quote what it could not read.
fn position(error: &serde_json::Error) -> String {
    format!("not valid JSON at line {}, column {}", error.line(), error.column())
}

struct Walk<'w> {
    duplicate: &'w mut Option<String>,
}

/// The keys of one object: few, mostly, and then a scan beats hashing.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    const FEW: usize = 16;

    /// Whether `key` is new.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        loop {
            match seq.next_element_seed(Walk { duplicate: self.duplicate }) {
                Ok(Some(())) => index += 1,
                Ok(None) => return Ok(()),
                Err(error) => {
                    prefix(self.duplicate, &format!("[{index}]"));
                    return Err(error);
                }
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = Keys::default();
        while let Some(Key(key)) = map.next_key()? {
            if !keys.insert(key.clone()) {
                *self.duplicate = Some(shown(&key));
                return Err(de::Error::custom("duplicate key"));
            }
            if let Err(error) = map.next_value_seed(Walk { duplicate: self.duplicate }) {
                prefix(self.duplicate, &shown(&key));
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Puts `step` before the path of a duplicate on its way up.
fn prefix(path: &mut Option<String>, step: &str) {
    if let Some(path) = path {
        let dot = if path.starts_with('[') { "" } else { "." };
        *path = format!("{step}{dot}{path}");
    }
}

/// A key as part of a path: cut, since it is the app's own text.
pub(crate) fn shown(key: &str) -> String {
    key.chars().take(64).collect()
}

/// Writes one object, field by field.
pub(crate) struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self::with_capacity(128)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes + 128);
        text.push(b'{');
        Self(text)
    }

    /// A field whose value is JSON text.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.raw_bytes(name, json.as_bytes());
    }

    /// A field whose value is JSON text.
    pub(crate) fn raw_bytes(&mut self, name: &str, json: &[u8]) {
        self.key(name);
        self.0.extend_from_slice(json);
    }

    /// A field whose value is a string.
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        self.key(name);
        write_string(&mut self.0, text);
    }

    /// Goes on after `head`, an object's beginning that has at least one field.
    pub(crate) fn after(head: &[u8], bytes: usize) -> Self {
        let mut text = Vec::with_capacity(head.len() + bytes);
        text.extend_from_slice(head);
        Self(text)
    }

    /// The beginning of an object, to be gone on with [`after`](Self::after) it.
    pub(crate) fn into_head(self) -> Vec<u8> {
        self.0
    }

    /// The object's text and the end of an event. Values copied from a provider may be spread over lines, which would
    /// end the event early: JSON has line breaks between tokens only, where a space is as good.
    pub(crate) fn finish_event(self) -> Bytes {
        let mut text = self.finish();
        for byte in &mut text {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        text.extend_from_slice(b"\n\n");
        Bytes::from(text)
    }

    /// The object's text.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn key(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_string(&mut self.0, name);
        self.0.push(b':');
    }
}

/// `[…]` of elements that are JSON text.
pub(crate) fn array<I>(elements: I) -> Vec<u8>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut text = vec![b'['];
    for element in elements {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(element.as_ref());
    }
    text.push(b']');
    text
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    write_string(&mut quoted, text);
    quoted
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
