//! At what parts of its limit a budget gives notice.
//!
//! Invariant: ascending, each once, between 1 and 1000 per cent, at most ten.

use crate::money::Amount;

/// The percentages of a limit at which notice is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds(Vec<u16>);

/// What no thresholds can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThresholds {
    /// A percentage is out of range.
    #[error("{0} is no percentage of a limit; 1 to 1000 are")]
    OutOfRange(u32),
    /// Nobody needs so many.
    #[error("there are {0}; a budget has at most 10")]
    TooMany(usize),
}

impl Thresholds {
    /// Of these percentages, in any order. None means that no notice is given.
    ///
    /// # Errors
    /// [`InvalidThresholds`].
    pub fn new(percentages: &[u32]) -> Result<Self, InvalidThresholds> {
        const MOST: usize = 10;
        let in_range = |percent: u32| match u16::try_from(percent) {
            Ok(percent @ 1..=1_000) => Ok(percent),
            _ => Err(InvalidThresholds::OutOfRange(percent)),
        };
        let mut all = percentages.iter().copied().map(in_range).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable();
        all.dedup();
        if all.len() > MOST {
            return Err(InvalidThresholds::TooMany(all.len()));
        }
        Ok(Self(all))
    }

    /// Each, the lowest first.
    #[must_use]
    pub fn percentages(&self) -> &[u16] {
        &self.0
    }

    /// Those that `spent` has reached of `limit`, the lowest first.
    pub fn reached(&self, spent: Amount, limit: Amount) -> impl Iterator<Item = u16> + '_ {
        let is_reached = move |percent: &u16| {
            spent.pico().saturating_mul(100) >= limit.pico().saturating_mul((*percent).into())
        };
        self.0.iter().copied().take_while(is_reached)
    }
}

impl Default for Thresholds {
    /// 80 and 100 per cent.
    fn default() -> Self {
        Self(vec![80, 100])
    }
}

#[cfg(test)]
mod tests;
