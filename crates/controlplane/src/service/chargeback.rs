//! The chargeback report of one month.
//!
//! Invariant: a report that does not tie out, to the pico-dollar, with the events and the ledger is an error, never a
//! report.

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
    text.parse().map_err(|error: domain::limit::InvalidWindow| AdminError::bad_input("period", error.to_string()))
}

/// The month's lines and totals, tied out; the cut-short calls are read apart, a page at a time.
pub(crate) async fn lines(scope: &OrgScope, period: WindowId) -> Result<TiedOut, AdminError> {
    let org = scope.org().await?;
    let (rows, totals) = scope.chargeback(period).await?;
    let report = Report {
        org: Organization { id: org.id, name: org.name },
        period,
        lines: sorted(rows.into_iter().map(line).collect()),
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

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(Line::order);
    lines
}

fn line(row: ChargebackRow) -> Line {
    Line {
        team: row.team,
        team_name: row.team_name,
        cost_centre: row.cost_centre,
        key: row.key,
        key_name: row.key_name,
        model: row.model,
        provider: row.provider,
        requests: row.requests,
        quantities: row.usage,
        cost: row.cost,
    }
}
