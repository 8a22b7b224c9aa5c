//! The chargeback report of one month.
//!
//! Invariant: a report that does not tie out, to the pico-dollar, with the events and the ledger is an error, never a
//! report.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chargeback::{CutCall, Line, Organization, Report};
use domain::WindowId;
use store::{ChargebackRow, OrgScope, Page, Totals};

use crate::error::AdminError;

/// Cut-short calls are read this many at a time.
const AT_ONCE: u32 = 500;

/// A report with what it was tied out against.
pub(crate) struct TiedOut {
    pub(crate) report: Report,
    pub(crate) totals: Totals,
}

/// Reads `2026-11`.
pub(crate) fn period(text: &str) -> Result<WindowId, AdminError> {
    let month = text.parse().ok().filter(|period: &WindowId| period.is_month());
    month.ok_or_else(|| AdminError::bad_input("period", "not a calendar month of the form 2026-11"))
}

/// The month's lines and totals, tied out; the cut-short calls are read apart, a page at a time.
pub(crate) async fn lines(scope: &OrgScope, period: WindowId) -> Result<TiedOut, AdminError> {
    let org = scope.org().await?;
    // Before the sums, so that they hold everything it promises.
    let complete_to = scope.complete_to().await?;
    let (rows, totals) = scope.chargeback_with_totals(period).await?;
    let report = Report {
        org: Organization { id: org.id, name: org.name },
        period,
        complete_to,
        lines: merged(rows),
        cut_calls: Vec::new(),
        total: totals.events,
    };
    report.check(totals.events, totals.ledger).map_err(AdminError::internal)?;
    Ok(TiedOut { report, totals })
}

/// The whole report: lines and every cut-short call, tied out.
pub(crate) async fn whole(scope: &OrgScope, period: WindowId) -> Result<Report, AdminError> {
    let TiedOut { mut report, totals } = lines(scope, period).await?;
    let mut after = None;
    loop {
        let paged = scope.cut_calls(period, &Page { after, first: AT_ONCE }).await?;
        after = paged.items.last().map(|event| event.attempt.id.to_string());
        report.cut_calls.extend(paged.items.iter().filter_map(CutCall::of));
        if !paged.has_next {
            break;
        }
    }
    report.check(totals.events, totals.ledger).map_err(AdminError::internal)?;
    Ok(report)
}

/// One line per key, team, cost centre, model and provider, in the order of reports: whose member the key was meanwhile
/// makes no other line.
fn merged(rows: Vec<ChargebackRow>) -> Vec<Line> {
    let mut lines: HashMap<_, Line> = HashMap::with_capacity(rows.len());
    for row in rows {
        let place = (row.team, row.cost_centre.clone(), row.key, row.model.clone(), row.provider.clone());
        match lines.entry(place) {
            Entry::Occupied(mut known) => add(known.get_mut(), &row),
            Entry::Vacant(place) => drop(place.insert(line(row))),
        }
    }
    let mut lines: Vec<Line> = lines.into_values().collect();
    lines.sort_by(Line::order);
    lines
}

fn add(line: &mut Line, row: &ChargebackRow) {
    line.requests = line.requests.saturating_add(row.requests);
    line.cost += row.cost;
    for (class, units) in row.usage.iter() {
        line.quantities.set(class, line.quantities.get(class).saturating_add(units));
    }
}

fn line(row: ChargebackRow) -> Line {
    Line {
        team: row.team,
        team_name: row.team_name,
        cost_centre: row.cost_centre,
        key: row.key,
        key_name: row.key_name.unwrap_or_else(|| row.key.to_string()),
        model: row.model,
        provider: row.provider,
        requests: row.requests,
        quantities: row.usage,
        cost: row.cost,
    }
}
