use std::fs;

use serde_json::json;

use super::*;
use crate::golden::{context, files};

/// Chunks, error and ending of `pieces`, in a form that can be compared.
fn run(dialect: Dialect, pieces: &[&[u8]]) -> (Vec<Bytes>, String) {
    let mut stream = ChatStream::new(dialect, &context());
    let mut chunks = Vec::new();
    let fed: Result<(), ProviderError> = pieces.iter().try_for_each(|piece| stream.feed(piece, &mut chunks));
    let told = format!("{fed:?} {:?} {:?}", stream.progress(), stream.finish());
    (chunks.into_iter().map(|chunk| chunk.bytes).collect(), told)
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    for (folder, dialect) in [("openai", Dialect::OpenAi), ("anthropic", Dialect::Anthropic)] {
        for (name, path) in files(folder, ".sse") {
            let text = fs::read_to_string(path).expect("text");
            for text in [text.clone(), text.replace('\n', "\r\n")] {
                let whole = run(dialect, &[text.as_bytes()]);
                for cut in 0..text.len() {
                    let (head, tail) = text.as_bytes().split_at(cut);
                    assert!(run(dialect, &[head, tail]) == whole, "{folder}/{name} cut at {cut}");
                }
            }
        }
    }
}

#[test]
fn a_stream_that_is_cut_short_is_never_complete() {
    for (folder, dialect, last) in [
        ("openai", Dialect::OpenAi, "data: [DONE]"),
        ("anthropic", Dialect::Anthropic, "event: message_delta"),
    ] {
        let (_, path) = files(folder, "text.sse").remove(0);
        let text = fs::read_to_string(path).expect("text");
        // at OpenAI all has been said before the terminator, so it may be missing, but not the usage
        let end = text.find(last).expect("there");
        let end = if dialect == Dialect::OpenAi { text[..end].rfind("data: ").expect("there") } else { end };
        for cut in 0..end {
            let mut stream = ChatStream::new(dialect, &context());
            stream.feed(&text.as_bytes()[..cut], &mut Vec::new()).expect("a good beginning");
            let ending = stream.finish();
            assert_eq!((ending.complete, ending.reported.usage), (false, None), "{folder} cut at {cut}");
        }
    }
}

#[test]
fn what_came_before_an_error_is_not_lost() {
    let events = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n\
        data: {\"error\":{\"message\":\"m\",\"code\":\"server_error\"}}\n\n";
    let mut stream = ChatStream::new(Dialect::OpenAi, &context());
    let mut chunks = Vec::new();
    let error = stream.feed(events.as_bytes(), &mut chunks).err().and_then(|error| error.provider_code);
    assert_eq!((chunks.len(), error.as_deref()), (1, Some("server_error")));
    assert_eq!(stream.progress().content_chunks, 1);
}

#[test]
fn an_error_chunk_has_what_clients_look_for() {
    let error =
        json!({"code": 502, "message": "line\nbreak", "metadata": {"error_type": "provider_unavailable"}});
    let chunk = error_chunk(&context(), &error);
    let text = std::str::from_utf8(&chunk).expect("UTF-8");
    let json = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n")).expect("framed");
    assert!(!json.contains('\n'));
    let value: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(value["error"], error);
    assert_eq!(value["choices"][0]["finish_reason"], "error");
    assert_eq!(value["id"], "gen-1790000000-1");
}

#[test]
fn a_chunk_that_ends_a_stream_for_its_length_ends_every_choice_and_says_why() {
    let chunk = length_chunk(&context(), 2, "budget");
    let text = std::str::from_utf8(&chunk).expect("UTF-8");
    let json = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n")).expect("framed");
    let value: Value = serde_json::from_str(json).expect("JSON");
    let ended: Vec<_> = value["choices"].as_array().expect("a list").iter().collect();
    assert_eq!(ended.iter().map(|choice| &choice["index"]).collect::<Vec<_>>(), [0, 1]);
    assert!(ended.iter().all(|choice| choice["finish_reason"] == "length"));
    assert_eq!(value["metadata"], json!({"weir": "budget"}));
}

#[test]
fn a_stream_is_roughly_as_many_tokens_as_it_has_pieces_or_fours_of_bytes() {
    let mut stream = ChatStream::new(Dialect::OpenAi, &context());
    for (text, rough) in [("a", 1), ("b", 2), ("three and thirty letters and more", 8), ("c", 9)] {
        let event = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
        assert!(stream.feed(format!("data: {event}\n\n").as_bytes(), &mut Vec::new()).is_ok());
        assert_eq!(stream.rough_tokens(), rough, "{text}");
    }
}
