//! Whether a stream keeps to the output cap that was reserved for.
//!
//! A provider that keeps to the cap it was sent never gets here. Of one that does not, what came is measured cheaply with
//! every piece, and counted only where that is beyond the cap. More than the cap must be reserved too; where budgets
//! refuse, the stream ends.
//! Invariant: a stream ends only where it is certain that more came than is reserved, so that an honest provider is never
//! cut by a guess.

use std::sync::Arc;

use domain::{Amount, Pico};
use metering::Counted;
use metering::ports::Record;
use metering::usage::UsageSource;

use super::Call;
use super::settle::Open;
use crate::Deps;

/// What came is never counted again before it has grown by this many tokens.
const LEAST_STEP: u64 = 16;

/// Watches one stream.
pub(super) struct Guard {
    /// Tokens that are reserved for.
    cap: u64,
    /// Roughly so many tokens may come before they are counted.
    due: u64,
}

/// What a count comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As much is reserved.
    Within,
    /// So many tokens should be reserved for.
    Beyond {
        tokens: u64,
        /// It cannot be less than what is reserved for.
        is_certain: bool,
    },
}

impl Guard {
    /// Over the stream of `open`. Where it draws on no budget and the app named no most, there is nothing to keep within.
    pub(super) fn over(call: &Call, open: &Open) -> Self {
        let is_bounded = open.reservation.draws().next().is_some() || call.max_cost.is_some();
        let cap = u64::from(open.bound.output_cap()) * u64::from(call.needs.choices);
        Self::new(is_bounded.then_some(cap))
    }

    /// Reserves for `tokens` of output; whether budgets, and the app's own `max_cost`, cover them.
    pub(super) async fn grow(&mut self, deps: &Deps, call: &Call, open: &mut Open, tokens: u64) -> bool {
        let choices = u64::from(call.needs.choices.max(1));
        let cap = u32::try_from(tokens.div_ceil(choices)).unwrap_or(u32::MAX);
        let Some(bound) = open.bound.raised(cap) else { return false };
        if call.max_cost.is_some_and(|most| Amount::from(bound.reserved()) > most) {
            return false;
        }
        let more = bound.reserved().get().saturating_sub(open.bound.reserved().get());
        if !deps.leases.extend(&mut open.reservation, Pico::new(more)).await {
            return false;
        }
        open.bound = bound;
        Arc::make_mut(&mut open.attempt).reserved = bound.reserved();
        if let Err(error) = deps.journal.append(&Record::Reserved(Arc::clone(&open.attempt))) {
            tracing::warn!(event.id = %open.attempt.id, %error,
                "what a stream needs beyond its cap is not reserved: it cannot be journalled");
            return false;
        }
        self.raised(u64::from(bound.output_cap()) * choices);
        true
    }

    fn new(cap: Option<u64>) -> Self {
        let cap = cap.unwrap_or(u64::MAX);
        Self { cap, due: cap }
    }

    /// Whether roughly `rough` tokens must be counted.
    pub(super) const fn is_due(&self, rough: u64) -> bool {
        rough > self.due
    }

    /// Judges what roughly `rough` tokens turned out to be.
    pub(super) fn judge(&mut self, rough: u64, counted: Counted) -> Verdict {
        // Another vocabulary may make half as many of the same text.
        let least = match counted.source {
            UsageSource::Provider | UsageSource::Counted => counted.tokens,
            UsageSource::Estimated => counted.tokens / 2,
        };
        if counted.tokens <= self.cap {
            self.due = rough.max(grown(rough, self.cap, counted.tokens)).saturating_add(LEAST_STEP);
            return Verdict::Within;
        }
        self.due = rough.saturating_add(LEAST_STEP.max(rough / 4));
        let tokens = counted.tokens.saturating_add(LEAST_STEP.max(counted.tokens / 4));
        Verdict::Beyond { tokens, is_certain: least > self.cap }
    }

    /// `cap` tokens are reserved for now.
    fn raised(&mut self, cap: u64) {
        (self.cap, self.due) = (cap, self.due.max(cap));
    }
}

/// What `rough` will be at `cap` tokens, if it is `tokens` now.
fn grown(rough: u64, cap: u64, tokens: u64) -> u64 {
    let grown = u128::from(rough) * u128::from(cap) / u128::from(tokens.max(1));
    u64::try_from(grown).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
