//! Budgets, where each stands in each window, and what nodes hold of them.
//!
//! Invariant: a budget is never deleted, since leases and usage events name it; `revision` counts the changes of a
//! window, and every change names the one it was made from.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0004_budgets",
    append_only: &[],
    sql: "
CREATE TABLE budgets (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    scope_id TEXT,
    limit_micro BIGINT NOT NULL,
    limit_rest INTEGER NOT NULL,
    window_kind TEXT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE budget_windows (
    org_id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    window_id TEXT NOT NULL,
    spent_micro BIGINT NOT NULL,
    spent_rest INTEGER NOT NULL,
    escrow_micro BIGINT NOT NULL,
    escrow_rest INTEGER NOT NULL,
    suspense_micro BIGINT NOT NULL,
    suspense_rest INTEGER NOT NULL,
    overrun_micro BIGINT NOT NULL,
    overrun_rest INTEGER NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org_id, budget_id, window_id),
    FOREIGN KEY (org_id, budget_id) REFERENCES budgets (org_id, id)
);

CREATE TABLE leases (
    org_id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    window_id TEXT NOT NULL,
    node TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    granted_micro BIGINT NOT NULL,
    granted_rest INTEGER NOT NULL,
    settled_micro BIGINT NOT NULL,
    settled_rest INTEGER NOT NULL,
    returned_micro BIGINT NOT NULL,
    returned_rest INTEGER NOT NULL,
    PRIMARY KEY (org_id, budget_id, window_id, node, incarnation),
    FOREIGN KEY (org_id, budget_id, window_id) REFERENCES budget_windows (org_id, budget_id, window_id)
);
CREATE INDEX leases_node ON leases (node, incarnation);
",
};
