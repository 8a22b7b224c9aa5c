use domain::model::Dialect;
use serde_json::{Value, json};

use super::*;
use crate::golden::{bill, context};
use crate::{AnswerContext, ChatStream, chat_answer};

fn translated(body: &Value, output_cap: Option<u32>) -> Result<Value, TranslateError> {
    let request =
        ChatRequest::parse(&Bytes::from(body.to_string())).unwrap_or_else(|refused| panic!("{refused}"));
    let target = Target {
        base_url: "https://api.anthropic.com/v1",
        upstream_model: "up",
        credential: "secret",
        event_id: "req_1.1",
        output_cap,
    };
    let sent = chat_request(&request, &target)?;
    Ok(serde_json::from_slice(&sent.body).expect("JSON"))
}

fn asked(fields: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "x"}]});
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn budget(fields: Value, output_cap: Option<u32>) -> Value {
    translated(&asked(fields), output_cap).unwrap_or_else(|refused| panic!("{refused}"))["thinking"]["budget_tokens"].clone()
}

#[test]
fn effort_becomes_a_share_of_the_cap_and_never_raises_it() {
    assert_eq!(budget(json!({"reasoning": {"effort": "high"}}), Some(10_000)), 8000);
    assert_eq!(budget(json!({"reasoning_effort": "low"}), Some(2000)), 1024, "the least");
    assert_eq!(budget(json!({"reasoning": {"effort": "max"}}), Some(1_000_000)), 128_000, "the most");
    assert_eq!(budget(json!({"reasoning": {"enabled": true}}), Some(10_000)), 5000);
    assert_eq!(budget(json!({"reasoning": {"max_tokens": 3000}}), Some(10_000)), 3000);
    assert_eq!(budget(json!({"reasoning": {"max_tokens": 30_000}}), Some(10_000)), 9999);
    for (fields, cap) in [
        (json!({"reasoning": {"effort": "high"}}), 1024),
        (json!({"reasoning": {"effort": "none"}}), 10_000),
        (json!({"reasoning": {"enabled": false, "effort": "high"}}), 10_000),
        (json!({"reasoning": {"exclude": true}}), 10_000),
        (json!({}), 10_000),
    ] {
        assert_eq!(budget(fields, Some(cap)), Value::Null);
    }
}

#[test]
fn thinking_is_not_asked_for_where_this_provider_would_refuse_it() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let thinking = |fields: Value| {
        let mut fields = fields;
        fields["reasoning"] = json!({"effort": "high"});
        fields["tools"] = tools.clone();
        budget(fields, Some(10_000))
    };
    assert_eq!(thinking(json!({"tool_choice": "auto"})), 8000);
    assert_eq!(thinking(json!({"tool_choice": "required"})), Value::Null);
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = json!({"role": "tool", "tool_call_id": "1", "content": "y"});
    let user = json!({"role": "user", "content": "x"});
    let unsigned = json!({"role": "assistant", "tool_calls": [call]});
    assert_eq!(thinking(json!({"messages": [user, unsigned, result]})), Value::Null);
    let mut signed = unsigned;
    signed["reasoning_details"] =
        json!([{"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-claude-v1"}]);
    assert_eq!(thinking(json!({"messages": [user, signed, result]})), 8000);
    let prefill = json!({"role": "assistant", "content": "The"});
    assert_eq!(thinking(json!({"messages": [user, prefill]})), Value::Null);
}

#[test]
fn what_cannot_be_said_is_refused_by_the_fields_name() {
    let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let cases = [
        (asked(json!({"n": 2})), "n"),
        (asked(json!({"modalities": ["audio"]})), "modalities"),
        (asked(json!({"web_search_options": {}})), "web_search_options"),
        (asked(json!({"functions": [{}]})), "functions"),
        (asked(json!({"stop": ["\n"]})), "stop"),
        (asked(json!({"response_format": {"type": "grammar", "grammar": "x"}})), "response_format.type"),
        (asked(json!({"tools": [{"type": "custom", "custom": {}}]})), "tools[0].type"),
        (user(json!({"type": "video_url", "video_url": {"url": "https://x"}})), "messages[0].content[0]"),
        (
            user(json!({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})),
            "messages[0].content[0]",
        ),
        (
            user(json!({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA"}})),
            "messages[0].content[0]",
        ),
        (
            user(json!({"type": "image_url", "image_url": {"url": "data:image/png,raw"}})),
            "messages[0].content[0]",
        ),
        (user(json!({"type": "file", "file": {"file_id": "file-1"}})), "messages[0].content[0]"),
        (json!({"messages": [{"role": "user", "content": " "}]}), "messages"),
        (json!({"messages": [{"role": "function", "name": "f", "content": "x"}]}), "messages[0].role"),
        (
            json!({"messages": [{"role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "[1"}}]}]}),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ];
    for (body, expected) in cases {
        match translated(&body, None) {
            Err(TranslateError::Unsupported { field, .. }) => assert_eq!(field, expected, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_persons_name_or_address_never_leaves_as_a_user_id() {
    let user_id =
        |user: &str| translated(&asked(json!({"user": user})), None).map(|body| body["metadata"].clone());
    for user in ["ada", "ada@example.org", "ada_lovelace_of_london", "Ada Lovelace 1815 1852"] {
        assert_eq!(user_id(user), Ok(Value::Null), "{user}");
    }
    let uuid = "5f0c6c1e-8d4b-4a57-9f53-2f4a1f0e7b11";
    assert_eq!(user_id(uuid), Ok(json!({"user_id": uuid})));
}

#[test]
fn thinking_goes_round_byte_for_byte() {
    let blocks = r#"{"type":"thinking","thinking":"a \u00e9\n\"b\" \/","signature":"c2ln\/+=="},{"type":"redacted_thinking","data":"b3Bh\/=="}"#;
    let answer = format!(
        r#"{{"type":"message","content":[{blocks},{{"type":"tool_use","id":"t1","name":"f","input":{{"k": 1.0}}}}],"stop_reason":"tool_use","usage":{{"input_tokens":1,"output_tokens":1}}}}"#
    );
    let answer =
        chat_answer(Dialect::Anthropic, &Bytes::from(answer), false).unwrap_or_else(|e| panic!("{e}"));
    let written = answer.write(&context(), &bill(&answer.reported));
    let choices = Fields::of(serde_json::from_slice(&written).expect("JSON")).expect("an object");
    let choice =
        Fields::of(elements(choices.get("choices").expect("there")).expect("an array")[0]).expect("a choice");
    let message = choice.get("message").expect("a message").get();

    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"x"}},{message},{{"role":"tool","tool_call_id":"t1","content":"y"}}]}}"#
    );
    let request = ChatRequest::parse(&Bytes::from(body)).unwrap_or_else(|refused| panic!("{refused}"));
    let target = Target {
        base_url: "https://api.anthropic.com/v1",
        upstream_model: "up",
        credential: "secret",
        event_id: "req_1.1",
        output_cap: None,
    };
    let sent = chat_request(&request, &target).unwrap_or_else(|refused| panic!("{refused}"));
    let sent = std::str::from_utf8(&sent.body).expect("UTF-8");
    assert!(sent.contains(blocks), "{blocks}\nin {sent}");
    assert!(sent.contains(r#""input":{"k": 1.0}"#), "{sent}");
}

#[test]
fn thinking_is_left_out_where_the_app_does_not_want_it_and_counted_all_the_same() {
    let context = AnswerContext { exclude_reasoning: true, ..context() };
    let mut stream = ChatStream::new(Dialect::Anthropic, &context);
    let mut chunks = Vec::new();
    let (_, path) = crate::golden::files("anthropic", "tool_use.sse").remove(0);
    stream.feed(&std::fs::read(path).expect("readable"), &mut chunks).expect("a good stream");
    let text: String =
        chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.bytes).into_owned()).collect();
    assert!(!text.contains("reasoning") && text.contains("toolu_1"), "{text}");
    assert_eq!(stream.progress().text_bytes, 14 + 7 + 8 + 8 + 3 + 2);
}
