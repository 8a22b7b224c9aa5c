use super::*;

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

fn input(pico: i64) -> UnitPrices {
    UnitPrices::default().with(TokenClass::Input, Some(Pico::new(pico)))
}

fn tier(above_prompt_tokens: u64, unit: UnitPrices) -> PriceTier {
    PriceTier { above_prompt_tokens, unit }
}

#[test]
fn negative_and_absurd_prices_are_refused_with_a_sentence() {
    assert_eq!(check(&input(0), &[tier(1, input(2)), tier(2, input(1))]), Ok(()));
    assert_eq!(check(&input(10_000_000_000), &[]), Ok(()));
    let problem = |unit, tiers: &[PriceTier]| check(&unit, tiers).unwrap_err().to_string();
    assert_eq!(problem(input(-1), &[]), "the price of input is negative");
    assert_eq!(problem(input(1), &[tier(1, input(-1))]), "the price of input is negative");
    assert_eq!(
        problem(input(10_000_000_001), &[]),
        "the price of input is absurd: 0.010000000001 USD for one, and at most 0.01 is believed"
    );
    let request = |pico| UnitPrices::default().with(TokenClass::Request, Some(Pico::new(pico)));
    assert_eq!(check(&request(14_000_000_000), &[]), Ok(()));
    assert!(check(&request(100_000_000_000_001), &[]).is_err());
}

#[test]
fn tiers_rise_and_have_every_price_that_the_base_has() {
    for (first, next) in [(5, 5), (5, 4)] {
        let tiers = [tier(first, input(1)), tier(next, input(1))];
        assert_eq!(check(&input(1), &tiers), Err(PriceProblem::TiersDoNotRise { first, next }));
    }
    let base = input(1).with(TokenClass::Output, Some(Pico::new(1)));
    let lacks = PriceProblem::TierLacks { above: 7, class: TokenClass::Output };
    assert_eq!(check(&base, &[tier(7, input(1))]), Err(lacks));
}

#[test]
fn a_version_begins_after_all_there_are_or_is_refused_with_both_dates() {
    let versions = [version(2_000, 2), version(1_000, 1)];
    let at = Timestamp::from_millis;
    assert_eq!(can_follow(&[], at(0)), Ok(()));
    assert_eq!(can_follow(&versions, at(2_001)), Ok(()));
    for backwards_or_overlapping in [1_500, 2_000] {
        let refused = can_follow(&versions, at(backwards_or_overlapping)).unwrap_err();
        assert_eq!((refused.last, refused.new), (at(2_000), at(backwards_or_overlapping)));
        assert!(refused.to_string().contains("1970-01-01T00:00:02Z"), "{refused}");
    }
}
