use domain::{BudgetId, Timestamp, Window};

use super::*;

const ROW: Row<'static> = Row { table: "policies", id: "policy_1" };

fn strict() -> Rules {
    Rules {
        allowed_models: Some(Vec::new()),
        ignored_models: vec!["openai/*".to_owned()],
        allowed_providers: None,
        ignored_providers: Vec::new(),
        zdr: true,
        no_training: true,
        output_cap: Some(4096),
        unaffordable: Some(Unaffordable::Reject),
        unknown_price: Some(UnknownPrice::Block),
        default_model: None,
        rates: vec![Rate { unit: RateUnit::Concurrent, limit: 5, models: Some("openai/*".to_owned()) }],
    }
}

#[test]
fn rules_read_back_as_written() {
    for expected in [strict(), Rules::default()] {
        let text = rules_text(&expected).unwrap();
        assert_eq!(rules(ROW, &text).unwrap(), expected);
    }
}

#[test]
fn rules_with_any_field_missing_unknown_or_misspelt_are_refused_by_name() {
    let Value::Object(whole) = rules_value(&strict()).unwrap() else { panic!("rules are an object") };
    for field in whole.keys().filter(|field| *field != "rates") {
        let mut less = whole.clone();
        less.remove(field);
        let error = rules(ROW, &Value::Object(less).to_string()).unwrap_err();
        assert!(error.to_string().contains("policies policy_1 cannot be read"), "{field}: {error}");
    }
    let mut more = whole.clone();
    more.insert("regions".to_owned(), Value::Null);
    assert!(rules(ROW, &Value::Object(more).to_string()).is_err());
    let mut other = whole;
    other.insert("unaffordable".to_owned(), Value::from("ignore"));
    assert!(rules(ROW, &Value::Object(other).to_string()).is_err());
    assert!(rules(ROW, "").is_err());
}

#[test]
fn rules_from_before_there_were_rates_have_none() {
    let Value::Object(mut whole) = rules_value(&strict()).unwrap() else { panic!("rules are an object") };
    whole.remove("rates");
    let expected = Rules { rates: Vec::new(), ..strict() };
    assert_eq!(rules(ROW, &Value::Object(whole).to_string()).unwrap(), expected);
}

#[test]
fn prices_read_back_and_a_class_nobody_knows_is_refused() {
    let expected = UnitPrices::default()
        .with(TokenClass::Input, Some(Pico::new(150_000)))
        .with(TokenClass::CacheWrite5m, Some(Pico::ZERO));
    assert_eq!(unit(ROW, &unit_text(&expected).unwrap()).unwrap(), expected);
    let tier = PriceTier { above_prompt_tokens: 200_000, unit: expected };
    assert_eq!(tiers(ROW, &tiers_text(std::slice::from_ref(&tier)).unwrap()).unwrap(), [tier]);
    assert!(unit(ROW, r#"{"inputs": 1}"#).is_err());
}

#[test]
fn draws_read_back_with_overruns_beyond_64_bits() {
    let window = Window::MONTH.at(Timestamp::from_micros(0));
    let expected =
        vec![(Draw { budget: BudgetId::from_bits(7), window }, Amount::from_pico(i128::from(i64::MAX) * 3))];
    assert_eq!(draws(ROW, &draws_text(&expected).unwrap()).unwrap(), expected);
}
