//! The OpenAI dialect as its SDKs read it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Stand, ask, chat, request};

fn streamed(prompt: &str, extra: &Value) -> Value {
    let mut body = ask("gpt-4.1-mini", prompt, extra);
    body["stream"] = json!(true);
    body
}

fn weather_tool() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}}}])
}

#[tokio::test]
async fn a_completion_has_the_documented_shape() {
    let stand = Stand::start().await;
    let reply = stand.send(chat("openai", &ask("gpt-4.1-mini", "hi", &json!({})))).await;
    assert!(reply.headers.contains_key("x-request-id"));
    let body = reply.json();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "gpt-4.1-mini-2025-04-14");
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["content"], "You said: hi");
    assert_eq!((&choice["finish_reason"], &choice["message"]["role"]), (&json!("stop"), &json!("assistant")));
}

#[tokio::test]
async fn a_stream_adds_up_to_the_same_text_and_bill() {
    let stand = Stand::start().await;
    let body = streamed("hello big world", &json!({"stream_options": {"include_usage": true}}));
    let reply = stand.send(chat("openai", &body)).await;
    assert_eq!(reply.headers["content-type"], "text/event-stream; charset=utf-8");
    assert!(reply.text.ends_with("data: [DONE]\n\n") && reply.is_whole);
    let events = reply.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "You said: hello big world");
    let (last, before) = events.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["completion_tokens"]), (&json!([]), &json!(10)));
    assert_eq!(before.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert!(before.iter().all(|event| event["usage"].is_null()));
    let call = stand.last_call().await;
    assert_eq!((&call["state"], &call["stream"]), (&json!("answered"), &json!(true)));
    assert_eq!((&call["cost_pico"], &call["streamed_pico"]), (&json!("20800000"), &json!("20800000")));
}

#[tokio::test]
async fn a_stream_reports_no_usage_unless_asked() {
    let stand = Stand::start().await;
    let reply = stand.send(chat("openai", &streamed("hi", &json!({})))).await;
    assert!(!reply.text.contains("usage"), "{}", reply.text);
    assert!(reply.events().iter().all(|event| event["choices"][0].is_object()), "no chunk for usage alone");
    assert!(reply.text.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn every_choice_of_a_stream_is_sent_and_billed() {
    let stand = Stand::start().await;
    let body = streamed(
        "hi [[sandbox completion_tokens=9]]",
        &json!({"n": 2, "stream_options": {"include_usage": true}}),
    );
    let events = stand.send(chat("openai", &body)).await.events();
    for index in 0..2 {
        let deltas = events.iter().filter(|event| event["choices"][0]["index"] == index);
        let text: String =
            deltas.filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "You said: hi");
    }
    assert_eq!(events.last().unwrap()["usage"]["completion_tokens"], 18);
}

#[tokio::test]
async fn a_forced_tool_is_called_and_its_result_answered() {
    let stand = Stand::start().await;
    let named = json!({"type": "function", "function": {"name": "weather"}});
    for choice in [json!("required"), named] {
        let body = ask("gpt-4.1", "weather?", &json!({"tools": weather_tool(), "tool_choice": choice}));
        let reply = stand.send(chat("openai", &body)).await.json();
        let choice = &reply["choices"][0];
        assert_eq!(
            (&choice["finish_reason"], &choice["message"]["content"]),
            (&json!("tool_calls"), &Value::Null)
        );
        let call = &choice["message"]["tool_calls"][0];
        assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
        assert_eq!(call["function"]["arguments"], r#"{"city":"a city","days":1}"#);
    }
    let mut body = ask("gpt-4.1", "weather?", &json!({"tools": weather_tool(), "tool_choice": "required"}));
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "tool_calls": []}));
    turns.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "sunny"}));
    let reply = stand.send(chat("openai", &body)).await.json();
    assert_eq!(reply["choices"][0]["message"]["content"], "The tool said: sunny");
}

#[tokio::test]
async fn streamed_tool_arguments_come_in_fragments() {
    let stand = Stand::start().await;
    let body = streamed("weather?", &json!({"tools": weather_tool(), "tool_choice": "required"}));
    let events = stand.send(chat("openai", &body)).await.events();
    let calls: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| call.is_object())
        .collect();
    assert_eq!((&calls[0]["function"]["name"], &calls[0]["index"]), (&json!("weather"), &json!(0)));
    assert!(calls[0]["id"].as_str().unwrap().starts_with("call_") && calls[1].get("id").is_none());
    assert!(calls.len() > 3, "{calls:?}");
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, r#"{"city":"a city","days":1}"#);
}

#[tokio::test]
async fn json_answers_follow_the_schema() {
    let stand = Stand::start().await;
    let schema = json!({"type": "object", "properties": {"score": {"type": "integer"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    let body = ask("gpt-4.1", "rate", &json!({"response_format": format}));
    let reply = stand.send(chat("openai", &body)).await.json();
    assert_eq!(reply["choices"][0]["message"]["content"], r#"{"score":1}"#);
}

#[tokio::test]
async fn errors_speak_the_dialect() {
    let stand = Stand::start().await;
    let body = ask("gpt-4.1-mini", "hi", &json!({})).to_string();
    let keyless =
        request(Method::POST, "/openai/v1/chat/completions", &[("authorization", "Bearer ")], &body);
    let reply = stand.send(keyless).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json()["error"]["code"], "invalid_api_key");
    assert_eq!(stand.last_call().await["state"], "refused");

    let reply = stand.send(chat("zdr", &ask("gpt-4.1", "hi", &json!({})))).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.json()["error"]["code"], "model_not_found");

    let reply = stand.send(chat("openai", &ask("o4-mini", "hi", &json!({"max_tokens": 5})))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"]["code"], "unsupported_parameter");

    let reply = stand.send(chat("openai", &json!({"model": "gpt-4.1", "messages": []}))).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["param"]), (400, &json!("messages")));

    let reply = stand
        .send(chat(
            "openai",
            &ask("gpt-4.1", "[[sandbox status=429 retry_after=3 message=\"slow down\"]]", &json!({})),
        ))
        .await;
    assert_eq!(reply.headers["retry-after"], "3");
    assert_eq!(reply.json()["error"]["message"], "slow down");
}

#[tokio::test]
async fn models_and_policies_can_be_read() {
    let stand = Stand::start().await;
    let headers = [("authorization", "Bearer k")];
    let list = stand.send(request(Method::GET, "/zdr/v1/models", &headers, "")).await.json();
    let names: Vec<&str> =
        list["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(names, ["gpt-4.1-mini", "gpt-4.1-nano"]);
    let refused = stand.send(request(Method::GET, "/zdr/v1/models", &[], "")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);

    let page = stand.send(request(Method::GET, "/policies/zdr", &[], "")).await.text;
    assert!(page.contains("Zero data retention") && page.contains("2026-11-01"));
    let page = stand.send(request(Method::GET, "/policies/openai", &[], "")).await.text;
    assert!(page.contains("30 days") && !page.contains("Zero data retention"));
    let missing = stand.send(request(Method::GET, "/policies/nobody", &[], "")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
