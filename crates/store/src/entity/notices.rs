//! Rows of the places that notices go to, and of what is on its way there.
//!
//! Invariant: a secret is there sealed, or not at all.

use crate::entity::table;

table!(notice_target, "notice_targets", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub kind: String,
    pub destination: String,
    pub sealed: Option<String>,
    pub disabled_at: Option<i64>,
    pub delivered_at: Option<i64>,
    pub failing_since: Option<i64>,
    pub failures: i32,
    pub last_error: Option<String>,
}, of OrgId);

table!(notice_delivery, "notice_deliveries", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub target_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub budget_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub percent: i32,
    pub attempts: i32,
    pub next_at: Option<i64>,
    pub delivered_at: Option<i64>,
}, of OrgId);
