//! What happened in a run, line by line, and a number that stands for all of it.
//!
//! Invariant: two runs of one seed have the same lines.

use std::fmt::Display;

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn note(&mut self, line: impl Display) {
        self.lines.push(line.to_string());
    }

    /// FNV-1a over all lines.
    pub(crate) fn digest(&self) -> u64 {
        let bytes = self.lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
