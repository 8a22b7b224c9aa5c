//! Rows of what is the platform's.
//!
//! Invariant: enums and JSON are text here; whoever reads a row checks them.

use crate::entity::table;

table!(platform_state, "platform_state", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub epoch: i64,
    pub revision: i64,
    pub published_revision: i64,
    pub ceiling: String,
    pub audit_seq: i64,
    pub audit_hash: String,
    pub changed_at: i64,
    pub master_key_check: Option<String>,
});

table!(provider, "providers", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub slug: String,
    pub name: String,
    pub dialect: String,
    pub base_url: String,
});

table!(model, "models", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub slug: String,
    pub name: String,
    pub kind: String,
    pub context_length: i64,
    pub created_at: i64,
});

table!(endpoint, "endpoints", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub model: String,
    pub provider: String,
    pub upstream_model: String,
    pub max_output_tokens: i64,
    pub retention: String,
    pub evidence_url: Option<String>,
    pub checked_at: Option<i64>,
    pub trains: Option<bool>,
});

table!(price_version, "price_versions", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub endpoint_id: String,
    pub effective_from: i64,
    pub unit: String,
    pub tiers: String,
});

table!(platform_credential, "platform_credentials", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub provider: String,
    pub label: String,
    pub version: i64,
    pub sealed: String,
});

table!(platform_policy, "platform_policies", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub rules: String,
});
