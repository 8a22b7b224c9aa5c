//! The audit log: who changed what, hash-chained per organization, and one chain for the platform.
//!
//! Invariant: rows are never changed or deleted; `chain` is an organization's id, or `platform`.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0007_audit",
    append_only: &["audit"],
    sql: "
CREATE TABLE audit (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);
",
};
