//! Usage times unit prices: the exact cost of one attempt.
//!
//! Invariant: the cost is `Σ quantity × unit price` in whole pico-USD, nothing is rounded, and a class without a price is
//! never silently free: it is flagged.

use domain::price::{PriceVersion, UnitPrices};
use domain::{Pico, TokenClass, TokenUsage};

use crate::usage::{Flag, Flags};

/// What an attempt costs, and what finance should know about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priced {
    /// `Σ quantity × unit price`, in pico-USD.
    pub cost: Pico,
    /// [`Flag::PriceUnknown`] where a used class has no price, with [`Flag::Ceiling`] where the ceiling stood in.
    pub flags: Flags,
}

/// A sum of money is beyond what one event can cost (about 9.2 million US dollars).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cost is beyond 9.2 million US dollars")]
pub struct Overflow;

/// What `usage` costs at `version`, in the tier of its prompt tokens.
///
/// A used class without a price is charged at its price in `ceiling` (hard budgets), or left out where there is no
/// ceiling or it has none either; both are flagged.
///
/// # Errors
/// [`Overflow`] for usage no provider can have meant.
pub fn cost(
    usage: &TokenUsage,
    version: &PriceVersion,
    ceiling: Option<&UnitPrices>,
) -> Result<Priced, Overflow> {
    let unit = version.unit_for(usage.prompt_tokens());
    let mut priced = Priced { cost: Pico::ZERO, flags: Flags::default() };
    for (class, quantity) in usage.iter().filter(|(_, quantity)| *quantity > 0) {
        let known = unit_price(unit, class);
        if known.is_none() {
            priced.flags.raise(Flag::PriceUnknown);
        }
        let dearest = ceiling.filter(|_| known.is_none()).and_then(|ceiling| unit_price(ceiling, class));
        if dearest.is_some() {
            priced.flags.raise(Flag::Ceiling);
        }
        let price = known.or(dearest).unwrap_or(Pico::ZERO);
        let line = price.times(quantity).ok_or(Overflow)?;
        priced.cost = priced.cost.plus(line).ok_or(Overflow)?;
    }
    Ok(priced)
}

/// The price of one unit of `class`, or of the class that stands in for it: reasoning is output, and a cached token is
/// at most as dear as a fresh one. Nothing stands in for cache writes, audio, images, requests and tool calls, because
/// they can be dearer than what they resemble.
pub(crate) fn unit_price(unit: &UnitPrices, class: TokenClass) -> Option<Pico> {
    let stand_in = match class {
        TokenClass::Reasoning => TokenClass::Output,
        TokenClass::CachedInput => TokenClass::Input,
        _ => class,
    };
    unit.get(class).or(unit.get(stand_in))
}

#[cfg(test)]
mod tests;
