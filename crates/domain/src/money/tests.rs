use super::*;

#[test]
fn an_amount_is_written_and_read_digit_for_digit() {
    for text in ["0", "0.000081", "12", "-0.5", "123456789.000000000001", "0.4"] {
        assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
    }
    assert_eq!("1.50".parse::<Amount>().unwrap().pico(), 1_500_000_000_000);
}

#[test]
fn text_that_is_no_plain_decimal_is_refused() {
    for text in ["", ".", "1.", ".5", "1e3", "+1", "1,5", "--1", "0.0000000000001", "9999999999999999", "NaN"]
    {
        assert_eq!(text.parse::<Amount>(), Err(InvalidAmount), "{text}");
    }
}

#[test]
fn the_stored_form_keeps_every_pico_also_below_zero() {
    for pico in [0, 1, -1, 999_999, 1_000_000, -1_000_001, 123_456_789_012_345_678] {
        let amount = Amount::from_pico(pico);
        let (micro, rest) = amount.to_parts();
        assert!((0..1_000_000).contains(&rest));
        assert_eq!(Amount::from_parts(micro, rest), amount);
    }
}

#[test]
fn a_unit_price_is_rounded_up_to_whole_pico() {
    assert_eq!(Pico::from_usd_ceil("0.40", 1_000_000), Ok(Pico::new(400_000)));
    assert_eq!(Pico::from_usd_ceil("0.01875", 1_000_000), Ok(Pico::new(18_750)));
    assert_eq!(Pico::from_usd_ceil("0.0000001", 1_000_000), Ok(Pico::new(1)));
    assert_eq!(Pico::from_usd_ceil("0.00000000000000000001", 1), Ok(Pico::new(1)));
    assert!(Pico::from_usd_ceil("-1", 1).is_err());
    assert!(Pico::from_usd_ceil("1e-6", 1).is_err());
}

#[test]
fn markup_and_discount_are_folded_in_exactly_before_the_one_rounding() {
    let at = |usd, markup, discount| {
        Pico::from_usd_times_ceil(usd, 1_000_000, Factor::of_percent(markup, discount).unwrap())
    };
    assert_eq!(at("0.40", "0", "0"), Ok(Pico::new(400_000)));
    assert_eq!(at("0.40", "5", "0"), Ok(Pico::new(420_000)));
    assert_eq!(at("0.40", "0", "12.5"), Ok(Pico::new(350_000)));
    assert_eq!(at("0.40", "5", "10"), Ok(Pico::new(378_000)));
    assert_eq!(at("0.40", "0", "100"), Ok(Pico::ZERO));
    // 3.333333 × 1.2 = 3.9999996: rounded before, it would be 4.8 and become 5.
    assert_eq!(at("0.000003333333", "20", "0"), Ok(Pico::new(4)));
    assert_eq!(at("10000.00", "1000", "0.0001"), Ok(Pico::new(109_999_890_000)));
}

#[test]
fn a_percentage_beyond_its_bounds_or_decimals_is_refused() {
    for (markup, discount) in [
        ("-5", "0"),
        ("1000.0001", "0"),
        ("0", "100.0001"),
        ("1.00001", "0"),
        ("", "0"),
        ("5%", "0"),
        ("1e2", "0"),
    ] {
        assert_eq!(Factor::of_percent(markup, discount), Err(InvalidPercent), "{markup} {discount}");
    }
}

#[test]
fn a_product_beyond_the_range_is_none_and_never_wraps() {
    assert_eq!(Pico::new(i64::MAX).times(2), None);
    assert_eq!(Pico::new(3).times(4), Some(Pico::new(12)));
    assert_eq!(Pico::new(1).times(u64::MAX), None);
}
