//! Which thresholds of a budget's limit were reached in which window, and when.
//!
//! Invariant: once per budget, window and threshold.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0013_budget_notices",
    append_only: &[],
    sql: "
CREATE TABLE budget_notices (
    org_id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    window_id TEXT NOT NULL,
    percent INTEGER NOT NULL,
    reached_at BIGINT NOT NULL,
    spent_micro BIGINT NOT NULL,
    spent_rest INTEGER NOT NULL,
    limit_micro BIGINT NOT NULL,
    limit_rest INTEGER NOT NULL,
    PRIMARY KEY (org_id, budget_id, window_id, percent),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id)
);
",
};
