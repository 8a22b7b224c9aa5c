//! The ledger: double entry, append-only, in hash-chained batches with a Merkle root over their events.
//!
//! Invariant: rows of a batch and its entries are never changed or deleted; `ledger_heads` says where each
//! organization's chain ends, and its row is the lock under which events of the organization are committed.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0006_ledger",
    append_only: &["ledger_batches", "ledger_entries"],
    sql: "
CREATE TABLE ledger_heads (
    org_id TEXT PRIMARY KEY REFERENCES orgs (id),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE ledger_batches (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    seq BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    prev_hash TEXT NOT NULL,
    root TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (org_id, seq)
);

CREATE TABLE ledger_entries (
    org_id TEXT NOT NULL,
    batch_seq BIGINT NOT NULL,
    entry_no BIGINT NOT NULL,
    account TEXT NOT NULL,
    event_id TEXT NOT NULL,
    period TEXT NOT NULL,
    amount_pico BIGINT NOT NULL,
    PRIMARY KEY (org_id, batch_seq, entry_no),
    FOREIGN KEY (org_id, batch_seq) REFERENCES ledger_batches (org_id, seq)
);
CREATE INDEX ledger_entries_period ON ledger_entries (org_id, period, account);
",
};
