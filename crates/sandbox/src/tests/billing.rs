//! What each call costs, to the pico-dollar.

use http::Method;
use serde_json::json;

use super::harness::{Stand, ask, chat, messages, request};

/// Long enough for every scripted prompt here to stay under its body's length.
fn padded(directive: &str) -> String {
    format!("{directive} {}", "padding ".repeat(400))
}

#[tokio::test]
async fn an_unscripted_answer_is_billed_to_the_pico() {
    let stand = Stand::start().await;
    let reply = stand.send(chat("openai", &ask("gpt-4.1-mini", "hello big world", &json!({})))).await;
    let usage = &reply.json()["usage"];
    // 15 characters: 7 + 5 = 12 in; "You said: hello big world" is 5 words: 10 out.
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(12), &json!(10)));
    let call = stand.last_call().await;
    // 12 × 400,000 + 10 × 1,600,000
    assert_eq!(call["cost_pico"], "20800000");
    assert_eq!(
        (&call["state"], &call["status"], &call["site"]),
        (&json!("answered"), &json!(200), &json!("openai"))
    );
}

#[tokio::test]
async fn cached_and_reasoning_tokens_have_their_own_prices() {
    let stand = Stand::start().await;
    let directive =
        "[[sandbox prompt_tokens=1000 cached_tokens=600 completion_tokens=50 reasoning_tokens=20]]";
    let reply = stand.send(chat("openai", &ask("o4-mini", &padded(directive), &json!({})))).await;
    let usage = &reply.json()["usage"];
    assert_eq!(usage["prompt_tokens"], 1000);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 600);
    assert_eq!((&usage["completion_tokens"], &usage["total_tokens"]), (&json!(50), &json!(1050)));
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 20);
    let call = stand.last_call().await;
    let classes = json!({"input": 400, "cached_input": 600, "cache_write_5m": 0, "cache_write_1h": 0,
        "output": 30, "reasoning": 20});
    assert_eq!(call["usage"], classes);
    // 400 × 1,100,000 + 600 × 275,000 + 50 × 4,400,000
    assert_eq!(call["cost_pico"], "825000000");
}

#[tokio::test]
async fn anthropics_four_prompt_classes_have_their_own_prices() {
    let stand = Stand::start().await;
    let directive = "[[sandbox prompt_tokens=1000 cached_tokens=100 cache_write_5m=200 cache_write_1h=300 \
                     completion_tokens=7]]";
    let body = ask("claude-sonnet-4-5", &padded(directive), &json!({"max_tokens": 100}));
    let usage = stand.send(messages(&body)).await.json()["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(400), &json!(100)));
    assert_eq!(usage["cache_creation_input_tokens"], 500);
    assert_eq!(
        usage["cache_creation"],
        json!({"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 300})
    );
    // 400 × 3,000,000 + 100 × 300,000 + 200 × 3,750,000 + 300 × 6,000,000 + 7 × 15,000,000
    assert_eq!(stand.last_call().await["cost_pico"], "3885000000");
}

#[tokio::test]
async fn the_same_model_costs_more_at_the_site_that_retains_nothing() {
    let stand = Stand::start().await;
    let body = ask(
        "gpt-4.1-nano",
        &padded("[[sandbox prompt_tokens=100 cached_tokens=7 completion_tokens=3]]"),
        &json!({}),
    );
    stand.send(chat("zdr", &body)).await;
    // 93 × 125,000 + 7 × 31,250 + 3 × 500,000
    assert_eq!(stand.last_call().await["cost_pico"], "13343750");
    stand.send(chat("openai", &body)).await;
    // 93 × 100,000 + 7 × 25,000 + 3 × 400,000
    assert_eq!(stand.last_call().await["cost_pico"], "10675000");
    assert_eq!(stand.get("/_sandbox/meter").await["total_pico"], "24018750");
}

#[tokio::test]
async fn counts_stay_within_the_bounds_the_provider_was_sent() {
    let stand = Stand::start().await;
    let prompt = "[[sandbox prompt_tokens=999999 completion_tokens=999999]]";
    let body = ask("gpt-4.1", prompt, &json!({"max_tokens": 9}));
    let body_bytes = body.to_string().len();
    let reply = stand.send(chat("openai", &body)).await.json();
    assert_eq!(reply["usage"]["prompt_tokens"], body_bytes);
    assert_eq!(reply["usage"]["completion_tokens"], 9);
    assert_eq!(reply["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn the_meter_keeps_the_truth_when_the_report_lies() {
    let stand = Stand::start().await;
    let prompt = padded("[[sandbox prompt_tokens=100 completion_tokens=10 usage=absurd]]");
    let reply = stand.send(chat("openai", &ask("gpt-4.1", &prompt, &json!({})))).await.json();
    assert_eq!(reply["usage"]["prompt_tokens"], -5);
    // 100 × 2,000,000 + 10 × 8,000,000
    assert_eq!(stand.last_call().await["cost_pico"], "280000000");
    for (fault, count) in
        [("negative", json!(-5)), ("huge", json!(9_007_199_254_740_993_u64)), ("words", json!("many"))]
    {
        let prompt = padded(&format!("[[sandbox usage={fault}]]"));
        let reply = stand.send(chat("openai", &ask("gpt-4.1", &prompt, &json!({})))).await.json();
        assert_eq!(reply["usage"]["prompt_tokens"], count);
    }
    let prompt = padded("[[sandbox usage=none]]");
    let reply = stand.send(chat("openai", &ask("gpt-4.1", &prompt, &json!({})))).await.json();
    assert!(reply.get("usage").is_none());
}

#[tokio::test]
async fn refusals_bill_nothing() {
    let stand = Stand::start().await;
    for (status, state) in [(400, "refused"), (429, "refused"), (500, "failed"), (529, "failed")] {
        let prompt = format!("[[sandbox status={status}]]");
        let reply = stand.send(chat("openai", &ask("gpt-4.1", &prompt, &json!({})))).await;
        assert_eq!(reply.status, status);
        let call = stand.last_call().await;
        assert_eq!((&call["state"], &call["status"]), (&json!(state), &json!(status)));
        assert_eq!((&call["cost_pico"], &call["model"]), (&json!("0"), &json!("gpt-4.1")));
    }
    let stats = stand.get("/_sandbox/stats").await;
    assert_eq!((&stats["calls"], &stats["refused"], &stats["failed"]), (&json!(4), &json!(2), &json!(2)));
}

#[tokio::test]
async fn calls_are_found_by_the_client_request_id() {
    let stand = Stand::start().await;
    let body = ask("gpt-4.1-mini", "hi", &json!({})).to_string();
    for id in ["a.1", "a.2", "a.1"] {
        let headers = [("authorization", "Bearer secret-key-1234"), ("x-client-request-id", id)];
        stand.send(request(Method::POST, "/openai/v1/chat/completions", &headers, &body)).await;
    }
    let meter = stand.get("/_sandbox/meter?id=a.1").await;
    let seqs: Vec<u64> =
        meter["calls"].as_array().unwrap().iter().map(|call| call["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 3]);
    assert_eq!(stand.get("/_sandbox/meter?since=2").await["calls"][0]["id"], "a.1");
    let seen = stand.get("/_sandbox/requests?id=a.2").await;
    let seen = &seen["requests"][0];
    assert_eq!((&seen["body"], &seen["path"]), (&json!(body), &json!("/openai/v1/chat/completions")));
    assert_eq!(seen["headers"]["authorization"], "Bearer ***1234");
}

#[tokio::test]
async fn clearing_the_meter_keeps_counting_onwards() {
    let stand = Stand::start().await;
    let body = ask("gpt-4.1-mini", "hi", &json!({}));
    stand.send(chat("openai", &body)).await;
    stand.delete("/_sandbox/meter").await;
    assert_eq!(stand.get("/_sandbox/meter").await, json!({"calls": [], "total_pico": "0"}));
    stand.send(chat("openai", &body)).await;
    assert_eq!(stand.last_call().await["seq"], 2);
}
