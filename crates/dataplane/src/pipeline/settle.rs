//! The last stage: the truth replaces the reservation, and one usage event is journalled.
//!
//! Invariant: exactly one event for every attempt that was journalled, whatever happened to it; `streamed ≤ cost ≤
//! reserved` unless the provider itself billed beyond, and then the overrun is counted.

use std::sync::Arc;
use std::time::Duration;

use domain::price::{PriceVersion, UnitPrices};
use domain::{ErrorCode, Pico, Timestamp, TokenClass, TokenUsage};
use metering::budget::Reservation;
use metering::ports::Record;
use metering::price;
use metering::rate::RateSubject;
use metering::usage::{Attempt, Flag, Flags, Outcome, Settlement, UsageEvent, UsageSource};

use crate::Deps;

/// An attempt between its reservation and its end.
pub(super) struct Open {
    pub(super) attempt: Attempt,
    pub(super) reservation: Reservation,
    pub(super) price: Arc<PriceVersion>,
    /// Charged for a price that is not known.
    pub(super) ceiling: Option<UnitPrices>,
    /// Bytes of the prompt, for estimating.
    pub(super) prompt_bytes: u64,
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
    /// Bytes of text, reasoning and arguments that came.
    pub(super) text_bytes: u64,
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
pub(super) fn settle(deps: &Deps, open: Open, end: &End, seen: &Seen) -> Settled {
    let Charge { usage, source, cost, streamed, suspense, mut flags } = charge(&open, end, seen);
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
    note(end, seen, &usage, cost);
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
        finish_reason: seen.finish_reason.clone(),
        first_byte_at: seen.first_byte_at,
        ended_at: deps.clock.now(),
    };
    let event = UsageEvent { attempt: open.attempt, settlement };
    deps.outstanding.settled(&event);
    journalled(deps, Record::Settled(Box::new(event)));
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

fn charge(open: &Open, end: &End, seen: &Seen) -> Charge {
    let mut flags = Flags::default();
    if seen.mismatch {
        flags.raise(Flag::SumMismatch);
    }
    if end.outcome == Outcome::Failed {
        let (usage, source) = (TokenUsage::default(), UsageSource::Provider);
        return Charge { usage, source, cost: Pico::ZERO, streamed: Pico::ZERO, suspense: Pico::ZERO, flags };
    }
    let reported = seen.reported.map(|usage| with_request(usage, &open.price));
    if let Some((usage, priced)) = reported.and_then(|usage| Some((usage, priced(open, &usage)?))) {
        let flags = Flags::from_bits(flags.bits() | priced.flags.bits());
        let source = UsageSource::Provider;
        return Charge {
            usage,
            source,
            cost: priced.cost,
            streamed: priced.cost,
            suspense: Pico::ZERO,
            flags,
        };
    }
    flags.raise(if seen.absurd || seen.reported.is_some() { Flag::UsageAbsurd } else { Flag::UsageMissing });
    estimated(open, seen, flags)
}

/// Counts the request itself where the provider charges for it.
fn with_request(usage: TokenUsage, price: &PriceVersion) -> TokenUsage {
    if price.unit.get(TokenClass::Request).is_some() { usage.with(TokenClass::Request, 1) } else { usage }
}

/// Without the provider's word: a guess from sizes, kept within [streamed, reserved]; the rest stays in suspense.
fn estimated(open: &Open, seen: &Seen, mut flags: Flags) -> Charge {
    let reserved = open.attempt.reserved;
    let within = |usage: TokenUsage| priced(open, &usage).filter(|p| p.cost <= reserved).map(|p| (usage, p));
    let (floor, least) = within(seen.floor)
        .unwrap_or((TokenUsage::default(), price::Priced { cost: Pico::ZERO, flags: Flags::default() }));
    let guess = floor
        .with(
            TokenClass::Input,
            guess(floor.get(TokenClass::Input), open.prompt_bytes, floor.prompt_tokens() > 0),
        )
        .with(TokenClass::Output, guess(floor.get(TokenClass::Output), seen.text_bytes, false));
    let (usage, chosen) = within(guess).filter(|(_, p)| p.cost >= least.cost).unwrap_or((floor, least));
    flags = Flags::from_bits(flags.bits() | chosen.flags.bits());
    let suspense = Pico::new(reserved.get().saturating_sub(chosen.cost.get()));
    let source = UsageSource::Estimated;
    Charge { usage, source, cost: chosen.cost, streamed: least.cost, suspense, flags }
}

/// About four bytes a token, and never less than what is certain.
fn guess(certain: u64, bytes: u64, said: bool) -> u64 {
    if said { certain } else { certain.max(bytes.div_ceil(4)) }
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
