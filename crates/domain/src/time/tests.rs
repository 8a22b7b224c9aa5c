use super::*;

#[test]
fn a_moment_reads_back_as_it_was_written() {
    let moment = Timestamp::from_micros(1_790_000_000_123_456);
    assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
    assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp::parse("tomorrow"), None);
}

#[test]
fn moments_before_the_epoch_round_down() {
    assert_eq!(Timestamp::from_micros(-1).as_millis(), -1);
    assert_eq!(Timestamp::from_micros(-1).as_seconds(), -1);
}

#[test]
fn a_fixed_clock_says_what_it_was_told() {
    let clock = FixedClock::new(Timestamp::from_millis(1));
    clock.set(Timestamp::from_millis(2));
    assert_eq!(clock.now(), Timestamp::from_millis(2));
}
