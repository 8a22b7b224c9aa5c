use super::*;

#[test]
fn an_effort_covers_a_budget() {
    assert_eq!(Effort::covering(1000, Some(10_000)), Effort::Minimal);
    assert_eq!(Effort::covering(1001, Some(10_000)), Effort::Low);
    assert_eq!(Effort::covering(5000, Some(10_000)), Effort::Medium);
    assert_eq!(Effort::covering(20_000, Some(10_000)), Effort::XHigh);
    assert_eq!(Effort::covering(20_000, None), Effort::Medium);
}

#[test]
fn reasoning_says_how_hard_to_think_or_nothing() {
    let asked = |effort, max_tokens, enabled| {
        let reasoning = Reasoning { effort, max_tokens, enabled, exclude: false };
        reasoning.as_effort(Some(10_000)).map(Effort::name)
    };
    assert_eq!(asked(None, None, None), None);
    assert_eq!(asked(None, None, Some(true)), Some("medium"));
    assert_eq!(asked(Some(Effort::High), None, Some(true)), Some("high"));
    assert_eq!(asked(Some(Effort::High), None, Some(false)), Some("none"));
    assert_eq!(asked(None, Some(2000), None), Some("low"));
}

#[test]
fn max_cost_is_read_digit_for_digit() {
    let read =
        |text: &str| max_cost(&RawValue::from_string(text.to_owned()).expect("JSON")).map(Amount::pico);
    assert_eq!(read("0.000000000001"), Ok(1));
    assert_eq!(read("\"0.1\""), Ok(100_000_000_000));
    assert_eq!(read("12"), Ok(12_000_000_000_000));
    for wrong in ["-1", "0", "1e2", "\"\"", "true", "[]", "0.0000000000001"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
