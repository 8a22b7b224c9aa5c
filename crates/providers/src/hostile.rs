//! Providers and apps that send nonsense.
//!
//! Invariant: nothing panics, and what comes out is well formed, whatever goes in.

use std::fmt::Debug;
use std::fs;

use bytes::Bytes;
use domain::model::Dialect;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::golden::{bill, context, files};
use crate::priced::{SHAPES, objects};
use crate::{
    Answer, ChatRequest, ChatStream, Chunk, EmbeddingsRequest, Outgoing, ProviderText, SseEvent, Target,
    Text, chat_answer, chat_request, embeddings_answer, provider_error, read_usage,
};

const DIALECTS: [(&str, Dialect); 2] = [("openai", Dialect::OpenAi), ("anthropic", Dialect::Anthropic)];

/// What any value may turn out to be.
fn nonsense() -> Vec<Value> {
    let deep = (0..100).fold(json!(0), |inner, _| json!([inner]));
    let huge: Value = serde_json::from_str("1e300").expect("JSON");
    vec![
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(0.5),
        huge,
        json!(""),
        json!("\u{0}\n\"\\"),
        json!([]),
        json!([null]),
        json!({}),
        deep,
    ]
}

/// Every copy of `value` with one place replaced by one nonsense.
fn twisted(value: &Value) -> Vec<Value> {
    let mut pointers = Vec::new();
    collect(value, String::new(), &mut pointers);
    let mut all = Vec::new();
    for pointer in pointers {
        for wrong in nonsense() {
            let mut copy = value.clone();
            *copy.pointer_mut(&pointer).expect("collected from it") = wrong;
            all.push(copy);
        }
    }
    all
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, inner)| collect(inner, format!("{pointer}/{name}"), pointers));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, inner)| collect(inner, format!("{pointer}/{at}"), pointers));
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// The values in the `data:` lines of a stream.
fn events(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
}

fn are_well_formed(chunks: &[Chunk]) {
    for chunk in chunks {
        let text = std::str::from_utf8(&chunk.bytes).expect("UTF-8");
        let json = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n")).expect("framed");
        assert!(!json.contains(['\n', '\r']), "{json}");
        assert!(serde_json::from_str::<Value>(json).is_ok_and(|value| value["choices"].is_array()), "{json}");
    }
}

#[test]
fn a_stream_with_any_one_value_wrong_is_read_or_refused() {
    for (folder, dialect) in DIALECTS {
        for (_, path) in files(folder, ".sse") {
            let events = events(&fs::read_to_string(path).expect("text"));
            for (at, event) in events.iter().enumerate() {
                for wrong in twisted(event) {
                    let mut stream = ChatStream::new(dialect, &context());
                    let mut chunks = Vec::new();
                    for event in events.iter().take(at).chain([&wrong]).chain(events.iter().skip(at + 1)) {
                        let name = event["type"].as_str().unwrap_or("x").replace('\n', " ");
                        let framed = format!("event: {name}\ndata: {event}\n\n");
                        if stream.feed(framed.as_bytes(), &mut chunks).is_err() {
                            break;
                        }
                    }
                    are_well_formed(&chunks);
                    let _ = (stream.take_text().pieces(), stream.progress(), stream.finish());
                }
            }
        }
    }
}

#[test]
fn an_answer_with_any_one_value_wrong_is_read_or_refused() {
    for (folder, dialect) in DIALECTS {
        for ending in [".response.json", ".error.json"] {
            for (_, path) in files(folder, ending) {
                let Ok(original) = serde_json::from_slice::<Value>(&fs::read(path).expect("readable")) else {
                    continue;
                };
                for wrong in twisted(&original) {
                    let body = Bytes::from(wrong.to_string());
                    let _ = provider_error(dialect, StatusCode::BAD_REQUEST, &HeaderMap::new(), &body);
                    let _ = embeddings_answer(dialect, &body);
                    let Ok(answer) = chat_answer(dialect, &body, true) else { continue };
                    let _ = answer.text().pieces();
                    let written = answer.write(&context(), &bill(&answer.reported));
                    assert!(serde_json::from_slice::<Value>(&written).is_ok(), "{wrong}");
                }
            }
        }
    }
}

#[test]
fn a_request_with_any_one_value_wrong_is_refused_or_said_in_good_json() {
    for (_, path) in files("chat", ".json") {
        let original: Value = serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON");
        for wrong in twisted(&original) {
            let Ok(request) = ChatRequest::parse(&Bytes::from(wrong.to_string())) else { continue };
            let _ = request.prompt_text().pieces();
            for (_, dialect) in DIALECTS {
                let target = Target {
                    base_url: "https://api.openai.com/v1",
                    upstream_model: "up",
                    credential: "c",
                    event_id: "e",
                    output_cap: Some(1),
                };
                let Ok(sent) = chat_request(dialect, &request, &target) else { continue };
                assert!(serde_json::from_slice::<Value>(&sent.body).is_ok(), "{wrong}");
            }
        }
    }
}

#[test]
fn noise_is_survived() {
    // a fixed linear congruential sequence: the same noise every time
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).expect("24 bits")
    };
    for (folder, dialect) in DIALECTS {
        for (_, path) in files(folder, ".sse") {
            let good = fs::read(path).expect("readable");
            for _ in 0..500 {
                let mut bad = good.clone();
                for _ in 0..1 + next() % 8 {
                    let at = next() % bad.len();
                    bad[at] = u8::try_from(next() % 256).expect("a byte");
                }
                let mut stream = ChatStream::new(dialect, &context());
                let mut chunks = Vec::new();
                let _ = stream.feed(&bad, &mut chunks);
                are_well_formed(&chunks);
                let _ = stream.take_text().pieces();
                let _ = ChatRequest::parse(&Bytes::from(bad));
            }
        }
    }
}

/// A call of `check` is ambiguous, and does not compile, for a type that has `Debug`.
trait HoldsContent<A> {
    fn check() {}
}
struct Any;
struct Debuggable;
impl<T: ?Sized> HoldsContent<Any> for T {}
impl<T: ?Sized + Debug> HoldsContent<Debuggable> for T {}

#[test]
fn what_holds_content_has_no_debug() {
    <ChatRequest as HoldsContent<_>>::check();
    <EmbeddingsRequest as HoldsContent<_>>::check();
    <Outgoing as HoldsContent<_>>::check();
    <Answer as HoldsContent<_>>::check();
    <Chunk as HoldsContent<_>>::check();
    <ChatStream as HoldsContent<_>>::check();
    <SseEvent as HoldsContent<_>>::check();
    <ProviderText as HoldsContent<_>>::check();
    <Target<'static> as HoldsContent<_>>::check();
    <Text as HoldsContent<_>>::check();
}

#[test]
fn usage_with_any_one_value_wrong_is_read_or_refused_in_every_shape() {
    let (mut read, mut refused) = (0, 0);
    for object in objects() {
        for wrong in twisted(&object) {
            for (_, shape) in SHAPES {
                let reported = read_usage(shape, &wrong.to_string());
                assert!(!reported.absurd || reported.usage.is_none(), "{wrong}");
                read += u32::from(reported.usage.is_some());
                refused += u32::from(reported.absurd);
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} read, {refused} refused");
}
