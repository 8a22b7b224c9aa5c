//! The last stage: the truth replaces the reservation, and one usage event is journalled.
//!
//! Invariant: exactly one event for every attempt that was journalled, whatever happened to it; `streamed ≤ cost ≤
//! reserved` unless the provider itself billed beyond, and then the overrun is counted. Where the provider said nothing,
//! `counting` says what is charged in its place.

use std::sync::Arc;
use std::time::Duration;

use domain::price::{PriceVersion, UnitPrices};
use domain::{ErrorCode, Pico, Timestamp, TokenClass, TokenUsage};
use metering::Bound;
use metering::budget::Reservation;
use metering::ports::Record;
use metering::price;
use metering::rate::RateSubject;
use metering::usage::{Attempt, Flag, Flags, Outcome, Settlement, UsageEvent, UsageSource};
use providers::Text;

use super::Call;
use crate::Deps;
use crate::counting::Tally;

/// An attempt between its reservation and its end.
pub(super) struct Open {
    pub(super) attempt: Arc<Attempt>,
    pub(super) reservation: Reservation,
    /// What the reservation was made for.
    pub(super) bound: Bound,
    pub(super) price: Arc<PriceVersion>,
    /// Charged for a price that is not known.
    pub(super) ceiling: Option<UnitPrices>,
    /// Rates that count its tokens.
    pub(super) token_quotas: Vec<RateSubject>,
}

/// What was seen of an answer.
#[derive(Default)]
pub(super) struct Seen {
    /// What the provider has said it used, if it did.
    pub(super) reported: Option<TokenUsage>,
    /// It said something that cannot be.
    pub(super) absurd: bool,
    /// Its classes do not add up to its total.
    pub(super) mismatch: bool,
    /// Never more than the truth: what was said or seen so far.
    pub(super) floor: TokenUsage,
    /// What came, where it may have to be counted.
    pub(super) text: Text,
    pub(super) finish_reason: Option<String>,
    pub(super) first_byte_at: Option<Timestamp>,
}

/// How an attempt ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
    pub(super) error: Option<ErrorCode>,
}

/// Proof that an attempt is settled, with what the answer's usage should say.
pub(super) struct Settled {
    pub(super) usage: TokenUsage,
    pub(super) cost: Pico,
    pub(super) prompt_cost: Pico,
    pub(super) is_byok: bool,
}

/// Settles `open`: prices what was used, frees the rest, journals the event.
///
/// Waits only where tokens must be counted; whoever calls has let go of the provider before.
pub(super) async fn settle(deps: &Deps, call: &Call, open: Open, end: &End, mut seen: Seen) -> Settled {
    let charge = match told(&open, end, &seen) {
        Ok(charge) => charge,
        Err(flags) => {
            let text = std::mem::take(&mut seen.text);
            let tally = deps.counting.tally(&open.attempt.model, call.ask.prompt_text(), text);
            counted(&open, &seen, flags, &Box::pin(tally).await)
        }
    };
    book(deps, open, end, seen, charge)
}

fn book(deps: &Deps, open: Open, end: &End, seen: Seen, charge: Charge) -> Settled {
    let Charge { usage, source, cost, streamed, suspense, mut flags } = charge;
    let prompt_cost = part(&usage, &open, &PROMPT);
    let spent = cost.plus(suspense).unwrap_or(cost);
    if !open.token_quotas.is_empty() {
        deps.rates.spend(&open.token_quotas, usage.prompt_tokens() + usage.completion_tokens());
    }
    let overruns = deps.leases.settle(open.reservation, spent);
    if cost > open.attempt.reserved {
        flags.raise(Flag::Overrun);
        deps.metrics.overruns.inc();
        tracing::error!(event.id = %open.attempt.id, cost = %cost, reserved = %open.attempt.reserved,
            "a provider billed beyond what was reserved");
    }
    let is_byok = open.attempt.byok.is_some();
    deps.metrics.attempts.with_label_values(&[open.attempt.provider.as_str(), end.outcome.name()]).inc();
    note(end, &seen, &usage, cost);
    let settlement = Settlement {
        outcome: end.outcome,
        status: end.status,
        error: end.error,
        usage,
        usage_source: source,
        cost,
        streamed,
        suspense,
        overruns,
        flags,
        finish_reason: seen.finish_reason,
        first_byte_at: seen.first_byte_at,
        ended_at: deps.clock.now(),
    };
    let event = UsageEvent { attempt: Arc::unwrap_or_clone(open.attempt), settlement };
    deps.outstanding.settled(&event);
    journalled(deps, Record::Settled(Arc::new(event)));
    deps.settled.notify_one();
    Settled { usage, cost, prompt_cost, is_byok }
}

/// Journals `record`, and does not give up while the process lives: the attempt is open in the journal until then, and a
/// crash before books it as interrupted, within its bounds.
fn journalled(deps: &Deps, record: Record) {
    let Err(error) = deps.journal.append(&record) else { return };
    tracing::error!(%error, "a settled attempt could not be journalled; it will be tried again");
    let (journal, settled) = (Arc::clone(&deps.journal), Arc::clone(&deps.settled));
    deps.tasks.spawn(async move {
        while journal.append(&record).is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        settled.notify_one();
    });
}

/// Fills in the attempt's span.
fn note(end: &End, seen: &Seen, usage: &TokenUsage, cost: Pico) {
    let span = tracing::Span::current();
    span.record("gen_ai.usage.input_tokens", usage.prompt_tokens());
    span.record("gen_ai.usage.output_tokens", usage.completion_tokens());
    span.record("weir.outcome", end.outcome.name());
    span.record("weir.cost_pico", cost.get());
    if let Some(reason) = &seen.finish_reason {
        span.record("gen_ai.response.finish_reasons", reason.as_str());
    }
    if end.error.is_some() {
        span.record("otel.status_code", "ERROR");
    }
}

struct Charge {
    usage: TokenUsage,
    source: UsageSource,
    cost: Pico,
    streamed: Pico,
    suspense: Pico,
    flags: Flags,
}

/// The charge by the provider's own word; without it, the flags of one that is made up for it.
fn told(open: &Open, end: &End, seen: &Seen) -> Result<Charge, Flags> {
    let mut flags = Flags::default();
    if seen.mismatch {
        flags.raise(Flag::SumMismatch);
    }
    if end.outcome == Outcome::Failed {
        let (usage, source) = (TokenUsage::default(), UsageSource::Provider);
        return Ok(Charge {
            usage,
            source,
            cost: Pico::ZERO,
            streamed: Pico::ZERO,
            suspense: Pico::ZERO,
            flags,
        });
    }
    let reported = seen.reported.map(|usage| with_request(usage, &open.price));
    if let Some((usage, priced)) = reported.and_then(|usage| Some((usage, priced(open, &usage)?))) {
        let flags = Flags::from_bits(flags.bits() | priced.flags.bits());
        let (source, cost) = (UsageSource::Provider, priced.cost);
        return Ok(Charge { usage, source, cost, streamed: cost, suspense: Pico::ZERO, flags });
    }
    flags.raise(if seen.absurd || seen.reported.is_some() { Flag::UsageAbsurd } else { Flag::UsageMissing });
    Err(flags)
}

/// Counts the request itself where the provider charges for it.
fn with_request(usage: TokenUsage, price: &PriceVersion) -> TokenUsage {
    if price.unit.get(TokenClass::Request).is_some() { usage.with(TokenClass::Request, 1) } else { usage }
}

/// Without the provider's word: what was counted, and never less than was seen. It is kept within the reservation, the rest
/// of which stays in suspense.
fn counted(open: &Open, seen: &Seen, flags: Flags, tally: &Tally) -> Charge {
    let (floor, least) = fitted(open, seen.floor);
    let mut whole = with_request(seen.floor, &open.price);
    let has_said_prompt = whole.prompt_tokens() > 0;
    if !has_said_prompt {
        whole.set(TokenClass::Input, tally.prompt.tokens);
    }
    let answer = tally.answer.tokens.saturating_sub(whole.get(TokenClass::Reasoning));
    whole.set(TokenClass::Output, answer.max(whole.get(TokenClass::Output)));
    let (usage, chosen) =
        Some(fitted(open, whole)).filter(|(_, p)| p.cost >= least.cost).unwrap_or((floor, least));
    let is_prompt_exact = has_said_prompt || tally.prompt.source == UsageSource::Counted;
    let is_exact = usage == whole && is_prompt_exact && tally.answer.source == UsageSource::Counted;
    Charge {
        usage,
        source: if is_exact { UsageSource::Counted } else { UsageSource::Estimated },
        cost: chosen.cost,
        streamed: least.cost,
        suspense: Pico::new(open.attempt.reserved.get().saturating_sub(chosen.cost.get())),
        flags: Flags::from_bits(flags.bits() | chosen.flags.bits()),
    }
}

/// `usage` with no more output, and then no more input, than the reservation covers.
fn fitted(open: &Open, mut usage: TokenUsage) -> (TokenUsage, price::Priced) {
    for class in [TokenClass::Output, TokenClass::Input] {
        if let Some(priced) = covered(open, &usage) {
            return (usage, priced);
        }
        let most = affordable(open, &usage, class).unwrap_or(0);
        usage.set(class, most.min(usage.get(class)));
    }
    let nothing = (TokenUsage::default(), price::Priced { cost: Pico::ZERO, flags: Flags::default() });
    covered(open, &usage).map_or(nothing, |priced| (usage, priced))
}

fn covered(open: &Open, usage: &TokenUsage) -> Option<price::Priced> {
    priced(open, usage).filter(|priced| priced.cost <= open.attempt.reserved)
}

/// How many units of `class` the reservation covers beside the rest of `usage`.
fn affordable(open: &Open, usage: &TokenUsage, class: TokenClass) -> Option<u64> {
    let without = priced(open, &usage.with(class, 0))?.cost.get();
    let unit = priced(open, &usage.with(class, 1))?.cost.get().checked_sub(without)?;
    let left = open.attempt.reserved.get().checked_sub(without)?;
    u64::try_from(left.checked_div(unit)?).ok()
}

fn priced(open: &Open, usage: &TokenUsage) -> Option<price::Priced> {
    price::cost(usage, &open.price, open.ceiling.as_ref()).ok()
}

/// What `usage` seen so far costs at least.
pub(super) fn floor_cost(open: &Open, usage: &TokenUsage) -> Pico {
    priced(open, usage).map_or(Pico::ZERO, |priced| priced.cost.min(open.attempt.reserved))
}

const PROMPT: [TokenClass; 6] = [
    TokenClass::Input,
    TokenClass::CachedInput,
    TokenClass::CacheWrite5m,
    TokenClass::CacheWrite1h,
    TokenClass::AudioInput,
    TokenClass::ImageInput,
];

/// The part of the cost that `classes` make, in the tier of the whole prompt.
fn part(usage: &TokenUsage, open: &Open, classes: &[TokenClass]) -> Pico {
    let mut part = TokenUsage::default();
    for class in classes {
        part.set(*class, usage.get(*class));
    }
    priced(open, &part).map_or(Pico::ZERO, |priced| priced.cost)
}

#[cfg(test)]
mod tests;
