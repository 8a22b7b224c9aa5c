use std::time::Duration;

use super::{Events, Seen, percentile};

#[test]
fn events_are_counted_wherever_they_are_split() {
    let text = b"data: one\n\nevent: x\ndata: two\n\ndata: [DONE]\n\n";
    for cut in 0..text.len() {
        let (head, tail) = text.split_at(cut);
        let mut events = Events::default();
        assert_eq!(events.ended_in(head) + events.ended_in(tail), 3, "cut at {cut}");
    }
}

#[test]
fn a_percentile_is_one_of_the_values() {
    let hundred: Vec<u64> = (1..=100).collect();
    assert_eq!(percentile(&hundred, 50), Some(50));
    assert_eq!(percentile(&hundred, 99), Some(99));
    assert_eq!(percentile(&[7], 99), Some(7));
    assert_eq!(percentile(&[], 50), None);
}

#[test]
fn what_was_seen_in_the_warm_up_does_not_count() {
    let seen = Seen::default();
    seen.answered(Duration::from_secs(9));
    seen.refused();
    seen.failed();
    seen.clear();
    seen.answered(Duration::from_micros(40));
    seen.answered(Duration::from_micros(60));
    let told = seen.report(Duration::from_micros(100), Duration::from_secs(1));
    assert_eq!((&told["ok"], &told["non2xx"], &told["io_err"]), (&2.into(), &0.into(), &0.into()));
    assert_eq!(told["lat_us"]["p99"], 60);
    assert_eq!(told["cpu_us_per_req"], 50.0);
    assert!(told["cpu_us_per_chunk"].is_null(), "nothing was streamed");
}

#[test]
fn an_answer_that_is_no_success_is_told_apart_from_none() {
    let seen = Seen::default();
    // Whoever is refused has failed, too.
    seen.refused();
    seen.failed();
    seen.failed();
    let told = seen.report(Duration::ZERO, Duration::from_secs(1));
    assert_eq!((&told["ok"], &told["non2xx"], &told["io_err"]), (&0.into(), &1.into(), &1.into()));
    assert!(!seen.has_succeeded());
}
