//! Days and weeks begin where people expect them to.

use super::*;

#[test]
fn a_day_begins_at_midnight_and_a_week_on_monday() {
    let now = Timestamp::parse("2026-11-21T13:14:15Z").unwrap();
    assert_eq!(midnight(now).to_string(), "2026-11-21T00:00:00Z");
    assert_eq!(monday(now).to_string(), "2026-11-16T00:00:00Z");
    assert_eq!(monday(Timestamp::parse("2026-11-16T00:00:00Z").unwrap()).to_string(), "2026-11-16T00:00:00Z");
}
