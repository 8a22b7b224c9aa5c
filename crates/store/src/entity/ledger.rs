//! Rows of the ledger and of the audit log.
//!
//! Invariant: batches, entries and audit rows are inserted and read, nothing else.

use crate::entity::table;

table!(ledger_head, "ledger_heads", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    pub seq: i64,
    pub hash: String,
}, of OrgId);

table!(ledger_batch, "ledger_batches", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub committed_at: i64,
    pub events: i64,
    pub prev_hash: String,
    pub root: String,
    pub hash: String,
}, of OrgId);

table!(ledger_entry, "ledger_entries", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch_seq: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_no: i64,
    pub account: String,
    pub event_id: String,
    pub period: String,
    pub amount_pico: i64,
}, of OrgId);

table!(suspense_note, "suspense_notes", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch_seq: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub note_no: i64,
    pub subject: String,
    pub period: String,
    pub amount_pico: i64,
}, of OrgId);

table!(audit, "audit", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub at: i64,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub action: String,
    pub object: String,
    pub detail: String,
    pub prev_hash: String,
    pub hash: String,
}, of Chain);
