//! `GET /v1/key`: what the key is, what it has used, and which budgets it draws on.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::limit::{Budget, Period, Window};
use domain::{Amount, Timestamp};
use metering::ports::{BudgetState, KeyUsageRequest};
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::ApiError;
use super::extract::Authenticated;
use super::reads::{answer, away, number};
use crate::Deps;

/// OpenRouter's shape (spec: `GET /key`); money is a JSON number written digit for digit.
#[derive(Serialize)]
struct KeyData {
    label: String,
    limit: Option<Box<RawValue>>,
    limit_remaining: Option<Box<RawValue>>,
    limit_reset: Option<&'static str>,
    usage: Option<Box<RawValue>>,
    usage_daily: Option<Box<RawValue>>,
    usage_weekly: Option<Box<RawValue>>,
    usage_monthly: Option<Box<RawValue>>,
    is_free_tier: bool,
    is_management_key: bool,
    is_provisioning_key: bool,
    expires_at: Option<String>,
    organization_id: String,
    budgets: Vec<KeyBudget>,
}

#[derive(Serialize)]
struct KeyBudget {
    budget_id: String,
    name: String,
    scope: &'static str,
    enforcement: &'static str,
    /// It counts some requests only.
    is_narrowed: bool,
    limit_usd: Option<Box<RawValue>>,
    spend_usd: Option<Box<RawValue>>,
    remaining_usd: Option<Box<RawValue>>,
    reset_interval: Option<&'static str>,
    resets_at: Option<String>,
    time_zone: &'static str,
}

/// Answers for the key that asks.
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    let now = deps.clock.now();
    let budgets = caller.budgets().iter().map(|budget| budget.id).collect();
    let request = KeyUsageRequest { org: caller.org_id(), key: caller.key_id(), budgets, now };
    let usage = deps.reads.key_usage(request).await.map_err(|error| away("key usage", &error))?;
    let state =
        |budget: &Budget| usage.budgets.iter().find(|(id, _)| *id == budget.id).map(|(_, state)| *state);
    let budgets: Vec<(&Budget, BudgetState)> =
        caller.budgets().iter().map(|budget| (budget.as_ref(), state(budget).unwrap_or_default())).collect();
    let refusing = budgets.iter().filter(|(budget, _)| budget.is_hard() && budget.filter.is_empty());
    let tightest = refusing.min_by_key(|(budget, state)| remaining(budget, state));
    answer(KeyData {
        label: caller.key().label.clone(),
        limit: tightest.and_then(|(budget, state)| number(limit(budget, state))),
        limit_remaining: tightest.and_then(|(budget, state)| number(remaining(budget, state))),
        limit_reset: tightest.and_then(|(budget, _)| interval(budget.window)),
        usage: number(usage.total),
        usage_daily: number(usage.day),
        usage_weekly: number(usage.week),
        usage_monthly: number(usage.month),
        is_free_tier: false,
        is_management_key: false,
        is_provisioning_key: false,
        expires_at: caller.key().expires_at.map(|moment| moment.to_string()),
        organization_id: caller.org_id().to_string(),
        budgets: budgets.iter().map(|(budget, state)| key_budget(budget, state, now)).collect(),
    })
}

fn key_budget(budget: &Budget, state: &BudgetState, now: Timestamp) -> KeyBudget {
    let window = budget.window;
    KeyBudget {
        budget_id: budget.id.to_string(),
        name: budget.name.clone(),
        scope: budget.scope.name(),
        enforcement: budget.enforcement.name(),
        is_narrowed: !budget.filter.is_empty(),
        limit_usd: number(limit(budget, state)),
        spend_usd: number(state.spent + state.suspense),
        remaining_usd: number(remaining(budget, state)),
        reset_interval: interval(window),
        resets_at: window.end(window.at(now)).map(|end| window.local(end)),
        time_zone: window.zone_name(),
    }
}

/// How often a limit starts afresh; `null` for a lifetime, which never does.
fn interval(window: Window) -> Option<&'static str> {
    match window.period() {
        Period::Day => Some("daily"),
        Period::Week => Some("weekly"),
        Period::Month => Some("monthly"),
        Period::Quarter => Some("quarterly"),
        Period::Year => Some("yearly"),
        Period::Lifetime => None,
    }
}

/// With raises: the budget's own is its least.
fn limit(budget: &Budget, state: &BudgetState) -> Amount {
    budget.limit.max(state.limit)
}

fn remaining(budget: &Budget, state: &BudgetState) -> Amount {
    limit(budget, state) - state.spent - state.suspense
}
