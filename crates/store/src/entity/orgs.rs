//! Rows of organizations and of what their policy is made of.
//!
//! Invariant: each says whose it is.

use crate::entity::table;

table!(org, "orgs", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub policy_revision: i64,
    pub published_revision: i64,
    pub audit_seq: i64,
    pub audit_hash: String,
    pub changed_at: i64,
}, of Id);

table!(team, "teams", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub cost_centre: Option<String>,
}, of OrgId);

table!(member, "members", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub person_id: String,
    pub role: String,
    pub team_id: Option<String>,
    pub removed_at: Option<i64>,
}, of OrgId);

table!(key, "keys", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub team_id: Option<String>,
    pub member_id: Option<String>,
    pub name: String,
    pub kind: String,
    pub public_id: String,
    pub label: String,
    pub hash: String,
    pub previous_hash: Option<String>,
    pub previous_until: Option<i64>,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub requests_per_minute: Option<i64>,
}, of OrgId);

table!(credential, "credentials", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub provider: String,
    pub label: String,
    pub version: i64,
    pub sealed: String,
}, of OrgId);

table!(policy, "policies", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub layer: String,
    pub layer_id: Option<String>,
    pub name: String,
    pub rules: String,
}, of OrgId);

table!(policy_change, "policy_changes", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_id: String,
    pub removed: bool,
}, of OrgId);
