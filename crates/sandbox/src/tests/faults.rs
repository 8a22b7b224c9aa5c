//! Clients that leave, providers that break off, and what either is billed.

use http::StatusCode;
use serde_json::{Value, json};

use super::harness::{Stand, ask, chat, messages};

/// Five chunks, 100 tokens in, 50 out, at gpt-4.1-mini's 0.40 and 1.60.
fn scripted(knobs: &str, stream: bool) -> Value {
    let prompt = format!(
        "[[sandbox reply=\"a b c d e\" prompt_tokens=100 completion_tokens=50 {knobs}]] {}",
        "padding ".repeat(20)
    );
    ask("gpt-4.1-mini", &prompt, &json!({"stream": stream}))
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_pays_for_what_was_sent() {
    let stand = Stand::start().await;
    let mut ongoing = stand.open(chat("openai", &scripted("stall_after=2", true))).await;
    ongoing.read_to(r#""content":" b""#).await;
    let open = stand.last_call().await;
    assert_eq!((&open["state"], &open["ended_ms"]), (&json!("open"), &Value::Null));
    assert_eq!(stand.get("/_sandbox/stats").await["open_streams"], 1);
    ongoing.leave();
    let call = stand.last_call_when("cut").await;
    // 100 × 400,000 + 20 × 1,600,000
    assert_eq!((&call["cost_pico"], &call["streamed_pico"]), (&json!("72000000"), &json!("72000000")));
    assert_eq!(call["usage"]["output"], 20);
    let stats = stand.get("/_sandbox/stats").await;
    assert_eq!((&stats["open_streams"], &stats["cut"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn a_stream_cut_before_its_first_chunk_bills_the_prompt() {
    let stand = Stand::start().await;
    let mut ongoing = stand.open(chat("openai", &scripted("stall_after=0", true))).await;
    ongoing.read_to(r#""role":"assistant""#).await;
    ongoing.leave();
    assert_eq!(stand.last_call_when("cut").await["cost_pico"], "40000000");
}

#[tokio::test]
async fn a_stream_whose_first_event_claims_output_bills_at_least_that() {
    let stand = Stand::start().await;
    let prompt = r#"[[sandbox reply="a b" completion_tokens=50 stall_after=0]]"#;
    let body = ask("claude-haiku-4-5", prompt, &json!({"stream": true, "max_tokens": 100}));
    let mut ongoing = stand.open(messages(&body)).await;
    ongoing.read_to("message_start").await;
    ongoing.leave();
    let call = stand.last_call_when("cut").await;
    assert_eq!(call["usage"]["output"], 1);
    assert_eq!(call["cost_pico"], call["streamed_pico"]);
}

#[tokio::test]
async fn a_provider_that_bills_on_bills_a_stream_in_full_that_was_cut() {
    let stand = Stand::start().await;
    let mut ongoing = stand.open(chat("openai", &scripted("stall_after=2 bills_on=true", true))).await;
    ongoing.read_to(r#""content":" b""#).await;
    ongoing.leave();
    let call = stand.last_call_when("cut").await;
    // 100 × 400,000 + 50 × 1,600,000
    assert_eq!((&call["cost_pico"], &call["streamed_pico"]), (&json!("120000000"), &json!("72000000")));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_pays_in_full() {
    let stand = Stand::start().await;
    let waiting = stand.begin(chat("openai", &scripted("latency_ms=600000", false)));
    while stand.get("/_sandbox/stats").await["open"] != 1 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    let call = stand.last_call_when("cut").await;
    // 100 × 400,000 + 50 × 1,600,000
    assert_eq!((&call["cost_pico"], &call["streamed_pico"]), (&json!("120000000"), &json!("40000000")));
}

#[tokio::test]
async fn a_reset_breaks_the_body_after_the_chunks_sent() {
    let stand = Stand::start().await;
    let reply = stand.send(chat("openai", &scripted("reset_after=3", true))).await;
    assert!(!reply.is_whole, "no regular end: {}", reply.text);
    assert_eq!(reply.events().len(), 4, "the opening and three chunks");
    let call = stand.last_call_when("failed").await;
    // 100 × 400,000 + 30 × 1,600,000
    assert_eq!((&call["cost_pico"], &call["status"]), (&json!("88000000"), &json!(200)));
    let whole = stand.send(chat("openai", &scripted("reset_after=1", false))).await;
    assert!(!whole.is_whole && !whole.text.is_empty());
}

#[tokio::test]
async fn an_error_in_the_stream_speaks_the_dialect() {
    let stand = Stand::start().await;
    let reply = stand.send(chat("openai", &scripted("error_in_stream=2 message=oops", true))).await;
    assert!(reply.is_whole && !reply.text.contains("[DONE]"));
    let events = reply.events();
    let error = &events.last().unwrap()["error"];
    assert_eq!((&error["message"], &error["type"]), (&json!("oops"), &json!("server_error")));
    assert_eq!(stand.last_call_when("failed").await["cost_pico"], "72000000");

    let body = ask(
        "claude-haiku-4-5",
        "[[sandbox error_in_stream=true]]",
        &json!({"stream": true, "max_tokens": 50}),
    );
    let reply = stand.send(messages(&body)).await;
    assert!(reply.text.contains("event: error\n"), "{}", reply.text);
    assert_eq!(reply.events().last().unwrap()["error"]["type"], "overloaded_error");
}

#[tokio::test]
async fn malformed_streams_break_as_named() {
    let stand = Stand::start().await;
    let truncated = stand.send(chat("openai", &scripted("malformed=truncated", true))).await;
    assert!(truncated.is_whole && !truncated.text.contains("[DONE]") && !truncated.text.contains("\"stop\""));
    assert_eq!(stand.last_call_when("failed").await["usage"]["output"], 50);

    let json = stand.send(chat("openai", &scripted("malformed=json", true))).await;
    let last = json.text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    assert!(serde_json::from_str::<Value>(last).is_err(), "{last}");

    let sse = stand.send(chat("openai", &scripted("malformed=sse", true))).await;
    assert!(sse.text.contains('\u{fffd}'), "bytes that are not UTF-8");
}

#[tokio::test]
async fn malformed_answers_break_as_named() {
    let stand = Stand::start().await;
    for fault in ["json", "truncated"] {
        let reply = stand.send(chat("openai", &scripted(&format!("malformed={fault}"), false))).await;
        assert_eq!(reply.headers["content-type"], "application/json");
        assert!(reply.is_whole && serde_json::from_str::<Value>(&reply.text).is_err(), "{fault}");
        assert_eq!(stand.last_call_when("failed").await["cost_pico"], "120000000");
    }
    let reply = stand.send(chat("openai", &scripted("malformed=html", true))).await;
    assert_eq!(
        (reply.status, &reply.headers["content-type"].as_bytes()[..9]),
        (StatusCode::OK, &b"text/html"[..])
    );
    assert_eq!(stand.last_call_when("failed").await["cost_pico"], "0");
    assert_eq!(stand.get("/_sandbox/stats").await["open_streams"], 0);
}

#[tokio::test]
async fn stopping_the_sandbox_ends_stalled_streams() {
    let stand = Stand::start().await;
    let mut ongoing = stand.open(chat("openai", &scripted("stall_after=1", true))).await;
    ongoing.read_to(r#""content":"a""#).await;
    assert_eq!(ongoing.status, StatusCode::OK);
    let tasks = stand.stop();
    drop(ongoing);
    tokio::time::timeout(std::time::Duration::from_secs(10), tasks.wait()).await.expect("every task ends");
}
