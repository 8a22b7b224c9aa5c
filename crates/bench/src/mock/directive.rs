//! How the mock is to answer one request: `k=v` joined by `;`, in the path as `/_m/…/` or in the prompt as `[[mock …]]`.
//!
//! Invariant: the prompt, which survives any gateway, overrules the path.

use std::time::Duration;

use memchr::memmem;

const IN_PATH: &str = "/_m/";
const IN_PROMPT: &[u8] = b"[[mock ";

/// The shape of one answer. Waits are rounded up to a millisecond by the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directive {
    /// Pieces of text in a stream.
    pub(super) chunks: u32,
    /// Before each of them.
    pub(super) delay: Duration,
    /// Before the answer begins.
    pub(super) latency: Duration,
}

impl Directive {
    /// What `path` and `body` ask for.
    pub(super) fn of(path: &str, body: &[u8]) -> Self {
        let mut directive = Self { chunks: 20, delay: Duration::ZERO, latency: Duration::ZERO };
        if let Some((_, rest)) = path.split_once(IN_PATH) {
            directive.apply(rest.split('/').next().unwrap_or_default());
        }
        if let Some(begin) = memmem::find(body, IN_PROMPT) {
            let rest = body.get(begin + IN_PROMPT.len()..).unwrap_or_default();
            let end = memmem::find(rest, b"]]").unwrap_or(0);
            directive.apply(std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default());
        }
        directive
    }

    fn apply(&mut self, text: &str) {
        for (name, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
            let Ok(number) = value.trim().parse::<u32>() else { continue };
            match name.trim() {
                "chunks" => self.chunks = number,
                "delay_us" => self.delay = Duration::from_micros(number.into()),
                "delay_ms" => self.delay = Duration::from_millis(number.into()),
                "latency_ms" => self.latency = Duration::from_millis(number.into()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
