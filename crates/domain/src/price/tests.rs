use super::*;
use crate::tokens::TokenClass;

fn version(from_ms: i64, pico: i64) -> PriceVersion {
    PriceVersion {
        id: PriceVersionId::new(Timestamp::from_millis(from_ms), 1),
        effective_from: Timestamp::from_millis(from_ms),
        unit: UnitPrices::default().with(TokenClass::Input, Some(Pico::new(pico))),
        tiers: Vec::new(),
    }
}

#[test]
fn the_latest_version_that_has_begun_applies() {
    let versions = [version(20, 2), version(10, 1), version(30, 3)];
    let at = |ms| valid_at(&versions, Timestamp::from_millis(ms)).map(|v| v.unit.get(TokenClass::Input));
    assert_eq!(at(9), None);
    assert_eq!(at(10), Some(Some(Pico::new(1))));
    assert_eq!(at(29), Some(Some(Pico::new(2))));
    assert_eq!(at(30), Some(Some(Pico::new(3))));
}

#[test]
fn a_tier_applies_strictly_above_its_threshold() {
    let mut tiered = version(0, 1);
    tiered.tiers.push(PriceTier {
        above_prompt_tokens: 100,
        unit: UnitPrices::default().with(TokenClass::Input, Some(Pico::new(9))),
    });
    assert_eq!(tiered.unit_for(100).get(TokenClass::Input), Some(Pico::new(1)));
    assert_eq!(tiered.unit_for(101).get(TokenClass::Input), Some(Pico::new(9)));
}
