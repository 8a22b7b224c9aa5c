//! The Anthropic dialect as its SDKs read it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Stand, ask, messages, request};

fn asked(prompt: &str, extra: &Value) -> Value {
    let mut body = ask("claude-haiku-4-5", prompt, extra);
    if body.get("max_tokens").is_none() {
        body["max_tokens"] = json!(1000);
    }
    body
}

fn weather_tool() -> Value {
    json!([{"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}])
}

#[tokio::test]
async fn a_message_has_the_documented_shape() {
    let stand = Stand::start().await;
    let reply = stand.send(messages(&asked("hi", &json!({})))).await;
    assert!(reply.headers.contains_key("request-id"));
    let body = reply.json();
    assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!(body["model"], "claude-haiku-4-5-20251001");
    assert_eq!(body["content"], json!([{"type": "text", "text": "You said: hi"}]));
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    // 7 + 1 in, 3 words out: 8 × 1,000,000 + 6 × 5,000,000
    assert_eq!(stand.last_call().await["cost_pico"], "38000000");
}

#[tokio::test]
async fn events_come_in_the_documented_order() {
    let stand = Stand::start().await;
    let body = asked("hi", &json!({"stream": true}));
    let reply = stand.send(messages(&body)).await;
    let names: Vec<&str> = reply.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let mut expected = vec!["message_start", "content_block_start", "ping"];
    expected.extend(["content_block_delta"; 3]);
    expected.extend(["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(names, expected);
    let events = reply.events();
    assert!(events.iter().zip(&names).all(|(event, name)| event["type"] == *name));
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 8);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "You said: hi");
    let closing = &events[events.len() - 2];
    assert_eq!(
        (&closing["delta"]["stop_reason"], &closing["usage"]["output_tokens"]),
        (&json!("end_turn"), &json!(6))
    );
    assert_eq!(stand.last_call().await["cost_pico"], "38000000");
}

#[tokio::test]
async fn thinking_is_streamed_signed_and_billed_as_output() {
    let stand = Stand::start().await;
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let body = stand.send(messages(&asked("hi", &thinking))).await.json();
    let block = &body["content"][0];
    assert_eq!(block["type"], "thinking");
    assert!(!block["signature"].as_str().unwrap().is_empty());
    // "The user said: hi. I answer." is 6 words, "You said: hi" is 3.
    assert_eq!(body["usage"]["output_tokens"], 18);
    assert_eq!(stand.last_call().await["usage"]["reasoning"], 12);

    let mut body = asked("hi", &thinking);
    body["stream"] = json!(true);
    let events = stand.send(messages(&body)).await.events();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["delta"]["type"].as_str()).collect();
    let first_text = kinds.iter().position(|kind| *kind == "text_delta").unwrap();
    assert_eq!(kinds[first_text - 1], "signature_delta");
    assert!(kinds[..first_text - 1].iter().all(|kind| *kind == "thinking_delta"));
}

#[tokio::test]
async fn a_tool_is_called_in_fragments_and_its_result_answered() {
    let stand = Stand::start().await;
    let extra = json!({"tools": weather_tool(), "tool_choice": {"type": "any"}, "stream": true});
    let events = stand.send(messages(&asked("weather?", &extra))).await.events();
    let start = events.iter().find(|event| event["type"] == "content_block_start").unwrap();
    assert_eq!(
        (&start["content_block"]["type"], &start["content_block"]["input"]),
        (&json!("tool_use"), &json!({}))
    );
    let input: String = events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!(input, r#"{"city":"a city"}"#);
    let closing = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(closing["delta"]["stop_reason"], "tool_use");

    let named = json!({"tools": weather_tool(), "tool_choice": {"type": "tool", "name": "weather"}});
    let mut body = asked("weather?", &named);
    let called = stand.send(messages(&body)).await.json();
    assert_eq!(called["content"][0]["input"], json!({"city": "a city"}));
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": called["content"]}));
    let result = json!({"type": "tool_result", "tool_use_id": called["content"][0]["id"], "content": "rain"});
    turns.push(json!({"role": "user", "content": [result]}));
    let answered = stand.send(messages(&body)).await.json();
    assert_eq!(answered["content"][0]["text"], "The tool said: rain");
}

#[tokio::test]
async fn max_tokens_cuts_the_answer() {
    let stand = Stand::start().await;
    let body = stand.send(messages(&asked("one two three four", &json!({"max_tokens": 4})))).await.json();
    assert_eq!((&body["stop_reason"], &body["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(4)));
    assert_eq!(body["content"][0]["text"], "You said:");
}

#[tokio::test]
async fn errors_speak_the_dialect() {
    let stand = Stand::start().await;
    let body = asked("hi", &json!({})).to_string();
    let keyless =
        request(Method::POST, "/anthropic/v1/messages", &[("anthropic-version", "2023-06-01")], &body);
    let reply = stand.send(keyless).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json()["error"]["type"], "authentication_error");

    let unversioned = request(Method::POST, "/anthropic/v1/messages", &[("x-api-key", "k")], &body);
    assert_eq!(stand.send(unversioned).await.status, StatusCode::BAD_REQUEST);

    let uncapped = ask("claude-haiku-4-5", "hi", &json!({}));
    let reply = stand.send(messages(&uncapped)).await.json();
    assert_eq!(
        reply["error"],
        json!({"type": "invalid_request_error", "message": "max_tokens: Field required"})
    );

    let unknown = ask("gpt-4.1", "hi", &json!({"max_tokens": 5}));
    let reply = stand.send(messages(&unknown)).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["type"]),
        (StatusCode::NOT_FOUND, &json!("not_found_error"))
    );

    let reply = stand.send(messages(&asked("[[sandbox status=529]]", &json!({})))).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["type"]), (529, &json!("overloaded_error")));
}
