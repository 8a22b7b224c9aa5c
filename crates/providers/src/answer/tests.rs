use super::*;

#[test]
fn money_is_written_digit_for_digit() {
    let usage = TokenUsage::default().with(TokenClass::Input, 3).with(TokenClass::CacheWrite1h, 2);
    let bill = Bill {
        usage,
        cost: Pico::new(1),
        prompt_cost: None,
        completion_cost: None,
        is_byok: true,
        upstream_cost: Some(Pico::new(9_007_199_254_740_993)),
    };
    let expected = r#"{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":2,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"image_tokens":0},"cost":0.000000000001,"is_byok":true,"cost_details":{"upstream_inference_cost":9007.199254740993}}"#;
    assert_eq!(String::from_utf8(bill.to_json(true)).as_deref(), Ok(expected));
}
