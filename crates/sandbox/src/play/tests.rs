use bytes::Bytes;

use super::{Event, Play, stream, whole};
use crate::body::Ending;
use crate::knobs::Knobs;
use crate::tokens::Tokens;

const PLAN: Tokens =
    Tokens { input: 5, cached_input: 0, cache_write_5m: 0, cache_write_1h: 0, output: 30, reasoning: 0 };

fn play(key: &str, value: &str) -> Play {
    let mut knobs = Knobs::default();
    knobs.set(key, value).unwrap();
    let events = ["open", "A", "ping", "B", "C", "close"]
        .map(|name| if name.len() == 1 { Event::content(name.into()) } else { Event::frame(name.into()) });
    stream(events.into(), PLAN, &knobs, Bytes::from_static(b"error"))
}

fn sent(play: &Play) -> Vec<String> {
    play.steps.iter().map(|step| String::from_utf8_lossy(&step.bytes).into_owned()).collect()
}

#[test]
fn a_healthy_stream_bills_in_steps() {
    let play = play("chunk_ms", "9");
    assert_eq!(sent(&play), ["open", "A", "ping", "B", "C", "close"]);
    let billed: Vec<u64> =
        play.steps.iter().filter_map(|step| step.billed).map(|tokens| tokens.output).collect();
    assert_eq!(billed, [10, 20, 30]);
    let waits: Vec<u128> = play.steps.iter().map(|step| step.wait.as_millis()).collect();
    assert_eq!(waits, [0, 0, 0, 9, 9, 0], "no wait before the first chunk");
    assert_eq!(play.ending, Ending::Answered);
}

#[test]
fn a_fault_counts_chunks_with_content() {
    assert_eq!(sent(&play("stall_after", "0")), ["open"]);
    assert_eq!(sent(&play("stall_after", "2")), ["open", "A", "ping", "B"]);
    assert_eq!(play("stall_after", "2").ending, Ending::Stall);
    assert_eq!(sent(&play("reset_after", "3")), ["open", "A", "ping", "B", "C"]);
    assert_eq!(play("reset_after", "3").ending, Ending::Reset);
}

#[test]
fn a_fault_behind_the_end_never_happens() {
    assert_eq!(play("reset_after", "4").ending, Ending::Answered);
    assert_eq!(sent(&play("error_in_stream", "4")).len(), 6);
}

#[test]
fn an_error_in_the_stream_replaces_the_rest() {
    assert_eq!(sent(&play("error_in_stream", "1")), ["open", "A", "error"]);
    assert_eq!(play("error_in_stream", "1").ending, Ending::Failed);
}

#[test]
fn a_truncated_stream_lacks_its_closing() {
    let play = play("malformed", "truncated");
    assert_eq!(sent(&play), ["open", "A", "ping", "B", "C"]);
    assert_eq!(play.ending, Ending::Failed);
}

#[test]
fn a_whole_answer_breaks_in_the_middle() {
    let with = |key: &str, value: &str| {
        let mut knobs = Knobs::default();
        knobs.set(key, value).unwrap();
        whole(Bytes::from_static(b"{\"a\":1}."), &knobs)
    };
    assert_eq!(sent(&with("malformed", "truncated")), ["{\"a\""]);
    assert_eq!(sent(&with("malformed", "json")), ["{\"a\",,,"]);
    let reset = with("reset_after", "1");
    assert_eq!((sent(&reset), reset.length, reset.ending), (vec!["{\"a\"".into()], Some(8), Ending::Reset));
    let stalled = with("stall_after", "0");
    assert_eq!((sent(&stalled).len(), stalled.length, stalled.ending), (0, Some(8), Ending::Stall));
}
