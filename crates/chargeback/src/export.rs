//! A report as CSV (RFC 4180): one header row with the units in its names, then the rows in a fixed order.
//!
//! Invariant: the same report gives the same bytes; an amount is written digit for digit, and no text of an organization
//! reaches a spreadsheet as a formula.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};
use domain::TokenClass;

use crate::report::{CutCall, Line, Report};

const CUT_CALL_COLUMNS: [&str; 14] = [
    "period",
    "org_id",
    "complete_to_utc",
    "event_id",
    "admitted_at_utc",
    "key_id",
    "model",
    "provider",
    "outcome",
    "streamed_usd",
    "cost_usd",
    "suspense_usd",
    "reserved_usd",
    "overrun",
];

/// Writes the lines. The column `cost_usd` adds up to the report's total.
///
/// # Errors
/// Those of `out`.
pub fn write_csv(report: &Report, out: impl Write) -> io::Result<()> {
    let mut lines: Vec<&Line> = report.lines.iter().collect();
    lines.sort_by(|a, b| a.order(b));
    let mut csv = writer(out);
    let described =
        ["period", "org_id", "org_name", "complete_to_utc", "cost_centre", "team_id", "team_name"];
    let header = described.into_iter().chain(["key_id", "key_name", "model", "provider", "requests"]);
    csv.write_record(header.chain(TokenClass::ALL.map(column)).chain(["cost_usd"]))?;
    let period = report.period.to_string();
    let org = [report.org.id.to_string(), text(&report.org.name).into_owned(), complete_to(report)];
    for line in lines {
        csv.write_field(&period)?;
        for field in &org {
            csv.write_field(field)?;
        }
        write_line(&mut csv, line)?;
    }
    csv.flush()
}

fn write_line(csv: &mut Writer<impl Write>, line: &Line) -> io::Result<()> {
    let team = line.team.map(|team| team.to_string()).unwrap_or_default();
    csv.write_field(&*text(line.cost_centre.as_deref().unwrap_or_default()))?;
    csv.write_field(team)?;
    csv.write_field(&*text(line.team_name.as_deref().unwrap_or_default()))?;
    csv.write_field(line.key.to_string())?;
    csv.write_field(&*text(&line.key_name))?;
    csv.write_field(&*text(&line.model))?;
    csv.write_field(&*text(&line.provider))?;
    csv.write_field(line.requests.to_string())?;
    for (_, quantity) in line.quantities.iter() {
        csv.write_field(quantity.to_string())?;
    }
    csv.write_field(line.cost.to_string())?;
    Ok(csv.write_record(None::<&[u8]>)?)
}

/// Writes the calls that were cut short, one by one, in the order of their ids, which is that of their admission.
///
/// # Errors
/// Those of `out`.
pub fn write_cut_calls_csv(report: &Report, out: impl Write) -> io::Result<()> {
    let mut calls: Vec<&CutCall> = report.cut_calls.iter().collect();
    calls.sort_by_key(|call| call.event);
    let mut csv = writer(out);
    csv.write_record(CUT_CALL_COLUMNS)?;
    for call in calls {
        csv.write_record([
            report.period.to_string(),
            report.org.id.to_string(),
            complete_to(report),
            call.event.to_string(),
            call.admitted_at.to_string(),
            call.key.to_string(),
            text(&call.model).into_owned(),
            text(&call.provider).into_owned(),
            call.outcome.name().to_owned(),
            call.streamed.to_string(),
            call.cost.to_string(),
            call.suspense.to_string(),
            call.reserved.to_string(),
            call.overrun.to_string(),
        ])?;
    }
    csv.flush()
}

/// Empty where it is not known.
fn complete_to(report: &Report) -> String {
    report.complete_to.map(|moment| moment.to_string()).unwrap_or_default()
}

fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out)
}

/// A spreadsheet runs a cell that begins with one of these as a formula; an apostrophe before it makes it text.
fn text(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return Cow::Owned(format!("'{cell}"));
    }
    Cow::Borrowed(cell)
}

const fn column(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input_tokens",
        TokenClass::CachedInput => "cached_input_tokens",
        TokenClass::CacheWrite5m => "cache_write_5m_tokens",
        TokenClass::CacheWrite1h => "cache_write_1h_tokens",
        TokenClass::Output => "output_tokens",
        TokenClass::Reasoning => "reasoning_tokens",
        TokenClass::AudioInput => "audio_input_tokens",
        TokenClass::AudioOutput => "audio_output_tokens",
        TokenClass::ImageInput => "image_input_units",
        TokenClass::ImageOutput => "image_output_units",
        TokenClass::Request => "charged_requests",
        TokenClass::ToolCall => "charged_tool_calls",
    }
}

#[cfg(test)]
mod tests;
