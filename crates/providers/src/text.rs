//! Text whose tokens may have to be counted: what a prompt says, and what an answer has said so far.
//!
//! Invariant: kept as it stands in JSON, so that keeping a piece is one copy of its bytes; at most [`MOST_KEPT`] bytes are
//! kept, and of the rest the length is known.

use serde_json::value::RawValue;

use crate::json::{inner, string, text_len};

/// So many bytes of one text are kept.
pub const MOST_KEPT: usize = 1024 * 1024;

/// Ends a piece: no JSON string has one that is not escaped.
const BREAK: u8 = b'\n';

/// Text in pieces that no token spans. Holds content: no `Debug`.
#[derive(Clone, Default)]
pub struct Text {
    escaped: Vec<u8>,
    bytes: u64,
    tokens: u64,
    lacks: bool,
}

impl Text {
    /// What is kept of it, unescaped.
    #[must_use]
    pub fn pieces(&self) -> Vec<String> {
        let pieces = self.escaped.split(|byte| *byte == BREAK).filter(|piece| !piece.is_empty());
        pieces.map(unescaped).collect()
    }

    /// How long all of it is in UTF-8, also what is not kept.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tokens beside it: those that were given as such, and what stands around messages.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Whether there is more that counts, such as tools and images, which stand in a prompt nobody knows how.
    #[must_use]
    pub fn lacks(&self) -> bool {
        self.lacks
    }

    /// Keeps a JSON string; anything else is nothing. Its length is not noted.
    pub(crate) fn keep(&mut self, value: &RawValue) {
        self.keep_escaped(inner(value).as_bytes());
    }

    /// Keeps text that is in no JSON string yet. Its length is not noted.
    pub(crate) fn keep_plain(&mut self, text: &str) {
        let quoted = string(text);
        self.keep_escaped(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }

    fn keep_escaped(&mut self, escaped: &[u8]) {
        if self.escaped.len() + escaped.len() <= MOST_KEPT {
            self.escaped.extend_from_slice(escaped);
        }
    }

    /// What follows is a piece of its own.
    pub(crate) fn end_piece(&mut self) {
        self.keep_escaped(&[BREAK]);
    }

    /// A JSON string as a piece of its own.
    pub(crate) fn add(&mut self, value: &RawValue) {
        self.keep(value);
        self.end_piece();
        self.bytes = self.bytes.saturating_add(text_len(value));
    }

    /// Text as a piece of its own.
    pub(crate) fn add_plain(&mut self, text: &str) {
        self.keep_plain(text);
        self.end_piece();
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
    }

    pub(crate) fn add_tokens(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    pub(crate) fn is_lacking(&mut self) {
        self.lacks = true;
    }

    /// The same with its length, where the pieces were kept without.
    pub(crate) fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }
}

/// Half a surrogate pair, which a provider may cut an emoji into, stands for no character: U+FFFD does for it.
fn unescaped(piece: &[u8]) -> String {
    let text = |escaped: &[u8]| serde_json::from_slice(&[b"\"", escaped, b"\""].concat()).ok();
    text(piece)
        .or_else(|| text(&whole_pairs(piece)))
        .unwrap_or_else(|| String::from_utf8_lossy(piece).into_owned())
}

/// The same with U+FFFD for each half of a surrogate pair that lacks its other.
fn whole_pairs(piece: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some((first, after)) = rest.split_first() {
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.extend_from_slice(b"\\ufffd");
                rest = rest.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            (None, _) if *first == b'\\' && !after.is_empty() => 2,
            (None, _) => 1,
        };
        let (some, later) = rest.split_at(length);
        whole.extend_from_slice(some);
        rest = later;
    }
    whole
}

/// The UTF-16 unit of the escape that `text` begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
