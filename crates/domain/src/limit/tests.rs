use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_month_runs_from_its_first_moment_to_the_next_months() {
    let window = Window::Month.at(at("2026-12-31T23:59:59.999999Z"));
    assert_eq!(window.to_string(), "2026-12");
    assert_eq!(window.start(), at("2026-12-01T00:00:00Z"));
    assert_eq!(window.end(), at("2027-01-01T00:00:00Z"));
    assert_eq!(Window::Month.at(window.end()).to_string(), "2027-01");
}

#[test]
fn a_window_reads_back_as_it_was_written() {
    let window: WindowId = "2028-02".parse().unwrap();
    assert_eq!(window.to_string(), "2028-02");
    assert_eq!(window.end(), at("2028-03-01T00:00:00Z"));
    for text in ["2026-13", "2026-1", "26-01", "2026", "2026-00", "+026-01"] {
        assert_eq!(text.parse::<WindowId>(), Err(InvalidWindow), "{text}");
    }
}
