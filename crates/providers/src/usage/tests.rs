use domain::TokenClass::{
    AudioInput, AudioOutput, CacheWrite1h, CacheWrite5m, CachedInput, ImageOutput, Input, Output, Reasoning,
    Request,
};

use super::*;
use crate::priced::SHAPES;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}

fn openai(json: &str) -> Reported {
    from_chat(Some(&raw(json)))
}

fn anthropic(parts: &[&str]) -> Reported {
    let mut usage = AnthropicUsage::default();
    for part in parts {
        usage.merge(&raw(part));
    }
    usage.reported()
}

#[test]
fn openai_classes_are_split_by_containment() {
    let reported = openai(
        r#"{"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20, "audio_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 25, "audio_tokens": 5, "image_tokens": 4}}"#,
    );
    let expected = TokenUsage::default()
        .with(Input, 40)
        .with(CachedInput, 30)
        .with(CacheWrite5m, 20)
        .with(AudioInput, 10)
        .with(Output, 16)
        .with(Reasoning, 25)
        .with(AudioOutput, 5)
        .with(ImageOutput, 4);
    assert_eq!(reported, Reported { usage: Some(expected), absurd: false, total_mismatch: false });
    assert_eq!((expected.prompt_tokens(), expected.completion_tokens(), expected.get(Request)), (100, 50, 0));
}

#[test]
fn reasoning_beside_the_completion_is_told_by_the_total() {
    let reported = openai(
        r#"{"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 354,
        "completion_tokens_details": {"reasoning_tokens": 340}}"#,
    );
    let expected = TokenUsage::default().with(Input, 12).with(Output, 2).with(Reasoning, 340);
    assert_eq!(reported, Reported { usage: Some(expected), absurd: false, total_mismatch: false });
}

#[test]
fn nothing_is_not_zero() {
    assert_eq!(from_chat(None), Reported::default());
    assert_eq!(openai("null"), Reported::default());
    assert_eq!(anthropic(&[]), Reported::default());
    let zero = Reported { usage: Some(TokenUsage::default()), absurd: false, total_mismatch: false };
    assert_eq!(openai(r#"{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}"#), zero);
    assert_eq!(anthropic(&[r#"{"input_tokens": 0, "output_tokens": 0}"#]), zero);
}

#[test]
fn a_count_that_is_missing_is_not_zero() {
    assert_eq!(openai(r#"{"prompt_tokens": 9}"#), Reported::default());
    assert_eq!(openai(r#"{"completion_tokens": 9}"#), Reported::default());
    assert_eq!(openai(r#"{"total_tokens": 9}"#), Reported::default());
    assert_eq!(anthropic(&[r#"{"output_tokens": 9}"#]), Reported::default());
    assert_eq!(anthropic(&[r#"{"input_tokens": 9}"#]), Reported::default());
    let whole = anthropic(&[r#"{"input_tokens": 9}"#, r#"{"output_tokens": 0}"#]);
    assert_eq!(whole.usage, Some(TokenUsage::default().with(Input, 9)));
}

#[test]
fn embeddings_have_no_completion_to_miss() {
    let reported = from_embeddings(Some(&raw(r#"{"prompt_tokens": 9, "total_tokens": 9}"#)));
    let expected = TokenUsage::default().with(Input, 9);
    assert_eq!(reported, Reported { usage: Some(expected), absurd: false, total_mismatch: false });
}

#[test]
fn what_is_no_json_is_absurd_in_every_shape_and_null_is_nothing() {
    for (name, shape) in SHAPES {
        for object in ["", "{", "{\"prompt_tokens\": 1,}", "NaN", "[]", "\"{}\"", "1", "{} {}"] {
            assert!(read_usage(shape, object).absurd, "{name}: {object}");
        }
        for object in ["null", " null ", "{}"] {
            assert_eq!(read_usage(shape, object), Reported::default(), "{name}: {object}");
        }
    }
}

#[test]
fn counts_that_cannot_be_true_make_the_report_absurd() {
    let absurd = Reported { usage: None, absurd: true, total_mismatch: false };
    for count in ["-1", "1.5", "1e3", "\"12\"", "9223372036854775808", "1000000000001", "true", "[]", "{}"] {
        let json = format!(r#"{{"prompt_tokens": {count}, "completion_tokens": 1, "total_tokens": 1}}"#);
        assert_eq!(openai(&json), absurd, "{count}");
        let json =
            format!(r#"{{"prompt_tokens": 9, "prompt_tokens_details": {{"cached_tokens": {count}}}}}"#);
        assert_eq!(openai(&json), absurd, "{count} in the details");
        assert_eq!(
            anthropic(&[&format!(r#"{{"input_tokens": 1, "output_tokens": {count}}}"#)]),
            absurd,
            "{count}"
        );
    }
    for usage in ["[]", "5", "\"x\"", r#"{"prompt_tokens_details": []}"#] {
        assert_eq!(openai(usage), absurd, "{usage}");
        assert!(anthropic(&[&usage.replace("prompt_tokens_details", "cache_creation")]).absurd, "{usage}");
    }
}

#[test]
fn a_sum_that_differs_from_the_providers_total_is_flagged_and_loses_no_tokens() {
    let reported = openai(r#"{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 16}"#);
    assert!(reported.total_mismatch);
    let more_cached = r#"{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 12}}"#;
    let reported = openai(more_cached);
    assert!(reported.total_mismatch);
    assert_eq!(reported.usage.map(|usage| usage.prompt_tokens()), Some(12));
}

#[test]
fn anthropic_parts_replace_what_they_name() {
    let start = r#"{"input_tokens": 12, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}, "output_tokens": 1}"#;
    let expected = TokenUsage::default()
        .with(Input, 12)
        .with(CachedInput, 5)
        .with(CacheWrite5m, 20)
        .with(CacheWrite1h, 10)
        .with(Output, 8);
    let reported = anthropic(&[start, r#"{"output_tokens": 8}"#]);
    assert_eq!(reported, Reported { usage: Some(expected), absurd: false, total_mismatch: false });
}

#[test]
fn a_cache_write_without_its_lifetime_is_of_the_dearer_one_in_use() {
    let five_minutes =
        anthropic(&[r#"{"input_tokens": 1, "output_tokens": 0, "cache_creation_input_tokens": 7}"#]);
    assert_eq!(five_minutes.usage.map(|usage| usage.get(CacheWrite5m)), Some(7));
    let split = r#"{"input_tokens": 1, "cache_creation_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4}}"#;
    let an_hour = anthropic(&[split, r#"{"cache_creation_input_tokens": 9, "output_tokens": 1}"#]);
    assert_eq!(an_hour.usage.map(|usage| usage.get(CacheWrite1h)), Some(9));
}

#[test]
fn inner_calls_that_the_counts_leave_out_are_flagged() {
    let same =
        r#"{"input_tokens": 5, "output_tokens": 2, "iterations": [{"input_tokens": 5, "output_tokens": 2}]}"#;
    assert!(!anthropic(&[same]).total_mismatch);
    let more = r#"{"input_tokens": 5, "output_tokens": 2,
        "iterations": [{"input_tokens": 900, "output_tokens": 20}, {"input_tokens": 5, "output_tokens": 2}]}"#;
    assert!(anthropic(&[more]).total_mismatch);
}
