//! The calendar of a budget's windows, and the order in which a window's usage is summed.
//!
//! Invariant: a budget of before begins afresh with the calendar month in UTC, as it did.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0010_windows",
    append_only: &[],
    sql: "
ALTER TABLE budgets ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE budgets ADD COLUMN fiscal_start_month INTEGER NOT NULL DEFAULT 1;
CREATE INDEX usage_events_admitted ON usage_events (org_id, admitted_at);
",
};
