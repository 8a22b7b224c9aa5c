use std::collections::HashMap;

use domain::{Amount, TokenUsage};
use proptest::prelude::*;

use super::*;
use crate::report::tests::{cut_call, line, report};

fn lines_csv(report: &Report) -> String {
    let mut bytes = Vec::new();
    write_csv(report, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn rows(csv: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_line_has_its_names_its_quantities_and_its_cost_digit_for_digit() {
    let mut report = report(&[81_000_001]);
    report.lines[0].key_name = "search \"beta\", EU".into();
    let csv = lines_csv(&report);
    assert!(csv.ends_with("\r\n"), "RFC 4180 ends a row with CR LF");
    let row = &rows(&csv)[0];
    let expected = [
        ("period", "2026-11"),
        ("org_name", "Acme, Inc."),
        ("complete_to_utc", &metering::sample::ADMITTED_AT.to_string()),
        ("cost_centre", "471"),
        ("key_name", "search \"beta\", EU"),
        ("requests", "3"),
        ("input_tokens", "100"),
        ("output_tokens", "0"),
        ("charged_tool_calls", "1"),
        ("cost_usd", "0.000081000001"),
    ];
    for (column, value) in expected {
        assert_eq!(row[column], value, "{column}");
    }
    assert_eq!(row["org_id"], report.org.id.to_string());
    assert_eq!(row["key_id"], report.lines[0].key.to_string());
}

#[test]
fn every_class_has_a_column_of_its_own() {
    let mut report = report(&[1]);
    report.lines[0].quantities = TokenClass::ALL
        .into_iter()
        .zip(1..)
        .fold(TokenUsage::default(), |usage, (class, quantity)| usage.with(class, quantity));
    let row = &rows(&lines_csv(&report))[0];
    for (class, quantity) in report.lines[0].quantities.iter() {
        assert_eq!(row[column(class)], quantity.to_string());
    }
}

#[test]
fn a_report_without_lines_is_its_header() {
    let csv = lines_csv(&report(&[]));
    assert_eq!(csv.lines().count(), 1);
    assert!(csv.starts_with("period,org_id,"));
}

#[test]
fn a_name_that_a_spreadsheet_would_run_becomes_text() {
    for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
        let mut report = report(&[-5]);
        report.org.name = name.into();
        report.lines[0].team_name = Some(name.into());
        report.lines[0].cost_centre = Some(name.into());
        report.lines[0].key_name = name.into();
        let row = &rows(&lines_csv(&report))[0];
        for column in ["org_name", "team_name", "cost_centre", "key_name"] {
            assert_eq!(row[column], format!("'{name}"));
        }
        assert_eq!(row["cost_usd"], "-0.000000000005", "an amount is a number, not a formula");
    }
}

#[test]
fn cut_calls_are_listed_one_by_one_with_their_bounds() {
    let mut report = report(&[1]);
    report.cut_calls = vec![cut_call(9, [1, 2, 3]), cut_call(4, [1_000_000, 2_000_000, 3_000_000])];
    let mut bytes = Vec::new();
    write_cut_calls_csv(&report, &mut bytes).unwrap();
    let rows = rows(&String::from_utf8(bytes).unwrap());
    let ids: Vec<_> = rows.iter().map(|row| row["event_id"].as_str()).collect();
    assert_eq!(ids, [cut_call(4, [0; 3]).event.to_string(), cut_call(9, [0; 3]).event.to_string()]);
    let bounds =
        ["streamed_usd", "cost_usd", "suspense_usd", "reserved_usd"].map(|column| rows[0][column].as_str());
    assert_eq!(bounds, ["0.000001", "0.000002", "0", "0.000003"]);
    assert_eq!(rows[0]["outcome"], "cut");
}

proptest! {
    #[test]
    fn the_costs_written_add_up_to_the_total_exactly(costs in prop::collection::vec(any::<i64>(), 0..60)) {
        let report = report(&costs);
        let written: Amount = rows(&lines_csv(&report)).iter().map(|row| row["cost_usd"].parse::<Amount>().unwrap()).sum();
        prop_assert_eq!(written, report.total);
    }

    #[test]
    fn the_order_in_which_lines_were_read_does_not_show(numbers in Just((0..30_u128).collect::<Vec<_>>()).prop_shuffle()) {
        let mut report = report(&[]);
        report.lines = (0..30).map(|number| line(number, 1)).collect();
        let expected = lines_csv(&report);
        report.lines = numbers.into_iter().map(|number| line(number, 1)).collect();
        prop_assert_eq!(lines_csv(&report), expected);
    }
}
