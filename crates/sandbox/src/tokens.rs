//! Billed tokens of one call, in the classes that are priced apart.
//!
//! Invariant: the classes are disjoint. Input excludes what was read from or written to a cache, output
//! excludes reasoning, so that the cost is a plain sum.

use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) cached_input: u64,
    pub(crate) cache_write_5m: u64,
    pub(crate) cache_write_1h: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Tokens {
    /// The whole prompt, cached or not.
    pub(crate) fn prompt(&self) -> u64 {
        [self.cached_input, self.cache_write_5m, self.cache_write_1h]
            .into_iter()
            .fold(self.input, u64::saturating_add)
    }

    /// Everything generated, visible or not.
    pub(crate) fn generated(&self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }

    /// With `output` tokens where fewer were generated.
    pub(crate) fn at_least(self, output: u64) -> Self {
        if self.generated() < output { Self { output, ..self } } else { self }
    }

    /// What is billed once `sent` of `of` content chunks have gone out: the prompt from the start, all
    /// reasoning with the first chunk (it happened before it), visible output in proportion, rounded down.
    pub(crate) fn after(&self, sent: usize, of: usize) -> Self {
        let share = u128::from(self.output) * sent as u128 / of.max(1) as u128;
        Self {
            output: u64::try_from(share).unwrap_or(u64::MAX),
            reasoning: if sent > 0 { self.reasoning } else { 0 },
            ..*self
        }
    }
}

#[cfg(test)]
mod tests;
