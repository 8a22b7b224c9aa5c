use domain::model::Dialect;

use super::*;
use crate::golden::{bill, context};
use crate::{ChatStream, chat_answer};

fn target(base_url: &'static str, output_cap: Option<u32>) -> Target<'static> {
    Target { base_url, upstream_model: "up", credential: "secret", event_id: "req_1.1", output_cap }
}

fn sent(fields: &str, target: &Target<'_>) -> String {
    let body = format!(r#"{{"messages":[{{"role":"user","content":"x"}}],{fields}}}"#);
    let request = ChatRequest::parse(&Bytes::from(body)).unwrap_or_else(|refused| panic!("{refused}"));
    let sent = chat_request(&request, target).unwrap_or_else(|refused| panic!("{refused}"));
    String::from_utf8(sent.body.to_vec()).expect("UTF-8")
}

const MESSAGES: &str = r#""messages":[{"role":"user","content":"x"}]"#;

#[test]
fn unknown_fields_survive_byte_for_byte() {
    let unknown = r#""x_unknown":{"kept": [1, 2.50, "\u0041"],   "big": 12345678901234567890123}"#;
    let body = sent(unknown, &target("https://api.openai.com/v1", None));
    assert_eq!(body, format!(r#"{{"model":"up",{MESSAGES},{unknown}}}"#));
}

#[test]
fn one_field_caps_the_output_and_its_name_is_one_the_host_knows() {
    let both = r#""max_tokens":9,"max_completion_tokens":8"#;
    for (host, fields, cap, expected) in [
        ("https://api.openai.com/v1", r#""max_tokens":9"#, Some(5), r#""max_completion_tokens":5"#),
        ("https://api.openai.com/v1", r#""max_tokens":9"#, None, r#""max_completion_tokens":9"#),
        ("https://api.openai.com/v1", both, None, r#""max_completion_tokens":8"#),
        ("https://h.example/v1", r#""max_tokens":9"#, Some(5), r#""max_tokens":5"#),
        ("https://h.example/v1", r#""max_completion_tokens":9"#, Some(5), r#""max_completion_tokens":5"#),
        ("https://h.example/v1", r#""seed":1"#, Some(5), r#""seed":1,"max_tokens":5"#),
        ("https://h.example/v1", both, None, both),
        ("https://api.openai.com.evil.example/v1", r#""max_tokens":9"#, None, r#""max_tokens":9"#),
    ] {
        let body = sent(fields, &target(host, cap));
        assert_eq!(body, format!(r#"{{"model":"up",{MESSAGES},{expected}}}"#), "{host} {fields}");
    }
}

#[test]
fn reasoning_models_are_never_sent_the_old_name_of_the_cap() {
    for (model, old) in [("o4-mini", false), ("gpt-5-mini", false), ("gpt-4.1", true), ("olmo-2", true)] {
        let body =
            sent(r#""seed":1"#, &Target { upstream_model: model, ..target("https://h.example/v1", Some(5)) });
        assert_eq!(body.contains(r#""max_tokens":5"#), old, "{model}");
        assert_eq!(body.contains(r#""max_completion_tokens":5"#), !old, "{model}");
    }
}

#[test]
fn a_stream_always_asks_for_usage() {
    let body = sent(r#""stream":true"#, &target("https://h.example/v1", None));
    assert!(body.ends_with(r#""stream":true,"stream_options":{"include_usage":true}}"#), "{body}");
    let body = sent(
        r#""stream":false,"stream_options":{"include_usage":true}"#,
        &target("https://h.example/v1", None),
    );
    assert!(!body.contains("stream_options"), "refused without a stream: {body}");
}

#[test]
fn declared_metadata_goes_on_only_with_what_is_stored() {
    let target = target("https://h.example/v1", None);
    assert!(!sent(r#""metadata":{"a":"b"}"#, &target).contains("metadata"));
    assert!(sent(r#""metadata":{"a":"b"},"store":true"#, &target).contains(r#""metadata":{"a":"b"}"#));
}

#[test]
fn a_credential_is_marked_sensitive_and_one_that_cannot_be_sent_is_refused() {
    let body = Bytes::from(format!("{{{MESSAGES}}}"));
    let request = ChatRequest::parse(&body).unwrap_or_else(|refused| panic!("{refused}"));
    let mut target = target("https://api.openai.com/v1", None);
    let sent = chat_request(&request, &target).unwrap_or_else(|refused| panic!("{refused}"));
    let authorization = sent.headers.get(AUTHORIZATION).expect("there");
    assert!(authorization.is_sensitive());
    assert_eq!(authorization, "Bearer secret");
    assert_eq!(sent.headers.get("x-client-request-id").expect("there"), "req_1.1");
    target.credential = "with\na line break";
    let refused = chat_request(&request, &target).err();
    assert_eq!(refused, Some(TranslateError::Unsendable { what: "credential" }));
}

#[test]
fn another_models_thinking_does_not_leave_and_the_rest_of_the_message_stays() {
    let body = r#"{"messages":[{"role":"assistant","content":"a","reasoning":"r","reasoning_content":"c","reasoning_details":[1],"x":1.0},{"role":"user","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}]}"#;
    let request = ChatRequest::parse(&Bytes::from(body)).unwrap_or_else(|refused| panic!("{refused}"));
    for (host, kept) in
        [("https://api.openai.com/v1", ""), ("https://h.example/v1", r#""reasoning_content":"c","#)]
    {
        let sent = chat_request(&request, &target(host, None)).unwrap_or_else(|refused| panic!("{refused}"));
        let expected = format!(
            r#"{{"model":"up","messages":[{{"role":"assistant","content":"a",{kept}"x":1.0}},{{"role":"user","content":[{{"type":"text","text":"b"}}]}}]}}"#
        );
        assert_eq!(std::str::from_utf8(&sent.body), Ok(expected.as_str()));
    }
}

#[test]
fn an_answer_keeps_unknown_fields_byte_for_byte() {
    let body = r#"{"id":"1","x_host": {"a": 1.50},"choices":[{"index":0,"message":{"role":"assistant","content":"\u00e9","x": [ 1 ]},"finish_reason":"eos"}],"usage":null}"#;
    let answer =
        chat_answer(Dialect::OpenAi, &Bytes::from(body), false).unwrap_or_else(|error| panic!("{error}"));
    let written = answer.write(&context(), &bill(&answer.reported));
    let text = std::str::from_utf8(&written).expect("UTF-8");
    for kept in [
        r#""x_host":{"a": 1.50}"#,
        r#""message":{"role":"assistant","content":"\u00e9","x": [ 1 ]}"#,
        r#""finish_reason":"stop","native_finish_reason":"eos""#,
        r#""system_fingerprint":null"#,
        r#""created":1790000000"#,
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[test]
fn thinking_is_left_out_where_the_app_does_not_want_it() {
    let context = crate::AnswerContext { exclude_reasoning: true, ..context() };
    let mut stream = ChatStream::new(Dialect::OpenAi, &context);
    let mut chunks = Vec::new();
    let event =
        r#"data: {"choices":[{"index":0,"delta":{"reasoning":"hm","content":"yes"},"finish_reason":null}]}"#;
    let fed = stream.feed(format!("{event}\n\n").as_bytes(), &mut chunks);
    assert!(fed.is_ok());
    let text = String::from_utf8(chunks.remove(0).bytes.to_vec()).expect("UTF-8");
    assert!(text.contains(r#""delta":{"content":"yes"}"#), "{text}");
    assert_eq!(stream.progress().text_bytes, 5, "it is counted all the same");
}

#[test]
fn an_error_in_a_good_answer_is_an_error() {
    let body = Bytes::from_static(br#"{"error":{"message":"no","code":429},"choices":[]}"#);
    let error = chat_answer(Dialect::OpenAi, &body, false).err().map(|error| error.code);
    assert_eq!(error, Some(domain::ErrorCode::RateLimitExceeded));
}
