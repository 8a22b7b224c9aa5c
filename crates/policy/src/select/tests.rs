use std::collections::HashMap;

use domain::Timestamp;

use super::*;
use crate::decide::decide;
use crate::record::PlatformRecords;
use crate::sample::{self, NOW};
use crate::snapshot::PolicySnapshot;

fn picos(prices: &[i64]) -> Vec<Pico> {
    prices.iter().copied().map(Pico::new).collect()
}

/// The providers in the order they would be tried, for one seed.
fn ordered(platform: &PlatformRecords, seed: u64) -> Vec<String> {
    let snapshot = PolicySnapshot::build(platform.clone(), [sample::org()]);
    let caller = snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).unwrap();
    let permit =
        decide(&snapshot, &caller, &Ask::new(ModelKind::Chat, Some("openai/gpt"), seed), NOW).unwrap();
    permit.candidates().iter().map(|candidate| candidate.provider.slug.clone()).collect()
}

/// Three endpoints of one model at 1, 2 and 3 times the same price.
fn three_prices() -> PlatformRecords {
    let mut platform = sample::platform();
    platform.endpoints = vec![
        sample::endpoint(1, "openai/gpt", "openai", 3_000_000),
        sample::endpoint(2, "openai/gpt", "azure", 1_000_000),
        sample::endpoint(3, "openai/gpt", "anthropic", 2_000_000),
    ];
    platform
}

#[test]
fn a_third_of_the_price_is_drawn_nine_times_as_often() {
    let weights = weights(&picos(&[1_000_000, 3_000_000]));
    assert_eq!(weights[0] / weights[1], 9);
}

#[test]
fn draws_follow_the_weights() {
    let weights = weights(&picos(&[100, 300]));
    let mut drawn = HashMap::new();
    for seed in 0..10_000 {
        *drawn.entry(draw(&weights, seed)).or_insert(0) += 1;
    }
    let cheap = drawn[&0];
    assert!((8_850..=9_150).contains(&cheap), "{cheap} of 10000, 9000 expected");
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let platform = three_prices();
    for seed in 0..20 {
        assert_eq!(ordered(&platform, seed), ordered(&platform, seed));
    }
}

#[test]
fn the_first_is_drawn_and_the_rest_follow_by_price() {
    let platform = three_prices();
    let mut first = HashMap::new();
    for seed in 0..200 {
        let order = ordered(&platform, seed);
        let mut rest = ["azure", "anthropic", "openai"].to_vec();
        rest.retain(|slug| *slug != order[0]);
        assert_eq!(order[1..], rest);
        *first.entry(order[0].clone()).or_insert(0) += 1;
    }
    assert_eq!(first.len(), 3, "every endpoint comes first now and then: {first:?}");
    assert!(first["azure"] > first["anthropic"] && first["anthropic"] > first["openai"], "{first:?}");
}

#[test]
fn an_unknown_price_comes_last_and_is_never_drawn() {
    let mut platform = three_prices();
    let unknown = &mut platform.endpoints[1].prices[0].unit;
    unknown.set(TokenClass::Output, None);
    for seed in 0..100 {
        assert_eq!(ordered(&platform, seed)[2], "azure");
    }
}

#[test]
fn absurd_prices_neither_overflow_nor_hide_the_others() {
    for prices in [[0, 0], [0, i64::MAX], [i64::MAX, i64::MAX], [1, i64::MAX]] {
        let weights = weights(&picos(&prices));
        assert!(weights.iter().all(|weight| *weight > 0));
        assert!(draw(&weights, 3) < 2);
    }
    assert_eq!(draw(&weights(&[]), 3), 0);
    let mut platform = three_prices();
    platform.endpoints[0] = sample::endpoint(1, "openai/gpt", "openai", i64::MAX);
    assert_eq!(ordered(&platform, 1).len(), 3);
}

#[test]
fn embeddings_are_compared_by_input_alone() {
    let mut platform = sample::platform();
    platform.endpoints = vec![sample::endpoint(1, "openai/embed", "openai", 5)];
    platform.endpoints[0].prices[0].unit.set(TokenClass::Output, None);
    let snapshot = PolicySnapshot::build(platform, [sample::org()]);
    let caller = snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).unwrap();
    let ask = Ask::new(ModelKind::Embeddings, Some("openai/embed"), 0);
    let permit = decide(&snapshot, &caller, &ask, Timestamp::from_micros(1)).unwrap();
    assert_eq!(price(ModelKind::Embeddings, &permit.candidates()[0]), Some(Pico::new(5)));
    assert_eq!(price(ModelKind::Chat, &permit.candidates()[0]), None);
}
