use domain::{CredentialId, Pico};
use metering::sample;

use super::*;

/// One attempt that failed after half a second, and one that was answered.
fn failed_over() -> Vec<UsageEvent> {
    let mut failed = sample::answered(sample::attempt(1), Pico::ZERO);
    failed.settlement.outcome = Outcome::Failed;
    failed.settlement.status = 503;
    failed.settlement.error = Some(ErrorCode::ProviderUnavailable);
    failed.settlement.usage = TokenUsage::default();
    failed.settlement.finish_reason = None;
    failed.settlement.first_byte_at = None;
    failed.settlement.ended_at = sample::ADMITTED_AT.plus_micros(500_000);
    let mut attempt = sample::attempt(1);
    attempt.id.attempt = 2;
    attempt.provider = "azure".to_owned();
    attempt.byok = Some(CredentialId::from_bits(1));
    attempt.attribution.session = Some("s-1".to_owned());
    let mut answered = sample::answered(attempt, Pico::new(9_007_199_254_740_993));
    let usage = answered.settlement.usage;
    answered.settlement.usage = usage.with(TokenClass::CachedInput, 7).with(TokenClass::Reasoning, 3);
    answered.settlement.first_byte_at = Some(sample::ADMITTED_AT.plus_micros(700_999));
    vec![failed, answered]
}

fn written(attempts: &[UsageEvent]) -> String {
    let name = |slug: &str| (slug == "openai").then_some("OpenAI");
    serde_json::to_string(&generation(attempts, name).unwrap()).unwrap()
}

fn read(attempts: &[UsageEvent]) -> serde_json::Value {
    serde_json::from_str(&written(attempts)).unwrap()
}

#[test]
fn money_is_written_digit_for_digit_beyond_what_a_float_holds() {
    let text = written(&failed_over());
    assert!(text.contains(r#""usage":9007.199254740993,"total_cost":9007.199254740993,"#), "{text}");
    assert!(text.contains(r#""cost":0}"#) && text.contains(r#""cost":9007.199254740993}"#), "{text}");
}

#[test]
fn the_last_attempt_says_who_answered_and_every_attempt_is_listed() {
    let mut json = read(&failed_over());
    let attempts = json["provider_responses"].take();
    let expected =
        serde_json::json!([[503, 500, "OpenAI", false, "failed"], [200, 200, "azure", true, "answered"],]);
    for (attempt, expected) in attempts.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        let fields = ["status", "latency", "provider_name", "is_byok", "outcome"];
        for (field, expected) in fields.iter().zip(expected.as_array().unwrap()) {
            assert_eq!(&attempt[field], expected, "{field} of {attempt}");
        }
    }
    let ids: Vec<String> = failed_over().iter().map(|event| event.attempt.id.to_string()).collect();
    assert_eq!([&attempts[0]["id"], &attempts[1]["id"]], [&ids[0], &ids[1]]);
    assert_eq!((&json["provider_name"], &json["is_byok"]), (&"azure".into(), &true.into()));
    assert_eq!((&json["latency"], &json["generation_time"]), (&700.into(), &299.into()));
    assert_eq!(json["session_id"], "s-1");
}

#[test]
fn tokens_are_the_sum_of_all_attempts_with_the_classes_apart() {
    let json = read(&failed_over());
    let tokens = [
        ("tokens_prompt", 107),
        ("native_tokens_prompt", 107),
        ("tokens_completion", 23),
        ("native_tokens_completion", 23),
        ("native_tokens_reasoning", 3),
        ("native_tokens_cached", 7),
        ("native_tokens_completion_images", 0),
    ];
    for (field, expected) in tokens {
        assert_eq!(json[field], expected, "{field}");
    }
    let mut twice = failed_over();
    twice[0] = twice[1].clone();
    assert_eq!(read(&twice)["tokens_prompt"], 214, "a charged attempt counts although another followed");
}

#[test]
fn what_no_event_says_is_null_and_there() {
    let json = read(&failed_over());
    for field in
        ["upstream_id", "cache_discount", "upstream_inference_cost", "moderation_latency", "external_user"]
    {
        assert!(json.as_object().unwrap().get(field).is_some_and(serde_json::Value::is_null), "{field}");
    }
    let mut failed = failed_over();
    failed.truncate(1);
    let json = read(&failed);
    assert!(
        json["finish_reason"].is_null() && json["latency"].is_null() && json["generation_time"].is_null()
    );
    assert_eq!((&json["total_cost"], &json["cancelled"]), (&0.into(), &false.into()));
}

#[test]
fn it_is_cancelled_when_the_app_left_and_not_when_the_node_was_restarted() {
    let mut attempts = failed_over();
    assert_eq!(read(&attempts)["cancelled"], false);
    attempts[1].settlement.outcome = Outcome::Cut;
    assert_eq!(read(&attempts)["cancelled"], true);
    attempts[1].settlement.error = Some(ErrorCode::ProviderOverloaded);
    assert_eq!(read(&attempts)["cancelled"], false);
}

#[test]
fn a_whole_answer_comes_at_once() {
    let mut attempts = failed_over();
    attempts[1].attempt.stream = false;
    let json = read(&attempts);
    assert!(json["generation_time"].is_null() && json["latency"] == 700 && json["streamed"] == false);
}

#[test]
fn the_id_is_found_in_any_query() {
    assert_eq!(id(Some("id=gen-1")), Some("gen-1"));
    assert_eq!(id(Some("verbose=1&id=gen-1&x=")), Some("gen-1"));
    for none in [None, Some(""), Some("id="), Some("xid=gen-1")] {
        assert_eq!(id(none), None);
    }
}

#[test]
fn no_attempts_are_no_generation() {
    assert!(generation(&[], |_| None).is_none());
}
