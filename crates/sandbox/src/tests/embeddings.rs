//! Embeddings, in both encodings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::harness::{Reply, Stand, post};

async fn embed(stand: &Stand, extra: &Value) -> Reply {
    let mut body = json!({"model": "text-embedding-3-small", "input": ["alpha", "beta"]});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    stand.send(post("/openai/v1/embeddings", &body)).await
}

#[expect(clippy::cast_possible_truncation, reason = "the numbers were 32-bit before they became JSON")]
fn numbers(embedding: &Value) -> Vec<f32> {
    embedding.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn decoded(embedding: &Value) -> Vec<f32> {
    let bytes = STANDARD.decode(embedding.as_str().unwrap()).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[tokio::test]
async fn base64_and_float_hold_the_same_numbers() {
    let stand = Stand::start().await;
    let float = embed(&stand, &json!({})).await.json();
    let base64 = embed(&stand, &json!({"encoding_format": "base64"})).await.json();
    for index in 0..2 {
        let vector = numbers(&float["data"][index]["embedding"]);
        assert_eq!(vector.len(), 1536);
        assert_eq!(vector, decoded(&base64["data"][index]["embedding"]));
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    assert_ne!(float["data"][0]["embedding"], float["data"][1]["embedding"]);
}

#[tokio::test]
async fn only_input_is_billed() {
    let stand = Stand::start().await;
    let usage = embed(&stand, &json!({})).await.json()["usage"].clone();
    // 9 characters: 7 + 3
    assert_eq!(usage, json!({"prompt_tokens": 10, "total_tokens": 10}));
    assert_eq!(stand.last_call().await["cost_pico"], "200000");
    let usage = embed(&stand, &json!({"input": [[1, 2, 3], [4]]})).await.json()["usage"].clone();
    assert_eq!(usage["prompt_tokens"], 11);
}

#[tokio::test]
async fn dimensions_are_honoured() {
    let stand = Stand::start().await;
    let body = embed(&stand, &json!({"dimensions": 8, "input": [1, 2, 3]})).await.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 1, "a list of tokens is one input");
    assert_eq!(numbers(&body["data"][0]["embedding"]).len(), 8);
    assert_eq!(embed(&stand, &json!({"dimensions": 5000})).await.status, 400);
    assert_eq!(embed(&stand, &json!({"input": []})).await.status, 400);
    assert_eq!(embed(&stand, &json!({"model": "gpt-4.1"})).await.status, 403);
}
