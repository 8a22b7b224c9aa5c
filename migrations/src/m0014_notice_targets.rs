//! Where notices go, and which of them have yet to get there.
//!
//! Invariant: a delivery is of a notice that is there, to a target that is there; `next_at` is empty once nothing more
//! is tried.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0014_notice_targets",
    append_only: &[],
    sql: "
CREATE TABLE notice_targets (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    destination TEXT NOT NULL,
    sealed TEXT,
    disabled_at BIGINT,
    delivered_at BIGINT,
    failing_since BIGINT,
    failures INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE notice_deliveries (
    org_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    window_id TEXT NOT NULL,
    percent INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at BIGINT,
    delivered_at BIGINT,
    PRIMARY KEY (org_id, target_id, budget_id, window_id, percent),
    FOREIGN KEY (org_id, target_id) REFERENCES notice_targets (org_id, id),
    FOREIGN KEY (org_id, budget_id, window_id, percent)
        REFERENCES budget_notices (org_id, budget_id, window_id, percent)
);
CREATE INDEX notice_deliveries_next ON notice_deliveries (next_at) WHERE next_at IS NOT NULL;
",
};
