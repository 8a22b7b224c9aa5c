use super::*;

#[test]
fn every_class_has_its_own_place_and_name() {
    let mut usage = TokenUsage::default();
    for (number, class) in (1..).zip(TokenClass::ALL) {
        usage.set(class, number);
        assert_eq!(TokenClass::from_name(class.name()), Some(class));
    }
    let values: Vec<u64> = usage.iter().map(|(_, value)| value).collect();
    assert_eq!(values, (1..=12).collect::<Vec<u64>>());
}

#[test]
fn prompt_and_completion_count_each_token_once() {
    let usage = TokenUsage::default()
        .with(TokenClass::Input, 1)
        .with(TokenClass::CachedInput, 2)
        .with(TokenClass::CacheWrite1h, 4)
        .with(TokenClass::Output, 8)
        .with(TokenClass::Reasoning, 16)
        .with(TokenClass::Request, 32);
    assert_eq!(usage.prompt_tokens(), 7);
    assert_eq!(usage.completion_tokens(), 24);
}
