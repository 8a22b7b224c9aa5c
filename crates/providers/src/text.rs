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

/// Half a surrogate pair cannot be unescaped: then the piece is counted as it is.
fn unescaped(piece: &[u8]) -> String {
    let quoted = [b"\"", piece, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(piece).into_owned())
}

#[cfg(test)]
mod tests;
