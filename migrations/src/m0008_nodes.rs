//! Nodes, which revisions they enforce, and money of unknown use that is held back for their sake.
//!
//! Invariant: an acknowledgement is of the newest revision told; everything a node admitted before `complete_to` is
//! committed, 0 being not known; `suspense_notes` says, entry by entry, what went into suspense beside usage events and
//! what was released from it.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0008_nodes",
    append_only: &["suspense_notes"],
    sql: "
ALTER TABLE orgs ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE platform_state ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE platform_state ADD COLUMN master_key_check TEXT;
ALTER TABLE leases ADD COLUMN suspended_micro BIGINT NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN suspended_rest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN suspended_at BIGINT;

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    boot TEXT NOT NULL,
    committed BIGINT NOT NULL,
    complete_to BIGINT NOT NULL,
    contact_every_ms BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE node_acks (
    node TEXT NOT NULL REFERENCES nodes (id),
    subject TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    acked_at BIGINT NOT NULL,
    refused TEXT,
    PRIMARY KEY (node, subject)
);
CREATE INDEX node_acks_subject ON node_acks (subject);

CREATE TABLE suspense_notes (
    org_id TEXT NOT NULL,
    batch_seq BIGINT NOT NULL,
    note_no BIGINT NOT NULL,
    subject TEXT NOT NULL,
    period TEXT NOT NULL,
    amount_pico BIGINT NOT NULL,
    PRIMARY KEY (org_id, batch_seq, note_no),
    FOREIGN KEY (org_id, batch_seq) REFERENCES ledger_batches (org_id, seq)
);
CREATE INDEX suspense_notes_subject ON suspense_notes (org_id, subject);
",
};
