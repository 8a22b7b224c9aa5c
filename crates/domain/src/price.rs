//! Price versions: immutable, effective-dated unit prices of one endpoint.
//!
//! Invariant: an event is priced by the version valid when it was admitted and is never repriced; an unknown price is
//! `None` and never zero.

use crate::id::PriceVersionId;
use crate::money::Pico;
use crate::time::Timestamp;
use crate::tokens::{PerClass, TokenClass};

/// The dearest price of one token that is believed: 10 000 US dollars per million.
const MOST_PER_TOKEN: Pico = Pico::new(10_000_000_000);
/// The dearest price of one request or tool call that is believed: 100 US dollars.
const MOST_PER_CALL: Pico = Pico::new(100_000_000_000_000);

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

/// Why prices are not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceProblem {
    /// Nobody pays for being asked.
    #[error("the price of {} is negative", .0.name())]
    Negative(TokenClass),
    /// Most likely a price per token where one per million tokens belongs.
    #[error("the price of {} is absurd: {} USD for one, and at most {} is believed", .class.name(), .price, .most)]
    Absurd {
        /// The class.
        class: TokenClass,
        /// What one unit would cost.
        price: Pico,
        /// What one unit may cost.
        most: Pico,
    },
    /// Thresholds fall or repeat.
    #[error("tiers have to rise: one above {next} prompt tokens follows one above {first}")]
    TiersDoNotRise {
        /// A threshold.
        first: u64,
        /// The next one.
        next: u64,
    },
    /// A long prompt would make a known price unknown.
    #[error("the tier above {above} prompt tokens lacks the price of {}", .class.name())]
    TierLacks {
        /// The tier's threshold.
        above: u64,
        /// What the base prices have.
        class: TokenClass,
    },
}

/// Refuses prices that nobody can mean.
///
/// # Errors
/// The first [`PriceProblem`].
pub fn check(unit: &UnitPrices, tiers: &[PriceTier]) -> Result<(), PriceProblem> {
    check_unit(unit)?;
    let mut last = None;
    for tier in tiers {
        let above = tier.above_prompt_tokens;
        if let Some(first) = last.filter(|last| *last >= above) {
            return Err(PriceProblem::TiersDoNotRise { first, next: above });
        }
        last = Some(above);
        check_unit(&tier.unit)?;
        let lacking = unit.iter().find(|(class, price)| price.is_some() && tier.unit.get(*class).is_none());
        if let Some((class, _)) = lacking {
            return Err(PriceProblem::TierLacks { above, class });
        }
    }
    Ok(())
}

fn check_unit(unit: &UnitPrices) -> Result<(), PriceProblem> {
    for (class, price) in unit.iter() {
        let Some(price) = price else { continue };
        let most = match class {
            TokenClass::Request | TokenClass::ToolCall => MOST_PER_CALL,
            _ => MOST_PER_TOKEN,
        };
        if price < Pico::ZERO {
            return Err(PriceProblem::Negative(class));
        }
        if price > most {
            return Err(PriceProblem::Absurd { class, price, most });
        }
    }
    Ok(())
}

/// A version would not begin after all there are, and so overlap one or change the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a price version begins at {last}, so that a new one cannot begin at {new}: it has to begin later")]
pub struct NotLater {
    /// When the latest begins.
    pub last: Timestamp,
    /// When the new one would.
    pub new: Timestamp,
}

/// Whether a version that begins at `new` may join `versions`: only after all of them.
///
/// # Errors
/// [`NotLater`].
pub fn can_follow(versions: &[PriceVersion], new: Timestamp) -> Result<(), NotLater> {
    match versions.iter().map(|version| version.effective_from).max() {
        Some(last) if last >= new => Err(NotLater { last, new }),
        _ => Ok(()),
    }
}

/// The version of `versions` that applies at `now`: the latest that has begun.
#[must_use]
pub fn valid_at(versions: &[PriceVersion], now: Timestamp) -> Option<&PriceVersion> {
    versions.iter().filter(|version| version.effective_from <= now).max_by_key(|v| (v.effective_from, v.id))
}

#[cfg(test)]
mod tests;
