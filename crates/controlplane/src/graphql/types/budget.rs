//! A budget with where it stands, and what creating, changing and removing one takes.
//!
//! Invariant: money is shown digit for digit; nothing is computed here but sums of what the store says.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use domain::limit::BudgetScope;

use crate::graphql::error::Result;
use crate::graphql::scalars::{DateTime, Usd};
use crate::graphql::types::propagation::Applied;
use crate::service::budgets::Standing;
use crate::service::input::{id, no_id, required};

/// Whose requests draw on a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum BudgetScopeKind {
    Org,
    Team,
    Member,
    Key,
}

/// When a budget starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::limit::Period")]
pub(crate) enum BudgetWindow {
    /// At midnight.
    Day,
    /// On Monday.
    Week,
    /// On the first of the month.
    Month,
    /// Every three months, counted from the fiscal start month.
    Quarter,
    /// On the first of the fiscal start month.
    Year,
    /// Never.
    Lifetime,
}

/// A hard limit on spend in one window.
pub(crate) struct Budget(pub(crate) Standing);

#[Object]
impl Budget {
    pub(crate) async fn id(&self) -> ID {
        self.0.budget.id.to_string().into()
    }

    /// What a refusal calls it.
    async fn name(&self) -> &str {
        &self.0.budget.name
    }

    /// Whose requests draw on it.
    async fn scope(&self) -> BudgetScopeKind {
        match self.0.budget.scope {
            BudgetScope::Org => BudgetScopeKind::Org,
            BudgetScope::Team(_) => BudgetScopeKind::Team,
            BudgetScope::Member(_) => BudgetScopeKind::Member,
            BudgetScope::Key(_) => BudgetScopeKind::Key,
        }
    }

    /// The team, member or key; null for the whole organization.
    async fn scope_id(&self) -> Option<ID> {
        match self.0.budget.scope {
            BudgetScope::Org => None,
            BudgetScope::Team(id) => Some(id.to_string().into()),
            BudgetScope::Member(id) => Some(id.to_string().into()),
            BudgetScope::Key(id) => Some(id.to_string().into()),
        }
    }

    /// How much may be spent in one window.
    async fn limit(&self) -> Usd {
        self.0.budget.limit.into()
    }

    /// When it starts afresh.
    async fn window(&self) -> BudgetWindow {
        self.0.budget.window.period().into()
    }

    /// Whose midnight counts: an IANA time zone such as `Europe/Berlin`.
    async fn time_zone(&self) -> &str {
        self.0.budget.window.zone_name()
    }

    /// The month that years and quarters begin with; 1 is January.
    async fn fiscal_start_month(&self) -> u32 {
        self.0.budget.window.fiscal_start_month()
    }

    /// Where it stands in the present window.
    async fn state(&self) -> BudgetState {
        BudgetState::new(&self.0)
    }
}

/// Where a budget stands in one window: the limit is never less than spent, suspense and escrow together.
#[derive(SimpleObject)]
pub(crate) struct BudgetState {
    /// The limit as it applies: after it was lowered, not below what is spent or granted.
    effective_limit: Usd,
    /// Settled.
    spent: Usd,
    /// Granted to nodes and not yet spent.
    escrow: Usd,
    /// Of unknown use; counts as spent.
    suspense: Usd,
    /// Billed by providers beyond every reservation; booked apart.
    overrun: Usd,
    /// What can still be granted.
    available: Usd,
    /// The window's name, such as `2026-11-21`, `2026-W47`, `2026-11`, `2026-Q4`, `2026`, `FY2027-Q1`, `FY2027` or
    /// `lifetime`. A fiscal year is called by the calendar year it ends in.
    window_id: String,
    /// When the present window began.
    started_at: DateTime,
    /// When the next window begins; null where none does.
    resets_at: Option<DateTime>,
}

impl BudgetState {
    fn new(Standing { budget, window, state }: &Standing) -> Self {
        Self {
            effective_limit: state.limit.into(),
            spent: state.spent.into(),
            escrow: state.escrow.into(),
            suspense: state.suspense.into(),
            overrun: state.overrun.into(),
            available: (state.limit - state.spent - state.suspense - state.escrow).into(),
            window_id: window.to_string(),
            started_at: budget.window.start(*window).into(),
            resets_at: budget.window.end(*window).map(Into::into),
        }
    }
}

#[derive(InputObject)]
pub(crate) struct CreateBudgetInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
    pub(crate) scope: BudgetScopeKind,
    /// The team, member or key; left out for the whole organization.
    pub(crate) scope_id: Option<ID>,
    pub(crate) limit: Usd,
    #[graphql(default_with = "BudgetWindow::Month")]
    pub(crate) window: BudgetWindow,
    /// Whose midnight counts: an IANA time zone such as `Europe/Berlin`.
    #[graphql(default_with = "String::from(\"UTC\")")]
    pub(crate) time_zone: String,
    /// The month that years and quarters begin with; 1 is January.
    #[graphql(default = 1)]
    pub(crate) fiscal_start_month: u32,
}

#[derive(InputObject)]
pub(crate) struct UpdateBudgetInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    pub(crate) name: Option<String>,
    pub(crate) limit: Option<Usd>,
    pub(crate) window: Option<BudgetWindow>,
    /// Whose midnight counts: an IANA time zone such as `Europe/Berlin`.
    pub(crate) time_zone: Option<String>,
    /// The month that years and quarters begin with; 1 is January.
    pub(crate) fiscal_start_month: Option<u32>,
}

#[derive(InputObject)]
pub(crate) struct RemoveBudgetInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct BudgetPayload {
    pub(crate) budget: Budget,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}

/// Reads the two fields that say whose requests draw on a budget.
pub(crate) fn scope(kind: BudgetScopeKind, scope_id: Option<&ID>) -> Result<BudgetScope> {
    const FIELD: &str = "scopeId";
    Ok(match kind {
        BudgetScopeKind::Org => {
            no_id(FIELD, scope_id)?;
            BudgetScope::Org
        }
        BudgetScopeKind::Team => BudgetScope::Team(id(FIELD, required(FIELD, scope_id)?)?),
        BudgetScopeKind::Member => BudgetScope::Member(id(FIELD, required(FIELD, scope_id)?)?),
        BudgetScopeKind::Key => BudgetScope::Key(id(FIELD, required(FIELD, scope_id)?)?),
    })
}
