use bytes::Bytes;
use domain::model::Dialect;
use serde_json::json;

use super::*;
use crate::golden::{context, files};
use crate::{ChatRequest, ChatStream, EmbeddingsRequest, chat_answer};

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}

fn prompt(body: &serde_json::Value) -> Text {
    let Ok(request) = ChatRequest::parse(&Bytes::from(body.to_string())) else { panic!("a good request") };
    request.prompt_text()
}

#[test]
fn pieces_are_joined_while_escaped_and_come_out_as_they_were_meant() {
    let mut text = Text::default();
    for piece in [r#""a\n""#, r#""\ud83d""#, r#""\ude00 \"b\"""#] {
        text.keep(&raw(piece));
    }
    text.end_piece();
    text.add_plain("{\"c\":\n\"d\"}");
    assert_eq!(text.pieces(), ["a\n😀 \"b\"", "{\"c\":\n\"d\"}"]);
}

#[test]
fn half_a_surrogate_pair_stands_for_one_character_and_leaves_the_rest_as_it_was_meant() {
    for (escaped, meant) in [
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\u00e9 \ude00 \"\n\\""#, "é \u{fffd} \"\n\\"),
        (r#""\ud83d\ud83d\ude00\ud83d!""#, "\u{fffd}😀\u{fffd}!"),
    ] {
        let mut text = Text::default();
        text.keep(&raw(escaped));
        assert_eq!(text.pieces(), [meant], "{escaped}");
    }
}

#[test]
fn no_more_is_kept_than_the_most_and_the_length_of_the_rest_is_known() {
    let mut text = Text::default();
    let piece = raw(&format!("\"{}\"", "a".repeat(1000)));
    for _ in 0..2000 {
        text.add(&piece);
    }
    let kept: usize = text.pieces().iter().map(String::len).sum();
    assert!((MOST_KEPT - 3000..=MOST_KEPT).contains(&kept), "{kept}");
    assert_eq!(text.bytes(), 2_000_000);
}

/// Two of three tokens around each message, and three before the answer: `MESSAGE_TOKENS` says where that is published.
#[test]
fn a_prompt_is_what_its_messages_say_with_what_stands_around_them() {
    let text = prompt(&json!({"model": "m", "temperature": 0.5, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]},
    ]}));
    assert_eq!(text.pieces(), ["system", "Be brief.", "user", "ann", "Hi", "there"]);
    assert_eq!((text.bytes(), text.tokens(), text.lacks()), (29, 3 + 3 + 1 + 3, false));
}

#[test]
fn what_stands_in_a_prompt_nobody_knows_how_is_lacking() {
    let hi = json!([{"role": "user", "content": "hi"}]);
    let tools = json!([{"type": "function", "function": {"name": "look_up"}}]);
    let with_tools = prompt(&json!({"messages": hi, "tools": tools}));
    assert!(with_tools.lacks() && with_tools.pieces().concat().contains("look_up"));
    let image =
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:AAAA"}}]}]);
    let with_image = prompt(&json!({"messages": image}));
    assert!(with_image.lacks() && with_image.bytes() == 4);
    let called = json!([{"role": "assistant", "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{\"a\":1}"}}]}]);
    let with_call = prompt(&json!({"messages": called}));
    assert!(with_call.lacks());
    assert_eq!(with_call.pieces(), ["assistant", "look_up", "{\"a\":1}"]);
}

#[test]
fn the_input_of_embeddings_is_texts_or_tokens() {
    for (input, pieces, tokens) in [
        (json!("one two"), vec!["one two"], 0),
        (json!(["one", "two"]), vec!["one", "two"], 0),
        (json!([1, 2, 3]), vec![], 3),
        (json!([[1, 2], [3]]), vec![], 3),
    ] {
        let body = Bytes::from(json!({"model": "m", "input": input}).to_string());
        let Ok(request) = EmbeddingsRequest::parse(&body) else { panic!("a good request") };
        let text = request.prompt_text();
        assert_eq!(
            (text.pieces(), text.tokens(), text.lacks()),
            (pieces.iter().map(|p| (*p).to_owned()).collect(), tokens, false)
        );
    }
}

#[test]
fn a_streamed_answer_and_a_whole_one_have_the_same_text() {
    let mut stream = ChatStream::new(Dialect::OpenAi, &context());
    for delta in [
        json!({"role": "assistant", "content": ""}),
        json!({"reasoning_content": "Hm", "reasoning": "Hm"}),
        json!({"content": "Hello"}),
        json!({"content": " \"world\""}),
        json!({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
    ] {
        let event = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
        assert!(stream.feed(format!("data: {event}\n\n").as_bytes(), &mut Vec::new()).is_ok());
    }
    let streamed = stream.take_text();
    let whole = json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "reasoning": "Hm", "content": "Hello \"world\"",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]});
    let Ok(whole) = chat_answer(Dialect::OpenAi, &Bytes::from(whole.to_string()), false) else {
        panic!("a good answer")
    };
    assert_eq!(streamed.pieces().concat(), "HmHello \"world\"f{}");
    assert_eq!(whole.text().pieces().concat(), "Hello \"world\"Hmf{}");
    assert_eq!((streamed.bytes(), whole.text().bytes()), (18, 18));
}

#[test]
fn of_several_choices_at_once_the_first_is_kept_and_the_others_are_known_by_length() {
    let mut stream = ChatStream::new(Dialect::OpenAi, &context());
    for index in [0, 1, 0, 1] {
        let event = json!({"choices": [{"index": index, "delta": {"content": "ab"}, "finish_reason": null}]});
        assert!(stream.feed(format!("data: {event}\n\n").as_bytes(), &mut Vec::new()).is_ok());
    }
    let text = stream.take_text();
    assert_eq!((text.pieces().concat().as_str(), text.bytes()), ("abab", 8));
}

#[test]
fn thinking_that_is_kept_from_the_app_is_counted_all_the_same() {
    let context = crate::AnswerContext { exclude_reasoning: true, ..context() };
    let mut stream = ChatStream::new(Dialect::Anthropic, &context);
    let events = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}}\n\n";
    assert!(stream.feed(events.as_bytes(), &mut Vec::new()).is_ok());
    let text = stream.take_text();
    assert_eq!((text.pieces(), text.bytes()), (vec!["Hm".to_owned()], 2));
}

/// Thinking that only the provider can read is no text: of it, the length is known.
#[test]
fn of_every_recorded_stream_all_is_kept_that_came_and_can_be_read() {
    for (folder, dialect) in [("openai", Dialect::OpenAi), ("anthropic", Dialect::Anthropic)] {
        for (name, path) in files(folder, ".sse") {
            let recorded = std::fs::read_to_string(path).expect("readable");
            let mut stream = ChatStream::new(dialect, &context());
            let _ = stream.feed(recorded.as_bytes(), &mut Vec::new());
            let came = stream.progress().text_bytes;
            let text = stream.take_text();
            let kept = u64::try_from(text.pieces().concat().len()).unwrap();
            assert_eq!(text.bytes(), came, "{folder}/{name}");
            assert!(
                kept == came || (kept < came && recorded.contains("redacted_thinking")),
                "{folder}/{name}"
            );
        }
    }
}
