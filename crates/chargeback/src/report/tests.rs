use domain::{KeyId, OrgId, RequestId, TeamId, TokenClass, Window};
use metering::sample::{ADMITTED_AT, answered, attempt};
use proptest::prelude::*;

use super::*;

pub(crate) fn line(number: u128, cost_pico: i64) -> Line {
    Line {
        team: Some(TeamId::new(ADMITTED_AT, number % 7)),
        team_name: Some(format!("team {}", number % 7)),
        cost_centre: (!number.is_multiple_of(3)).then(|| format!("47{}", number % 3)),
        key: KeyId::new(ADMITTED_AT, number),
        key_name: format!("key {number}"),
        model: "openai/gpt-5-mini".into(),
        provider: "openai".into(),
        requests: 3,
        quantities: TokenUsage::default().with(TokenClass::Input, 100).with(TokenClass::ToolCall, 1),
        cost: Pico::new(cost_pico).into(),
    }
}

pub(crate) fn cut_call(number: u128, [streamed, cost, reserved]: [i64; 3]) -> CutCall {
    CutCall {
        event: EventId { request: RequestId::new(ADMITTED_AT, number), attempt: 1 },
        admitted_at: ADMITTED_AT,
        key: KeyId::new(ADMITTED_AT, 1),
        model: "openai/gpt-5-mini".into(),
        provider: "openai".into(),
        outcome: Outcome::Cut,
        streamed: Pico::new(streamed),
        cost: Pico::new(cost),
        suspense: Pico::ZERO,
        reserved: Pico::new(reserved),
        overrun: false,
    }
}

pub(crate) fn report(costs_pico: &[i64]) -> Report {
    Report {
        org: Organization { id: OrgId::new(ADMITTED_AT, 1), name: "Acme, Inc.".into() },
        period: Window::MONTH.at(ADMITTED_AT),
        complete_to: Some(ADMITTED_AT),
        lines: (1_u128..).zip(costs_pico).map(|(number, cost)| line(number, *cost)).collect(),
        cut_calls: vec![cut_call(1, [3, 5, 8])],
        total: Amount::from_pico(costs_pico.iter().map(|cost| i128::from(*cost)).sum()),
    }
}

#[test]
fn lines_that_equal_total_events_and_ledger_tie_out() {
    let report = report(&[1, 999_999_999_999, 7]);
    assert_eq!(report.check(report.total, report.total), Ok(()));
}

#[test]
fn a_pico_dollar_too_many_in_the_ledger_or_the_events_is_found() {
    let report = report(&[1, 2]);
    let (total, other) = (Amount::from_pico(3), Amount::from_pico(4));
    assert_eq!(report.check(total, other), Err(TieOut::Ledger { ledger: other, total }));
    assert_eq!(report.check(other, total), Err(TieOut::Events { events: other, total }));
}

#[test]
fn a_cut_call_charged_outside_of_its_bounds_is_found() {
    for bounds in [[3, 2, 8], [3, 9, 8]] {
        let mut report = report(&[1]);
        report.cut_calls.push(cut_call(2, bounds));
        let found = report.check(report.total, report.total);
        assert!(
            matches!(found, Err(TieOut::CutCall { event, .. }) if event == cut_call(2, bounds).event),
            "{found:?}"
        );
    }
}

#[test]
fn a_cut_call_may_cost_exactly_what_was_seen_or_exactly_what_was_reserved() {
    assert!(cut_call(1, [3, 3, 8]).is_within_bounds());
    assert!(cut_call(1, [3, 8, 8]).is_within_bounds());
}

#[test]
fn a_known_overrun_may_be_charged_beyond_what_was_reserved_but_not_below_what_was_seen() {
    let mut event = answered(attempt(1), Pico::new(5));
    event.settlement.outcome = Outcome::Broken;
    assert!(!CutCall::of(&event).unwrap().is_within_bounds(), "nothing was reserved for it");
    event.settlement.flags.raise(Flag::Overrun);
    assert!(CutCall::of(&event).unwrap().is_within_bounds());
    event.settlement.streamed = Pico::new(6);
    assert!(!CutCall::of(&event).unwrap().is_within_bounds());
}

#[test]
fn only_an_attempt_that_did_not_come_to_its_end_is_a_cut_call() {
    let mut event = answered(attempt(1), Pico::new(5));
    for outcome in Outcome::ALL {
        event.settlement.outcome = outcome;
        let is_cut = matches!(outcome, Outcome::Broken | Outcome::Cut | Outcome::Interrupted);
        assert_eq!(CutCall::of(&event).map(|call| call.event), is_cut.then_some(event.attempt.id));
    }
}

proptest! {
    #[test]
    fn one_pico_dollar_off_in_any_line_is_found(costs in prop::collection::vec(any::<i64>(), 1..40), at: prop::sample::Index, up: bool) {
        let mut report = report(&costs);
        prop_assert_eq!(report.check(report.total, report.total), Ok(()));
        let total = report.total;
        let off = Amount::from_pico(if up { 1 } else { -1 });
        at.get_mut(&mut report.lines).cost += off;
        prop_assert_eq!(report.check(total, total), Err(TieOut::Lines { lines: total + off, total }));
    }
}
