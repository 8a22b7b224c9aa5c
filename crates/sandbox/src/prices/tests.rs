use super::{PriceList, Prices, pico_per_token};
use crate::tokens::Tokens;

#[test]
fn dollars_per_million_become_whole_pico_per_token() {
    assert_eq!(pico_per_token("0.40").unwrap(), 400_000);
    assert_eq!(pico_per_token("0.03125").unwrap(), 31_250);
    assert_eq!(pico_per_token("15").unwrap(), 15_000_000);
    assert_eq!(pico_per_token("0.000001").unwrap(), 1);
}

#[test]
fn a_price_that_would_need_rounding_is_refused() {
    for text in ["0.0000001", "-1", "1.", ".5", "1e3", "", "1,5", "99999999999999999999"] {
        assert!(pico_per_token(text).is_err(), "{text}");
    }
}

#[test]
fn every_class_is_billed_at_its_own_price() {
    let prices = Prices {
        input: 2,
        cached_input: Some(3),
        cache_write_5m: Some(5),
        cache_write_1h: Some(7),
        output: Some(11),
    };
    let tokens = Tokens {
        input: 1,
        cached_input: 10,
        cache_write_5m: 100,
        cache_write_1h: 1_000,
        output: 10_000,
        reasoning: 100_000,
    };
    assert_eq!(prices.cost_pico(&tokens), 2 + 30 + 500 + 7_000 + 110_000 + 1_100_000);
}

#[test]
fn a_model_answers_to_its_plain_and_its_dated_name() {
    let list = PriceList::embedded().unwrap();
    assert_eq!(list.model("openai", "gpt-4.1").unwrap().prices.output, Some(8_000_000));
    assert_eq!(list.model("openai", "gpt-4.1-2025-04-14").unwrap().name, "gpt-4.1");
    assert!(list.model("zdr", "gpt-4.1").is_none());
}

#[test]
fn an_unknown_column_in_the_price_file_is_refused() {
    let text = "[openai.m]\nserved_as = \"m\"\ninput = \"1\"\ndiscount = \"0.1\"\n";
    assert!(PriceList::parse(text).is_err());
}
