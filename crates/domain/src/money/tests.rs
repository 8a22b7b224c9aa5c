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
fn a_product_beyond_the_range_is_none_and_never_wraps() {
    assert_eq!(Pico::new(i64::MAX).times(2), None);
    assert_eq!(Pico::new(3).times(4), Some(Pico::new(12)));
    assert_eq!(Pico::new(1).times(u64::MAX), None);
}
