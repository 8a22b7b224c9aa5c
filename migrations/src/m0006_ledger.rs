//! The ledger: double entry, append-only, in hash-chained batches with a Merkle root over their events.
//!
//! Invariant: rows of a batch and its entries are never changed or deleted; `ledger_heads` says where each
//! organization's chain ends, and its row is the lock under which events of the organization are committed.
//! `usage_hours` is a projection of the events: it can be made anew from them. Sums are whole millions and the sum of what
//! is left of each event, so that they are added to without a carry.

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
    PRIMARY KEY (org_id, batch_seq, entry_no, period),
    FOREIGN KEY (org_id, batch_seq) REFERENCES ledger_batches (org_id, seq)
) /* by period */;
CREATE INDEX ledger_entries_period ON ledger_entries (org_id, period, account);

CREATE TABLE usage_hours (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    hour BIGINT NOT NULL,
    slot TEXT NOT NULL,
    team_id TEXT,
    cost_centre TEXT,
    key_id TEXT NOT NULL,
    member_id TEXT,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    requests BIGINT NOT NULL,
    units_input_millions BIGINT NOT NULL,
    units_input_rest BIGINT NOT NULL,
    units_cached_input_millions BIGINT NOT NULL,
    units_cached_input_rest BIGINT NOT NULL,
    units_cache_write_5m_millions BIGINT NOT NULL,
    units_cache_write_5m_rest BIGINT NOT NULL,
    units_cache_write_1h_millions BIGINT NOT NULL,
    units_cache_write_1h_rest BIGINT NOT NULL,
    units_output_millions BIGINT NOT NULL,
    units_output_rest BIGINT NOT NULL,
    units_reasoning_millions BIGINT NOT NULL,
    units_reasoning_rest BIGINT NOT NULL,
    units_audio_input_millions BIGINT NOT NULL,
    units_audio_input_rest BIGINT NOT NULL,
    units_audio_output_millions BIGINT NOT NULL,
    units_audio_output_rest BIGINT NOT NULL,
    units_image_input_millions BIGINT NOT NULL,
    units_image_input_rest BIGINT NOT NULL,
    units_image_output_millions BIGINT NOT NULL,
    units_image_output_rest BIGINT NOT NULL,
    units_request_millions BIGINT NOT NULL,
    units_request_rest BIGINT NOT NULL,
    units_tool_call_millions BIGINT NOT NULL,
    units_tool_call_rest BIGINT NOT NULL,
    cost_millions BIGINT NOT NULL,
    cost_rest BIGINT NOT NULL,
    suspense_millions BIGINT NOT NULL,
    suspense_rest BIGINT NOT NULL,
    PRIMARY KEY (org_id, hour, slot)
);
CREATE INDEX usage_hours_key ON usage_hours (org_id, key_id, hour);
",
};
