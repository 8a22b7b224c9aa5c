use super::{Knobs, Malformed, UsageFault};

fn set(key: &str, value: &str) -> Result<Knobs, super::BadKnob> {
    let mut knobs = Knobs::default();
    knobs.set(key, value)?;
    Ok(knobs)
}

#[test]
fn every_documented_knob_is_accepted() {
    let documented = include_str!("../lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .filter_map(|line| line.split('`').next())
        .filter(|name| !name.starts_with('/') && !["site", "times"].contains(name));
    let mut count = 0;
    for knob in documented {
        let value = match knob {
            "status" => "503",
            "usage" => "none",
            "malformed" => "html",
            _ => "1",
        };
        set(knob, value).unwrap();
        count += 1;
    }
    assert_eq!(count, 23, "the table in lib.rs lists every knob");
}

#[test]
fn an_unknown_knob_is_an_error() {
    assert_eq!(set("lattency_ms", "5").unwrap_err().to_string(), "sandbox: unknown knob `lattency_ms`");
}

#[test]
fn unreadable_values_are_errors() {
    for (key, value) in [
        ("latency_ms", "-1"),
        ("chunks", "many"),
        ("chunks", "100001"),
        ("status", "200"),
        ("status", "600"),
        ("usage", "some"),
        ("malformed", "xml"),
        ("uncapped", "perhaps"),
    ] {
        assert!(set(key, value).is_err(), "{key}={value}");
    }
}

#[test]
fn faults_are_read_by_name() {
    assert_eq!(set("usage", "absurd").unwrap().usage, Some(UsageFault::Absurd));
    assert_eq!(set("malformed", "truncated").unwrap().malformed, Some(Malformed::Truncated));
    assert_eq!(set("error_in_stream", "true").unwrap().error_in_stream, Some(1));
}

#[test]
fn a_status_becomes_a_refusal_with_its_message_and_retry_after() {
    let mut knobs = set("status", "429").unwrap();
    knobs.set("retry_after", "7").unwrap();
    knobs.set("message", "slow down").unwrap();
    let refusal = knobs.refusal().unwrap();
    assert_eq!((refusal.status, refusal.retry_after, refusal.message.as_str()), (429, Some(7), "slow down"));
    assert!(Knobs::default().refusal().is_none());
}
