//! Rows of budgets, their raises, their windows and the leases on them.
//!
//! Invariant: a sum of money is two columns, micro-USD and the pico rest.

use crate::entity::table;

table!(budget, "budgets", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub scope: String,
    pub scope_id: Option<String>,
    pub limit_micro: i64,
    pub limit_rest: i32,
    pub window_kind: String,
    pub removed_at: Option<i64>,
    pub time_zone: String,
    pub fiscal_start_month: i32,
    pub enforcement: String,
    pub filter: String,
    pub thresholds: String,
}, of OrgId);

table!(budget_raise, "budget_raises", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub budget_id: String,
    pub amount_micro: i64,
    pub amount_rest: i32,
    pub since: i64,
    pub until: i64,
    pub reason: String,
    pub granted_by: Option<String>,
}, of OrgId);

table!(budget_notice, "budget_notices", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub budget_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub percent: i32,
    pub reached_at: i64,
    pub spent_micro: i64,
    pub spent_rest: i32,
    pub limit_micro: i64,
    pub limit_rest: i32,
}, of OrgId);

table!(budget_window, "budget_windows", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub budget_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_id: String,
    pub spent_micro: i64,
    pub spent_rest: i32,
    pub escrow_micro: i64,
    pub escrow_rest: i32,
    pub suspense_micro: i64,
    pub suspense_rest: i32,
    pub overrun_micro: i64,
    pub overrun_rest: i32,
    pub revision: i64,
    pub wanted_at: Option<i64>,
}, of OrgId);

table!(lease, "leases", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub budget_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub node: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub incarnation: i64,
    pub granted_micro: i64,
    pub granted_rest: i32,
    pub settled_micro: i64,
    pub settled_rest: i32,
    pub returned_micro: i64,
    pub returned_rest: i32,
    pub suspended_micro: i64,
    pub suspended_rest: i32,
    pub suspended_at: Option<i64>,
}, of OrgId);
