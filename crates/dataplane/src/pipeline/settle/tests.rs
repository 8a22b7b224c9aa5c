use metering::budget::LeaseBook;
use metering::{Counted, sample};

use super::*;

const INPUT: i64 = 400_000;
const OUTPUT: i64 = 1_600_000;

/// An attempt with this much reserved.
fn open(reserved: i64) -> Open {
    let mut attempt = sample::attempt(1);
    attempt.reserved = Pico::new(reserved);
    let price = PriceVersion {
        id: domain::PriceVersionId::from_bits(1),
        effective_from: Timestamp::from_millis(0),
        unit: UnitPrices::default()
            .with(TokenClass::Input, Some(Pico::new(INPUT)))
            .with(TokenClass::Output, Some(Pico::new(OUTPUT))),
        tiers: Vec::new(),
    };
    Open {
        attempt: Arc::new(attempt),
        reservation: LeaseBook::new().reserve(&[], Pico::new(reserved)).unwrap(),
        bound: metering::bound(&ask(), &price, None).unwrap(),
        price: Arc::new(price),
        ceiling: None,
        token_quotas: Vec::new(),
    }
}

fn ask() -> metering::Ask {
    metering::Ask {
        body_bytes: 1,
        messages: 1,
        tools: 0,
        media: metering::estimate::MediaTokens::None,
        cache_writes: false,
        context_length: 1,
        output_cap: 1,
        choices: 1,
    }
}

fn end(outcome: Outcome) -> End {
    End { outcome, status: 200, error: None }
}

fn used(input: u64, output: u64) -> TokenUsage {
    TokenUsage::default().with(TokenClass::Input, input).with(TokenClass::Output, output)
}

/// Both counted exactly.
fn tally(prompt: u64, answer: u64) -> Tally {
    let counted = |tokens| Counted { tokens, source: UsageSource::Counted };
    Tally { prompt: counted(prompt), answer: counted(answer) }
}

fn charge(open: &Open, outcome: Outcome, seen: &Seen, tally: Tally) -> Charge {
    told(open, &end(outcome), seen).unwrap_or_else(|flags| counted(open, seen, flags, &tally))
}

#[test]
fn what_the_provider_says_is_charged_exactly() {
    let seen = Seen { reported: Some(used(10, 20)), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Answered, &seen, tally(99, 99));
    assert_eq!(charge.cost, Pico::new(10 * INPUT + 20 * OUTPUT));
    assert_eq!((charge.streamed, charge.suspense), (charge.cost, Pico::ZERO));
    assert_eq!(charge.source, UsageSource::Provider);
}

#[test]
fn an_explicit_zero_is_zero_and_not_missing() {
    let seen = Seen { reported: Some(TokenUsage::default()), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Answered, &seen, tally(99, 99));
    assert_eq!((charge.cost, charge.suspense, charge.flags.bits()), (Pico::ZERO, Pico::ZERO, 0));
}

#[test]
fn a_refused_attempt_costs_nothing_whatever_was_seen() {
    let seen = Seen { floor: used(1, 1), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Failed, &seen, tally(99, 99));
    assert_eq!((charge.cost, charge.suspense), (Pico::ZERO, Pico::ZERO));
}

#[test]
fn a_cut_stream_is_counted_and_the_rest_of_its_reservation_stays_in_suspense() {
    let reserved = 1_000_000_000;
    let seen = Seen { floor: used(0, 5), ..Seen::default() };
    for outcome in [Outcome::Cut, Outcome::Broken] {
        let charge = charge(&open(reserved), outcome, &seen, tally(100, 20));
        assert_eq!(charge.streamed, Pico::new(5 * OUTPUT));
        assert_eq!(charge.cost, Pico::new(100 * INPUT + 20 * OUTPUT));
        assert_eq!(charge.suspense.get(), reserved - charge.cost.get());
        assert_eq!(charge.source, UsageSource::Counted);
    }
}

#[test]
fn a_charge_is_called_counted_only_where_both_parts_are() {
    let seen = Seen::default();
    let estimated = Counted { tokens: 9, source: UsageSource::Estimated };
    for tally in [Tally { prompt: estimated, ..tally(1, 1) }, Tally { answer: estimated, ..tally(1, 1) }] {
        assert_eq!(charge(&open(1_000_000_000), Outcome::Cut, &seen, tally).source, UsageSource::Estimated);
    }
}

#[test]
fn what_is_counted_is_never_less_than_what_was_seen() {
    let seen = Seen { floor: used(0, 50), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Cut, &seen, tally(100, 20));
    assert_eq!(charge.usage.get(TokenClass::Output), 50);
    assert!(charge.streamed <= charge.cost);
}

#[test]
fn reasoning_that_the_provider_has_told_is_not_counted_again() {
    let seen = Seen { floor: used(7, 1).with(TokenClass::Reasoning, 15), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Cut, &seen, tally(100, 20));
    assert_eq!((charge.usage.get(TokenClass::Reasoning), charge.usage.get(TokenClass::Output)), (15, 5));
}

#[test]
fn more_than_the_reservation_covers_is_charged_as_much_as_it_covers() {
    let reserved = 100 * INPUT + 6 * OUTPUT + 1;
    let seen = Seen { floor: used(0, 5), ..Seen::default() };
    let charge = charge(&open(reserved), Outcome::Cut, &seen, tally(100, 100_000));
    assert_eq!((charge.streamed, charge.cost), (Pico::new(5 * OUTPUT), Pico::new(100 * INPUT + 6 * OUTPUT)));
    assert_eq!((charge.suspense, charge.source), (Pico::new(1), UsageSource::Estimated));
}

#[test]
fn more_pieces_than_the_reservation_covers_are_charged_as_much_as_it_covers_and_not_as_nothing() {
    let reserved = 10 * INPUT + 6 * OUTPUT;
    let seen = Seen { floor: used(10, 1000), ..Seen::default() };
    let charge = charge(&open(reserved), Outcome::Cut, &seen, tally(100, 1000));
    assert_eq!((charge.streamed, charge.cost), (Pico::new(reserved), Pico::new(reserved)));
}

#[test]
fn a_prompt_the_provider_has_counted_is_not_counted_again() {
    let seen = Seen { floor: used(7, 1), ..Seen::default() };
    let charge = charge(&open(1_000_000_000), Outcome::Cut, &seen, tally(100, 10));
    assert_eq!(charge.usage.get(TokenClass::Input), 7);
    assert_eq!(charge.usage.get(TokenClass::Output), 10);
}

#[test]
fn usage_that_no_price_can_be_made_of_is_absurd_and_counted() {
    let reserved = Pico::new(1_000_000_000);
    for reported in [Some(used(u64::MAX / 2, 1)), None] {
        let seen = Seen { absurd: reported.is_none(), reported, ..Seen::default() };
        let charge = charge(&open(reserved.get()), Outcome::Answered, &seen, tally(10, 10));
        assert!(charge.flags.has(Flag::UsageAbsurd));
        assert_eq!(charge.cost, Pico::new(10 * INPUT + 10 * OUTPUT));
        assert_eq!(charge.cost.plus(charge.suspense), Some(reserved), "all that was reserved is kept");
    }
}

#[test]
fn missing_usage_is_flagged() {
    let charge = charge(&open(1_000_000_000), Outcome::Answered, &Seen::default(), tally(0, 0));
    assert!(charge.flags.has(Flag::UsageMissing));
}

#[test]
fn a_request_that_is_charged_by_itself_is_charged_also_where_tokens_are_counted() {
    let mut open = open(1_000_000_000);
    let mut price = PriceVersion::clone(&open.price);
    price.unit.set(TokenClass::Request, Some(Pico::new(77)));
    open.price = Arc::new(price);
    let charge = charge(&open, Outcome::Cut, &Seen::default(), tally(1, 1));
    assert_eq!(charge.cost, Pico::new(INPUT + OUTPUT + 77));
}

#[test]
fn the_cost_is_always_the_sum_of_its_classes_and_within_its_bounds() {
    for reserved in [0, 1, INPUT, OUTPUT, 1_000 * OUTPUT, 1_000_000_000_000] {
        for answer in [0, 1, 100, 10_000, u64::MAX] {
            let open = open(reserved);
            let seen = Seen { floor: used(3, 2), ..Seen::default() };
            let charge = charge(&open, Outcome::Broken, &seen, tally(answer, answer));
            assert_eq!(price::cost(&charge.usage, &open.price, None).unwrap().cost, charge.cost);
            assert!(charge.streamed <= charge.cost && charge.cost.get() <= reserved);
            assert_eq!(charge.cost.get() + charge.suspense.get(), reserved);
        }
    }
}
