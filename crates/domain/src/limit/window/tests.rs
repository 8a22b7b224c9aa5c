use chrono_tz::TZ_VARIANTS;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const MICRO: i64 = 1;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn window(period: Period, zone: &str) -> Window {
    Window::new(period, zone, 1).unwrap()
}

fn fiscal(period: Period, start_month: u32) -> Window {
    Window::new(period, "UTC", start_month).unwrap()
}

fn span(window: Window, id: WindowId) -> (String, String) {
    (window.local(window.start(id)), window.local(window.end(id).unwrap()))
}

/// Goes from the window at `from` to that at `to`, one by one; answers how many boundaries there were.
fn walk(window: Window, from: Timestamp, to: Timestamp) -> usize {
    let mut boundaries = 0;
    let mut id = window.at(from);
    while window.end(id).is_some_and(|end| end < to) {
        id = holds(window, id);
        boundaries += 1;
    }
    boundaries
}

/// Checks both ends of a window, and answers the one that follows.
fn holds(window: Window, id: WindowId) -> WindowId {
    let (start, end) = (window.start(id), window.end(id).unwrap());
    let place = || format!("{id} in {}", window.zone_name());
    assert!(start < end, "{} lasts", place());
    assert_eq!(window.at(start), id, "{} holds its first moment", place());
    assert_eq!(window.at(end.plus_micros(-MICRO)), id, "{} holds its last moment", place());
    assert!(end < id.over_everywhere().unwrap(), "{} is over everywhere later", place());
    let next = window.at(end);
    assert!(next > id, "{next} follows {}", place());
    assert_eq!(window.start(next), end, "{next} begins where {} ended", place());
    assert_eq!(id.to_string().parse(), Ok(id), "{} reads back", place());
    next
}

#[test]
fn a_month_runs_from_its_first_moment_to_the_next_months() {
    let month = Window::MONTH.at(at("2026-12-31T23:59:59.999999Z"));
    assert_eq!(month.to_string(), "2026-12");
    assert_eq!(Window::MONTH.start(month), at("2026-12-01T00:00:00Z"));
    assert_eq!(Window::MONTH.end(month), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(Window::MONTH.at(at("2027-01-01T00:00:00Z")).to_string(), "2027-01");
}

#[test]
fn every_period_is_called_as_people_write_it() {
    let now = at("2026-11-21T12:00:00Z");
    let named = |period| window(period, "Europe/Berlin").at(now).to_string();
    assert_eq!(Period::ALL.map(named), ["2026-11-21", "2026-W47", "2026-11", "2026-Q4", "2026", "lifetime"]);
    let new_year = at("2027-01-01T12:00:00Z");
    assert_eq!(window(Period::Week, "UTC").at(new_year).to_string(), "2026-W53", "ISO 8601: a Friday");
}

#[test]
fn a_fiscal_year_is_called_by_the_year_it_ends_in() {
    let (april, year) = (fiscal(Period::Quarter, 4), fiscal(Period::Year, 4));
    let now = at("2026-11-21T12:00:00Z");
    assert_eq!(year.at(now).to_string(), "FY2027");
    assert_eq!(span(year, year.at(now)), ("2026-04-01T00:00:00Z".into(), "2027-04-01T00:00:00Z".into()));
    assert_eq!(april.at(now).to_string(), "FY2027-Q3");
    assert_eq!(span(april, april.at(now)), ("2026-10-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into()));
    assert_eq!(year.at(at("2026-03-31T23:59:59Z")).to_string(), "FY2026");
    let december = fiscal(Period::Quarter, 12);
    assert_eq!(december.at(at("2026-11-30T00:00:00Z")).to_string(), "FY2026-Q4");
    assert_eq!(december.at(at("2026-12-01T00:00:00Z")).to_string(), "FY2027-Q1");
}

#[test]
fn fiscal_years_and_quarters_follow_each_other_for_every_start_month() {
    for month in 1..=12 {
        for period in [Period::Quarter, Period::Year] {
            let quarters = Window::new(period, "America/New_York", month).unwrap();
            walk(quarters, at("2024-01-01T00:00:00Z"), at("2041-01-01T00:00:00Z"));
        }
    }
}

#[test]
fn a_lifetime_never_ends() {
    let lifetime = window(Period::Lifetime, "Asia/Tokyo");
    let id = lifetime.at(at("2026-11-21T12:00:00Z"));
    assert_eq!((lifetime.end(id), id.over_everywhere()), (None, None));
    assert_eq!(lifetime.start(id), Timestamp::from_micros(0));
    assert_eq!(lifetime.at(Timestamp::from_micros(i64::MAX)), id);
}

#[test]
fn months_to_2040_follow_each_other_in_every_zone() {
    let (from, to) = (at("2024-01-15T00:00:00Z"), at("2041-01-15T00:00:00Z"));
    for zone in TZ_VARIANTS {
        assert_eq!(walk(window(Period::Month, zone.name()), from, to), 17 * 12, "{zone}");
    }
}

#[test]
fn quarters_and_years_to_2040_follow_each_other_in_every_zone() {
    let (from, to) = (at("2024-02-15T00:00:00Z"), at("2041-02-15T00:00:00Z"));
    for zone in TZ_VARIANTS {
        assert_eq!(walk(window(Period::Quarter, zone.name()), from, to), 17 * 4, "{zone}");
        assert_eq!(walk(window(Period::Year, zone.name()), from, to), 17, "{zone}");
    }
}

#[test]
fn days_and_weeks_to_2040_follow_each_other_in_every_zone() {
    const DAY_S: i64 = 86_400;
    let from = at("2024-01-01T12:00:00Z");
    for (zone, offset) in TZ_VARIANTS.into_iter().zip((0..37).cycle()) {
        // Every 37th day, on other days in each zone; each of them with the one that follows.
        for day in (offset..17 * 365).step_by(37) {
            for period in [Period::Day, Period::Week] {
                let window = window(period, zone.name());
                holds(window, window.at(from.plus_seconds(day * DAY_S)));
            }
        }
    }
}

#[test]
fn every_day_follows_the_one_before_where_clocks_skip_midnight_or_strike_it_twice() {
    let zones = [
        ("Africa/Cairo", 2005),
        ("America/Asuncion", 2005),
        ("America/Goose_Bay", 1987),
        ("America/Havana", 2005),
        ("America/Santiago", 2005),
        ("America/Sao_Paulo", 2005),
        ("America/St_Johns", 1987),
        ("America/Toronto", 1970),
        ("Asia/Amman", 2005),
        ("Asia/Beirut", 2005),
        ("Asia/Gaza", 2005),
        ("Asia/Tehran", 2005),
        ("Atlantic/Azores", 2005),
        ("Australia/Lord_Howe", 2005),
        ("Europe/London", 2005),
    ];
    for (zone, year) in zones {
        let from = at(&format!("{year}-01-01T12:00:00Z"));
        let to = at("2041-01-01T12:00:00Z");
        let days = walk(window(Period::Day, zone), from, to);
        assert_eq!(days, usize::try_from(to.since_micros(from) / 86_400_000_000).unwrap(), "{zone}");
    }
}

#[test]
fn a_day_without_midnight_begins_with_its_first_moment() {
    for (zone, day, starts) in [
        ("Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00"),
        ("Asia/Gaza", "2008-03-28", "2008-03-28T01:00:00+03:00"),
        ("America/Toronto", "1919-03-31", "1919-03-31T00:30:00-04:00"),
    ] {
        let days = window(Period::Day, zone);
        let midnight = days.start(day.parse().unwrap());
        assert_eq!(days.local_time(midnight).to_rfc3339_opts(SecondsFormat::AutoSi, true), starts, "{zone}");
    }
}

#[test]
fn a_day_with_two_midnights_begins_with_the_first() {
    let havana = window(Period::Day, "America/Havana");
    let day = "2026-11-01".parse().unwrap();
    assert_eq!(span(havana, day), ("2026-11-01T00:00:00-04:00".into(), "2026-11-02T00:00:00-05:00".into()));
    // At 00:01 clocks went back to 23:01 of the day before: that hour belongs to the day that had begun.
    let st_johns = window(Period::Day, "America/St_Johns");
    let day: WindowId = "2010-11-07".parse().unwrap();
    assert_eq!(st_johns.local(st_johns.start(day)), "2010-11-07T00:00:00-02:30");
    let again = at("2010-11-06T23:30:00-03:30");
    assert_eq!(st_johns.local(again), "2010-11-06T23:30:00-03:30");
    assert_eq!(st_johns.at(again), day);
}

#[test]
fn half_hours_of_summer_time_are_kept() {
    let lord_howe = window(Period::Month, "Australia/Lord_Howe");
    let id = "2026-04".parse().unwrap();
    assert_eq!(span(lord_howe, id), ("2026-04-01T00:00:00+11:00".into(), "2026-05-01T00:00:00+10:30".into()));
}

#[test]
fn a_day_that_a_zone_left_out_is_empty() {
    let samoa = window(Period::Day, "Pacific/Apia");
    let lost: WindowId = "2011-12-30".parse().unwrap();
    assert_eq!(Some(samoa.start(lost)), samoa.end(lost));
    let before = "2011-12-29".parse().unwrap();
    let next = samoa.at(samoa.end(before).unwrap());
    assert_eq!(next.to_string(), "2011-12-31");
    walk(samoa, at("2011-01-01T00:00:00Z"), at("2012-12-31T00:00:00Z"));
}

#[test]
fn a_process_that_slept_over_boundaries_is_in_the_window_of_its_clock() {
    let days = window(Period::Day, "Europe/Berlin");
    let before = days.at(at("2026-03-27T22:59:00Z"));
    let after = days.at(at("2026-03-30T22:30:00Z"));
    assert_eq!((before.to_string(), after.to_string()), ("2026-03-27".into(), "2026-03-31".into()));
    assert!(days.end(before).unwrap() <= days.start(after));
}

#[test]
fn a_window_reads_back_as_it_was_written() {
    for text in [
        "2026-11-21",
        "2026-W47",
        "2026-11",
        "2026-Q4",
        "2026",
        "FY2027",
        "FY2027-Q1",
        "lifetime",
        "2020-W53",
    ] {
        assert_eq!(text.parse::<WindowId>().unwrap().to_string(), text);
    }
    let refused = [
        "",
        "2026-13",
        "2026-1",
        "26-01",
        "2026-00",
        "+026-01",
        "2026-Q5",
        "2026-Q0",
        "2026-W54",
        "2026-W00",
        "2026-02-29",
        "2026-11-2",
        "2026-11-21-1",
        "FY26",
        "FY2027-Q5",
        "FY2027-01",
        "FY2027-Q1-1",
        "Lifetime",
        "2026-",
        "2026-W471",
        "2021-W53",
        "2026-éé",
    ];
    for text in refused {
        assert_eq!(text.parse::<WindowId>(), Err(InvalidWindowId), "{text}");
    }
}

#[test]
fn an_id_of_another_period_has_its_span_in_this_zone() {
    let weeks = window(Period::Week, "Asia/Kolkata");
    let month = "2026-11".parse().unwrap();
    assert_eq!(span(weeks, month), ("2026-11-01T00:00:00+05:30".into(), "2026-12-01T00:00:00+05:30".into()));
    let year = "FY2027".parse().unwrap();
    assert_eq!(span(Window::MONTH, year), ("2027-01-01T00:00:00Z".into(), "2028-01-01T00:00:00Z".into()));
}

#[test]
fn an_unknown_zone_is_refused_with_a_sentence() {
    for zone in ["Europe/Atlantis", "", "europe/berlin", "+02:00", "CET/CEST", "UTC "] {
        let refused = Window::new(Period::Day, zone, 1).unwrap_err();
        assert_eq!(refused, InvalidWindow::UnknownZone(zone.to_owned()));
    }
    let long = Window::new(Period::Day, &"é".repeat(1_000), 1).unwrap_err().to_string();
    assert!(long.len() < 300, "{long}");
    assert_eq!(
        Window::new(Period::Day, "Mars", 1).unwrap_err().to_string(),
        "there is no time zone \"Mars\" in the IANA database; a name such as Europe/Berlin or UTC is needed"
    );
    for month in [0, 13, 256 + 1] {
        assert_eq!(Window::new(Period::Year, "UTC", month), Err(InvalidWindow::NoMonth(month)));
    }
}

#[test]
fn a_clock_beyond_the_calendar_stands_at_its_end() {
    for zone in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
        for period in Period::ALL {
            let window = Window::new(period, zone, 7).unwrap();
            for micros in [i64::MIN, -1, 0, i64::MAX] {
                let id = window.at(Timestamp::from_micros(micros));
                assert_eq!(id.to_string().parse(), Ok(id));
            }
        }
    }
}

proptest! {
    #[test]
    fn every_moment_is_in_exactly_one_window(
        zone in 0..TZ_VARIANTS.len(),
        period in 0..Period::ALL.len(),
        month in 1_u32..=12,
        moment in at("2024-01-01T00:00:00Z").as_micros()..at("2041-01-01T00:00:00Z").as_micros(),
        later in any::<u32>(),
    ) {
        let window = Window::new(Period::ALL[period], TZ_VARIANTS[zone].name(), month).unwrap();
        let now = Timestamp::from_micros(moment);
        let id = window.at(now);
        prop_assert!(window.start(id) <= now);
        prop_assert!(window.end(id).is_none_or(|end| now < end));
        let other = window.at(now.plus_seconds(later.into()));
        prop_assert!(id <= other);
        if other != id {
            prop_assert!(window.end(id).unwrap() <= window.start(other));
        }
        prop_assert_eq!(Timestamp::parse(&window.local(now)), Some(now));
        prop_assert_eq!(Period::from_name(window.period().name()), Some(window.period()));
    }
}
