//! What kind of run a seed is.
//!
//! Invariant: made of the seed alone.

use crate::guard::Guard;

/// Whether things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Messages are late and overtake each other; nothing else happens. Here budgets must be usable to the end.
    Fair,
    /// Everything that can happen does.
    Foul,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// Whether things go wrong.
    pub weather: Weather,
    /// The guard this run does without.
    pub without: Option<Guard>,
}

/// One seed in so many is of fair weather.
const FAIR: u64 = 20;

impl Plan {
    /// The run of `seed`.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        let weather = if seed.is_multiple_of(FAIR) { Weather::Fair } else { Weather::Foul };
        Self { seed, weather, without: None }
    }

    /// The run of `seed` in foul weather, without `guard`.
    #[must_use]
    pub const fn without(guard: Guard, seed: u64) -> Self {
        Self { seed, weather: Weather::Foul, without: Some(guard) }
    }

    pub(crate) fn is_fair(&self) -> bool {
        self.weather == Weather::Fair
    }
}
