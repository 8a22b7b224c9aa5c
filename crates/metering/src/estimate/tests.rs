use domain::price::PriceTier;
use domain::{PriceVersionId, Timestamp, TokenUsage};
use proptest::prelude::{Strategy, any, prop_assert, proptest};

use super::*;
use crate::price::cost;

fn prices(units: &[(TokenClass, i64)]) -> UnitPrices {
    units
        .iter()
        .fold(UnitPrices::default(), |prices, (class, pico)| prices.with(*class, Some(Pico::new(*pico))))
}

fn version(unit: UnitPrices, tiers: Vec<PriceTier>) -> PriceVersion {
    PriceVersion { id: PriceVersionId::from_bits(1), effective_from: Timestamp::from_millis(0), unit, tiers }
}

fn ask() -> Ask {
    Ask {
        body_bytes: 1_000,
        messages: 2,
        tools: 0,
        media: MediaTokens::None,
        cache_writes: false,
        context_length: 128_000,
        output_cap: 100,
        choices: 1,
    }
}

const CHAT: [(TokenClass, i64); 2] = [(TokenClass::Input, 10), (TokenClass::Output, 40)];
/// 1000 bytes, the template, two messages.
const PROMPT: i64 = 1_000 + 64 + 2 * 16;

#[test]
fn the_bound_is_bytes_and_templates_at_the_input_price_and_the_cap_at_the_output_price() {
    let bound = bound(&ask(), &version(prices(&CHAT), vec![]), None).unwrap();
    assert_eq!(bound.reserved(), Pico::new(PROMPT * 10 + 100 * 40));
    assert_eq!(bound.output_cap(), 100);
    assert!(!bound.at_ceiling());
}

#[test]
fn every_choice_may_use_the_whole_cap() {
    let bound = bound(&Ask { choices: 3, ..ask() }, &version(prices(&CHAT), vec![]), None).unwrap();
    assert_eq!(bound.reserved(), Pico::new(PROMPT * 10 + 3 * 100 * 40));
}

#[test]
fn a_raised_bound_covers_a_larger_answer_and_nothing_else() {
    let first = bound(&Ask { choices: 2, ..ask() }, &version(prices(&CHAT), vec![]), None).unwrap();
    let raised = first.raised(130).unwrap();
    assert_eq!((raised.output_cap(), raised.reserved()), (130, Pico::new(PROMPT * 10 + 2 * 130 * 40)));
    assert_eq!(first.raised(1), Some(first));
    let dear = prices(&[(TokenClass::Input, 10), (TokenClass::Output, i64::MAX / 200)]);
    assert_eq!(bound(&ask(), &version(dear, vec![]), None).unwrap().raised(u32::MAX), None);
}

#[test]
fn the_dearest_class_a_token_may_become_is_reserved() {
    let unit = prices(&CHAT)
        .with(TokenClass::CacheWrite5m, Some(Pico::new(13)))
        .with(TokenClass::Reasoning, Some(Pico::new(50)))
        .with(TokenClass::Request, Some(Pico::new(5)));
    let bound = bound(&ask(), &version(unit, vec![]), None).unwrap();
    assert_eq!(bound.reserved(), Pico::new(PROMPT * 13 + 100 * 50 + 5));
}

#[test]
fn the_dearest_reachable_tier_is_reserved_and_no_other() {
    let dear = |above| PriceTier {
        above_prompt_tokens: above,
        unit: prices(&[(TokenClass::Input, 20), (TokenClass::Output, 40)]),
    };
    let reachable = bound(&ask(), &version(prices(&CHAT), vec![dear(1_000)]), None).unwrap();
    assert_eq!(reachable.reserved(), Pico::new(PROMPT * 20 + 100 * 40));
    let unreachable = bound(&ask(), &version(prices(&CHAT), vec![dear(200_000)]), None).unwrap();
    assert_eq!(unreachable.reserved(), Pico::new(PROMPT * 10 + 100 * 40));
}

#[test]
fn media_that_nobody_bounds_reserves_the_whole_context() {
    let unit = prices(&CHAT).with(TokenClass::AudioInput, Some(Pico::new(10)));
    let unit = unit.with(TokenClass::ImageInput, Some(Pico::new(11)));
    let bound = bound(&Ask { media: MediaTokens::Unknown, ..ask() }, &version(unit, vec![]), None).unwrap();
    assert_eq!(bound.reserved(), Pico::new(128_000 * 11 + 100 * 40));
}

#[test]
fn media_that_is_bounded_reserves_its_bound_beside_the_text_at_the_dearest_class() {
    let unit = prices(&CHAT).with(TokenClass::ImageInput, Some(Pico::new(11)));
    let unit = unit.with(TokenClass::AudioInput, Some(Pico::new(10)));
    let media = MediaTokens::AtMost(3_072);
    let bounded = bound(&Ask { media, ..ask() }, &version(unit, vec![]), None).unwrap();
    assert_eq!(bounded.reserved(), Pico::new((PROMPT + 3_072) * 11 + 100 * 40));
    let version = version(prices(&CHAT), vec![]);
    let unknown = Ask { media: MediaTokens::Unknown, ..ask() };
    assert_eq!(bound(&unknown, &version, None), Err(EstimateError::Unpriced(TokenClass::AudioInput)));
    let many = Ask { media: MediaTokens::AtMost(1_000_000), ..ask() };
    let a_context = bound(&many, &version, None).unwrap();
    assert_eq!(a_context.reserved(), Pico::new(128_000 * 10 + 100 * 40));
}

#[test]
fn a_prompt_is_not_reserved_for_at_the_price_of_media_it_does_not_have() {
    let unit = prices(&CHAT).with(TokenClass::AudioInput, Some(Pico::new(160)));
    let unit = unit.with(TokenClass::ImageInput, Some(Pico::new(20)));
    let version = version(unit, vec![]);
    let text = bound(&ask(), &version, None).unwrap();
    assert_eq!(text.reserved(), Pico::new(PROMPT * 10 + 100 * 40));
    let media = MediaTokens::AtMost(0);
    let image = bound(&Ask { media, ..ask() }, &version, None).unwrap();
    assert_eq!(image.reserved(), Pico::new(PROMPT * 20 + 100 * 40));
}

#[test]
fn tools_reserve_what_a_provider_adds_for_them() {
    let bound = bound(&Ask { tools: 2, ..ask() }, &version(prices(&CHAT), vec![]), None).unwrap();
    assert_eq!(bound.reserved(), Pico::new((PROMPT + 1024 + 2 * 32) * 10 + 100 * 40));
}

#[test]
fn embeddings_need_no_output_price() {
    let embeddings = version(prices(&[(TokenClass::Input, 10)]), vec![]);
    let bound = bound(&Ask { output_cap: 0, ..ask() }, &embeddings, None).unwrap();
    assert_eq!(bound.reserved(), Pico::new(PROMPT * 10));
}

#[test]
fn an_unknown_price_is_refused_without_a_ceiling_and_reserved_at_it_otherwise() {
    let unpriced = version(prices(&[(TokenClass::Input, 10)]), vec![]);
    let refused = bound(&ask(), &unpriced, None);
    assert_eq!(refused, Err(EstimateError::Unpriced(TokenClass::Output)));
    let ceiling = prices(&[(TokenClass::Output, 1_000)]);
    let at_ceiling = bound(&ask(), &unpriced, Some(&ceiling)).unwrap();
    assert_eq!(at_ceiling.reserved(), Pico::new(PROMPT * 10 + 100 * 1_000));
    assert!(at_ceiling.at_ceiling());
}

#[test]
fn cache_writes_that_were_asked_for_need_a_price() {
    let asked = Ask { cache_writes: true, ..ask() };
    let refused = bound(&asked, &version(prices(&CHAT), vec![]), None);
    assert_eq!(refused, Err(EstimateError::Unpriced(TokenClass::CacheWrite5m)));
}

#[test]
fn a_clamped_bound_uses_what_is_available_to_the_last_token() {
    let whole = bound(&ask(), &version(prices(&CHAT), vec![]), None).unwrap();
    let available = |pico: i64| whole.clamped(Amount::from_pico(pico.into()));
    assert_eq!(available(PROMPT * 10 + 100 * 40), Some(whole));
    let lowered = available(PROMPT * 10 + 100 * 40 - 1).unwrap();
    assert_eq!((lowered.output_cap(), lowered.reserved()), (99, Pico::new(PROMPT * 10 + 99 * 40)));
    assert_eq!(available(PROMPT * 10 + 40).map(|bound| bound.output_cap()), Some(1));
    assert_eq!(available(PROMPT * 10 + 39), None);
    assert_eq!(available(0), None);
    assert_eq!(available(-1), None);
}

#[test]
fn an_absurd_request_overflows() {
    let huge = Ask { body_bytes: u64::MAX, ..ask() };
    assert_eq!(bound(&huge, &version(prices(&CHAT), vec![]), None), Err(EstimateError::Overflow(Overflow)));
}

fn any_prices() -> impl Strategy<Value = UnitPrices> {
    // All classes have prices: the invariant leaves out classes the price version does not know.
    proptest::collection::vec(0_i64..1_000_000, TokenClass::COUNT).prop_map(|prices| {
        let classes = TokenClass::ALL.into_iter().zip(prices);
        classes.fold(UnitPrices::default(), |unit, (class, price)| unit.with(class, Some(Pico::new(price))))
    })
}

proptest! {
    #[test]
    fn no_split_of_tokens_into_classes_costs_more_than_was_reserved(
        unit in any_prices(),
        tier in any_prices(),
        above_prompt_tokens in 0_u64..4_000,
        body_bytes in 0_u64..4_000,
        splits in proptest::collection::vec(any::<u16>(), 6),
        choices in 1_u32..4,
    ) {
        let version = version(unit, vec![PriceTier { above_prompt_tokens, unit: tier }]);
        let ask = Ask { body_bytes, choices, ..ask() };
        let bound = bound(&ask, &version, None).unwrap();

        let prompt = split(body_bytes, &splits[..3]);
        let completion = split(u64::from(100 * choices), &splits[3..]);
        let classes = [TokenClass::Input, TokenClass::CachedInput, TokenClass::CacheWrite5m, TokenClass::CacheWrite1h];
        let usage = classes.into_iter().zip(prompt).chain(OUTPUT_CLASSES.into_iter().zip(completion));
        let usage = usage.fold(TokenUsage::default(), |usage, (class, tokens)| usage.with(class, tokens));
        let usage = usage.with(TokenClass::Request, 1);
        prop_assert!(cost(&usage, &version, None).unwrap().cost <= bound.reserved());
    }

    #[test]
    fn a_clamped_bound_is_affordable_and_one_token_more_is_not(
        unit in any_prices(),
        available in 0_i128..2_000_000_000,
    ) {
        let version = version(unit, vec![]);
        let whole = bound(&ask(), &version, None).unwrap();
        let available = Amount::from_pico(available);
        if let Some(clamped) = whole.clamped(available) {
            prop_assert!(Amount::from(clamped.reserved()) <= available);
            let more = Ask { output_cap: clamped.output_cap() + 1, ..ask() };
            let more = bound(&more, &version, None).unwrap();
            prop_assert!(clamped == whole || Amount::from(more.reserved()) > available);
        } else {
            let least = bound(&Ask { output_cap: 1, ..ask() }, &version, None).unwrap();
            prop_assert!(Amount::from(least.reserved()) > available);
        }
    }
}

/// Divides `total` into one part more than there are `cuts`.
fn split(total: u64, cuts: &[u16]) -> Vec<u64> {
    let mut left = total;
    let mut parts = Vec::new();
    for cut in cuts {
        let part = u64::from(*cut) % (left + 1);
        parts.push(part);
        left -= part;
    }
    parts.push(left);
    parts
}
