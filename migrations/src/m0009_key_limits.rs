//! Limits of single keys.
//!
//! Invariant: null is no limit; a limit is at least 1.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0009_key_limits",
    append_only: &[],
    sql: "ALTER TABLE keys ADD COLUMN requests_per_minute BIGINT;",
};
