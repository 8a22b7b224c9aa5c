//! When a node last lacked budget money that others hold.
//!
//! Invariant: only the moment is kept; who holds what stands in the leases.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0011_wanted",
    append_only: &[],
    sql: "
ALTER TABLE budget_windows ADD COLUMN wanted_at BIGINT;
CREATE INDEX budget_windows_wanted ON budget_windows (wanted_at);
",
};
