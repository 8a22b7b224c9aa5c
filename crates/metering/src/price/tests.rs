use domain::price::PriceTier;
use domain::{PriceVersionId, Timestamp};

use super::*;

fn prices(units: &[(TokenClass, i64)]) -> UnitPrices {
    units
        .iter()
        .fold(UnitPrices::default(), |prices, (class, pico)| prices.with(*class, Some(Pico::new(*pico))))
}

fn version(units: &[(TokenClass, i64)]) -> PriceVersion {
    PriceVersion {
        id: PriceVersionId::from_bits(1),
        effective_from: Timestamp::from_millis(0),
        unit: prices(units),
        tiers: Vec::new(),
    }
}

fn used(units: &[(TokenClass, u64)]) -> TokenUsage {
    units.iter().fold(TokenUsage::default(), |usage, (class, quantity)| usage.with(*class, *quantity))
}

#[test]
fn the_cost_is_the_exact_sum_over_the_classes() {
    let version = version(&[
        (TokenClass::Input, 400_000),
        (TokenClass::CachedInput, 100_000),
        (TokenClass::Output, 1_600_000),
        (TokenClass::Request, 7),
    ]);
    let usage = used(&[
        (TokenClass::Input, 1_234),
        (TokenClass::CachedInput, 1_000),
        (TokenClass::Output, 55),
        (TokenClass::Request, 1),
    ]);
    let expected = 1_234 * 400_000 + 1_000 * 100_000 + 55 * 1_600_000 + 7;
    let priced = cost(&usage, &version, None);
    assert_eq!(priced, Ok(Priced { cost: Pico::new(expected), flags: Flags::default() }));
}

#[test]
fn reasoning_without_a_price_is_output_and_cached_input_is_input() {
    let version = version(&[(TokenClass::Input, 3), (TokenClass::Output, 5)]);
    let usage = used(&[(TokenClass::CachedInput, 10), (TokenClass::Reasoning, 100)]);
    let priced = cost(&usage, &version, None);
    assert_eq!(priced, Ok(Priced { cost: Pico::new(530), flags: Flags::default() }));
}

#[test]
fn an_unknown_price_is_flagged_and_takes_the_ceilings() {
    let version = version(&[(TokenClass::Input, 3)]);
    let usage = used(&[(TokenClass::Input, 10), (TokenClass::CacheWrite1h, 10)]);
    let left_out = cost(&usage, &version, None).unwrap();
    assert_eq!(left_out.cost, Pico::new(30));
    assert_eq!(left_out.flags.names().collect::<Vec<_>>(), ["price_unknown"]);

    let ceiling = prices(&[(TokenClass::Input, 1_000), (TokenClass::CacheWrite1h, 2_000)]);
    let at_ceiling = cost(&usage, &version, Some(&ceiling)).unwrap();
    assert_eq!(at_ceiling.cost, Pico::new(30 + 20_000));
    assert_eq!(at_ceiling.flags.names().collect::<Vec<_>>(), ["price_unknown", "ceiling"]);
}

#[test]
fn a_class_without_even_a_ceiling_is_left_out_and_flagged_as_unknown_alone() {
    let priced = cost(&used(&[(TokenClass::ToolCall, 3)]), &version(&[]), Some(&prices(&[]))).unwrap();
    assert_eq!(priced.cost, Pico::ZERO);
    assert_eq!(priced.flags.names().collect::<Vec<_>>(), ["price_unknown"]);
}

#[test]
fn a_class_that_was_not_used_needs_no_price() {
    let priced = cost(&TokenUsage::default(), &version(&[]), None);
    assert_eq!(priced, Ok(Priced { cost: Pico::ZERO, flags: Flags::default() }));
}

#[test]
fn a_long_prompt_is_priced_whole_in_its_tier() {
    let mut version = version(&[(TokenClass::Input, 1)]);
    version.tiers = vec![PriceTier { above_prompt_tokens: 200, unit: prices(&[(TokenClass::Input, 2)]) }];
    let at = |quantity| cost(&used(&[(TokenClass::Input, quantity)]), &version, None).unwrap().cost;
    assert_eq!(at(200), Pico::new(200));
    assert_eq!(at(201), Pico::new(402));
}

#[test]
fn absurd_usage_overflows_and_is_no_small_number() {
    let version = version(&[(TokenClass::Input, 2), (TokenClass::Output, 1)]);
    assert_eq!(cost(&used(&[(TokenClass::Input, u64::MAX)]), &version, None), Err(Overflow));
    let half = u64::try_from(i64::MAX / 2).unwrap();
    let sum = used(&[(TokenClass::Input, half), (TokenClass::Output, 10)]);
    assert_eq!(cost(&sum, &version, None), Err(Overflow));
}
