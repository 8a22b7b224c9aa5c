//! Where knobs come from and which wins.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Stand, ask, chat, request};

async fn said(stand: &Stand, site: &str, prompt: &str) -> Value {
    let reply = stand.send(chat(site, &ask("gpt-4.1-mini", prompt, &json!({})))).await;
    reply.json()["choices"][0]["message"]["content"].clone()
}

async fn status(stand: &Stand, site: &str, prompt: &str) -> u16 {
    stand.send(chat(site, &ask("gpt-4.1-mini", prompt, &json!({})))).await.status.as_u16()
}

#[tokio::test]
async fn a_directive_may_count_on_one_site_only() {
    let stand = Stand::start().await;
    let prompt = "hi [[sandbox site=openai status=503]][[sandbox site=zdr reply=\"from zdr\"]]";
    assert_eq!(status(&stand, "openai", prompt).await, 503);
    assert_eq!(said(&stand, "zdr", prompt).await, "from zdr");
}

#[tokio::test]
async fn a_directive_is_not_echoed() {
    let stand = Stand::start().await;
    assert_eq!(said(&stand, "openai", "hi [[sandbox latency_ms=1]]").await, "You said: hi");
    let parts = json!([{"type": "text", "text": "look [[sandbox chunks=1]]"}, {"type": "image_url", "image_url": {}}]);
    let body = json!({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": parts}]});
    let reply = stand.send(chat("openai", &body)).await.json();
    assert_eq!(reply["choices"][0]["message"]["content"], "You said: look");
}

#[tokio::test]
async fn only_the_last_user_message_directs() {
    let stand = Stand::start().await;
    let body = json!({"model": "gpt-4.1-mini", "messages": [
        {"role": "user", "content": "[[sandbox status=500]]"},
        {"role": "assistant", "content": "what?"},
        {"role": "user", "content": "again"},
    ]});
    assert_eq!(stand.send(chat("openai", &body)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn prompt_wins_over_header_and_header_over_run() {
    let stand = Stand::start().await;
    stand.set_knobs(&json!({"*": {"reply": "run", "finish": "run"}})).await;
    let headers =
        [("authorization", "Bearer k"), ("x-sandbox", "reply=the header; finish=header; site=openai")];
    let send = async |prompt: &str| {
        let body = ask("gpt-4.1-mini", prompt, &json!({})).to_string();
        let reply =
            stand.send(request(Method::POST, "/openai/v1/chat/completions", &headers, &body)).await.json();
        let choice = &reply["choices"][0];
        (choice["message"]["content"].clone(), choice["finish_reason"].clone())
    };
    assert_eq!(send("[[sandbox reply=prompt]]").await, (json!("prompt"), json!("header")));
    assert_eq!(send("plain").await, (json!("the header"), json!("header")));
    assert_eq!(said(&stand, "openai", "plain").await, "run");
}

#[tokio::test]
async fn a_run_of_failures_ends_after_its_times() {
    let stand = Stand::start().await;
    stand.set_knobs(&json!({"openai": {"status": 503, "times": 2}})).await;
    assert_eq!(status(&stand, "zdr", "hi").await, 200);
    assert_eq!(status(&stand, "openai", "hi").await, 503);
    assert_eq!(stand.get("/_sandbox/knobs").await, json!({"openai": {"status": "503", "times": 1}}));
    assert_eq!(status(&stand, "openai", "hi").await, 503);
    assert_eq!(status(&stand, "openai", "hi").await, 200);
}

#[tokio::test]
async fn knobs_of_a_run_can_be_cleared() {
    let stand = Stand::start().await;
    stand.set_knobs(&json!({"*": {"status": 500}})).await;
    assert_eq!(status(&stand, "openai", "hi").await, 500);
    stand.delete("/_sandbox/knobs").await;
    assert_eq!(status(&stand, "openai", "hi").await, 200);
}

#[tokio::test]
async fn a_mistyped_knob_is_refused_wherever_it_stands() {
    let stand = Stand::start().await;
    let reply =
        stand.send(chat("openai", &ask("gpt-4.1-mini", "[[sandbox site=zdr stauts=500]]", &json!({})))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"]["message"], "sandbox: unknown knob `stauts`");
    assert_eq!(status(&stand, "openai", "[[sandbox site=mars]]").await, 400);
    assert_eq!(stand.set_knobs(&json!({"mars": {}})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn chunks_and_tools_are_scripted() {
    let stand = Stand::start().await;
    let body = ask("gpt-4.1-mini", "[[sandbox chunks=30]]", &json!({"stream": true}));
    let events = stand.send(chat("openai", &body)).await.events();
    let contents = events.iter().filter(|event| {
        event["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty())
    });
    assert_eq!(contents.count(), 30);
    let prompt = r#"[[sandbox tool=f tool_args={"a":[1,"]]"]}]]"#;
    let reply = stand.send(chat("openai", &ask("gpt-4.1-mini", prompt, &json!({})))).await.json();
    let call = &reply["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({"name": "f", "arguments": r#"{"a":[1,"]]"]}"#}));
}
