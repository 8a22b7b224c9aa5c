//! Rows of nodes and of what they acknowledged.
//!
//! Invariant: they belong to no organization; `subject` is an organization's id, or `platform`.

use crate::entity::table;

table!(node, "nodes", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub version: String,
    pub incarnation: i64,
    pub boot: String,
    pub committed: i64,
    pub complete_to: i64,
    pub contact_every_ms: i64,
    pub started_at: i64,
    pub seen_at: i64,
    pub retired_at: Option<i64>,
});

table!(node_ack, "node_acks", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub node: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub epoch: i64,
    pub revision: i64,
    pub acked_at: i64,
    pub refused: Option<String>,
});
