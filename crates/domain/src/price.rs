//! Price versions: immutable, effective-dated unit prices of one endpoint.
//!
//! Invariant: an event is priced by the version valid when it was admitted and is never repriced; an unknown price is
//! `None` and never zero.

use crate::id::PriceVersionId;
use crate::money::Pico;
use crate::time::Timestamp;
use crate::tokens::PerClass;

/// Price per unit of each class; `None` where it is not known.
pub type UnitPrices = PerClass<Option<Pico>>;

/// The prices of one endpoint from one moment on, until a later version begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    /// Its identity; usage events name it.
    pub id: PriceVersionId,
    /// When it begins to apply.
    pub effective_from: Timestamp,
    /// The prices below every tier.
    pub unit: UnitPrices,
    /// Dearer (or cheaper) prices for long prompts, by rising threshold.
    pub tiers: Vec<PriceTier>,
}

/// Prices that replace the base prices, for the whole request, when its prompt is longer than a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTier {
    /// Applies when the prompt has strictly more tokens than this.
    pub above_prompt_tokens: u64,
    /// The prices then.
    pub unit: UnitPrices,
}

impl PriceVersion {
    /// The unit prices that apply to a request with this many prompt tokens.
    #[must_use]
    pub fn unit_for(&self, prompt_tokens: u64) -> &UnitPrices {
        let tier = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above_prompt_tokens);
        tier.map_or(&self.unit, |tier| &tier.unit)
    }
}

/// The version of `versions` that applies at `now`: the latest that has begun.
#[must_use]
pub fn valid_at(versions: &[PriceVersion], now: Timestamp) -> Option<&PriceVersion> {
    versions.iter().filter(|version| version.effective_from <= now).max_by_key(|v| (v.effective_from, v.id))
}

#[cfg(test)]
mod tests;
