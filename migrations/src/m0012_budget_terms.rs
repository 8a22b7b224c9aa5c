//! What happens at a budget's limit, which requests draw on it, when notice is given, and raises for some time.
//!
//! Invariant: a budget of before is hard, counts every request in its scope, and has the thresholds of a new one.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0012_budget_terms",
    append_only: &[],
    sql: r#"
ALTER TABLE budgets ADD COLUMN enforcement TEXT NOT NULL DEFAULT 'hard';
ALTER TABLE budgets ADD COLUMN filter TEXT NOT NULL
    DEFAULT '{"models":[],"providers":[],"data_classes":[],"tag":null}';
ALTER TABLE budgets ADD COLUMN thresholds TEXT NOT NULL DEFAULT '[80,100]';

CREATE TABLE budget_raises (
    org_id TEXT NOT NULL,
    id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    amount_micro BIGINT NOT NULL,
    amount_rest INTEGER NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT NOT NULL,
    granted_by TEXT,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id)
);
CREATE INDEX budget_raises_until ON budget_raises (org_id, budget_id, until);
"#,
};
