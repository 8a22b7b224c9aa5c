use metering::budget::LeaseBook;
use metering::sample;

use super::*;

const INPUT: i64 = 400_000;
const OUTPUT: i64 = 1_600_000;

/// An attempt with a prompt of 400 bytes and this much reserved.
fn open(reserved: i64) -> Open {
    let mut attempt = sample::attempt(1);
    attempt.reserved = Pico::new(reserved);
    let mut book = LeaseBook::new();
    Open {
        attempt,
        reservation: book.reserve(&[], Pico::new(reserved)).unwrap(),
        price: Arc::new(PriceVersion {
            id: domain::PriceVersionId::from_bits(1),
            effective_from: Timestamp::from_millis(0),
            unit: UnitPrices::default()
                .with(TokenClass::Input, Some(Pico::new(INPUT)))
                .with(TokenClass::Output, Some(Pico::new(OUTPUT))),
            tiers: Vec::new(),
        }),
        ceiling: None,
        prompt_bytes: 400,
        token_quotas: Vec::new(),
    }
}

fn end(outcome: Outcome) -> End {
    End { outcome, status: 200, error: None }
}

fn used(input: u64, output: u64) -> TokenUsage {
    TokenUsage::default().with(TokenClass::Input, input).with(TokenClass::Output, output)
}

#[test]
fn what_the_provider_says_is_charged_exactly() {
    let seen = Seen { reported: Some(used(10, 20)), text_bytes: 9999, ..Seen::default() };
    let charge = charge(&open(1_000_000_000), &end(Outcome::Answered), &seen);
    assert_eq!(charge.cost, Pico::new(10 * INPUT + 20 * OUTPUT));
    assert_eq!((charge.streamed, charge.suspense), (charge.cost, Pico::ZERO));
    assert_eq!(charge.source, UsageSource::Provider);
}

#[test]
fn an_explicit_zero_is_zero_and_not_missing() {
    let seen = Seen { reported: Some(TokenUsage::default()), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), &end(Outcome::Answered), &seen);
    assert_eq!((charge.cost, charge.suspense, charge.flags.bits()), (Pico::ZERO, Pico::ZERO, 0));
}

#[test]
fn a_refused_attempt_costs_nothing_whatever_was_seen() {
    let seen = Seen { text_bytes: 1000, floor: used(1, 1), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), &end(Outcome::Failed), &seen);
    assert_eq!((charge.cost, charge.suspense), (Pico::ZERO, Pico::ZERO));
}

#[test]
fn a_cut_stream_is_estimated_within_its_bounds_and_the_rest_stays_in_suspense() {
    let reserved = 1_000_000_000;
    let seen = Seen { text_bytes: 80, floor: used(0, 5), ..Seen::default() };
    let charge = charge(&open(reserved), &end(Outcome::Cut), &seen);
    assert_eq!(charge.streamed, Pico::new(5 * OUTPUT));
    assert_eq!(charge.cost, Pico::new(100 * INPUT + 20 * OUTPUT));
    assert_eq!(charge.suspense.get(), reserved - charge.cost.get());
    assert_eq!(charge.source, UsageSource::Estimated);
}

#[test]
fn an_estimate_beyond_the_reservation_falls_back_to_what_was_seen() {
    let reserved = 6 * OUTPUT;
    let seen = Seen { text_bytes: 100_000, floor: used(0, 5), ..Seen::default() };
    let charge = charge(&open(reserved), &end(Outcome::Cut), &seen);
    assert_eq!((charge.streamed, charge.cost), (Pico::new(5 * OUTPUT), Pico::new(5 * OUTPUT)));
    assert_eq!(charge.suspense, Pico::new(OUTPUT));
}

#[test]
fn a_prompt_the_provider_has_counted_is_not_estimated_again() {
    let seen = Seen { floor: used(7, 1), text_bytes: 40, ..Seen::default() };
    let charge = charge(&open(1_000_000_000), &end(Outcome::Cut), &seen);
    assert_eq!(charge.usage.get(TokenClass::Input), 7);
    assert_eq!(charge.usage.get(TokenClass::Output), 10);
}

#[test]
fn usage_that_no_price_can_be_made_of_is_absurd_and_estimated() {
    let seen = Seen { reported: Some(used(u64::MAX / 2, 1)), text_bytes: 40, ..Seen::default() };
    let charge = charge(&open(1_000_000_000), &end(Outcome::Answered), &seen);
    assert!(charge.flags.has(Flag::UsageAbsurd));
    assert!(charge.cost <= Pico::new(1_000_000_000));
}

#[test]
fn missing_usage_is_flagged() {
    let charge = charge(&open(1_000_000_000), &end(Outcome::Answered), &Seen::default());
    assert!(charge.flags.has(Flag::UsageMissing));
    assert_eq!(charge.source, UsageSource::Estimated);
}

#[test]
fn the_cost_is_always_the_sum_of_its_classes() {
    for text_bytes in [0, 1, 100, 10_000] {
        let open = open(1_000_000_000);
        let seen = Seen { text_bytes, floor: used(3, 2), ..Seen::default() };
        let charge = charge(&open, &end(Outcome::Broken), &seen);
        assert_eq!(price::cost(&charge.usage, &open.price, None).unwrap().cost, charge.cost);
    }
}
