//! Report downloads.
//!
//! Invariant: the same role as for reading usage; every download is in the audit log before its first byte leaves.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use chargeback::{Report, write_csv, write_cut_calls_csv};
use domain::OrgId;
use domain::org::Capability;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::json;

use crate::auth::actor::Actor;
use crate::deps::App;
use crate::error::AdminError;
use crate::service;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    org: String,
    period: String,
}

/// Everything admitted before is in the report; empty where it is not known.
const COMPLETE_TO: HeaderName = HeaderName::from_static("weir-complete-to");

type Writer = fn(&Report, &mut Vec<u8>) -> std::io::Result<()>;

/// `GET /reports/chargeback.csv?org=…&period=2026-11`: the lines.
pub(crate) async fn chargeback(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, AdminError> {
    download(&app, &wanted, &headers, ("chargeback", |report, out| write_csv(report, out))).await
}

/// `GET /reports/cut-calls.csv?org=…&period=2026-11`: the calls that were cut short, one by one.
pub(crate) async fn cut_calls(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, AdminError> {
    download(&app, &wanted, &headers, ("cut-calls", |report, out| write_cut_calls_csv(report, out))).await
}

async fn download(
    app: &App,
    wanted: &Wanted,
    headers: &HeaderMap,
    (name, write): (&str, Writer),
) -> Result<Response, AdminError> {
    let actor = Actor::authenticate(&app.deps, headers).await?;
    let org: OrgId = wanted.org.parse().map_err(|_| AdminError::NotFound("organization"))?;
    let access = actor.access(org)?;
    let scope = access.scope(Capability::ReadUsage)?;
    let period = service::chargeback::period(&wanted.period)?;
    let report = service::chargeback::whole(&scope, period).await?;
    let mut csv = Vec::new();
    write(&report, &mut csv).map_err(AdminError::internal)?;
    let author = (access.author(), app.deps.clock.now());
    let detail = json!({ "report": name, "period": period.to_string() });
    scope.note(author, "download_report", &org.to_string(), detail).await?;
    let disposition = format!("attachment; filename=\"{name}-{period}.csv\"");
    let complete_to = report.complete_to.map(|moment| moment.to_string()).unwrap_or_default();
    let headers = [
        (COMPLETE_TO, complete_to),
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, csv).into_response())
}
