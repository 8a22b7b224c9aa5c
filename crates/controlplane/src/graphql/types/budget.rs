//! A budget with where it stands, and what creating, changing and removing one takes.
//!
//! Invariant: money is shown digit for digit; nothing is computed here but sums of what the store says.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use domain::limit::{self, BudgetScope, Raise};
use store::Notice;

use crate::graphql::error::Result;
use crate::graphql::scalars::{DateTime, Usd};
use crate::graphql::types::propagation::Applied;
use crate::graphql::types::usage::Tag;
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

/// What happens to a request that a budget cannot cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::limit::Enforcement")]
pub(crate) enum BudgetEnforcement {
    /// It is refused: the limit is never exceeded.
    Hard,
    /// It is served: the limit is there to be told of.
    Soft,
}

/// A limit on spend in one window.
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

    /// What happens at the limit.
    async fn enforcement(&self) -> BudgetEnforcement {
        self.0.budget.enforcement.into()
    }

    /// Which requests in its scope count; null when all do.
    async fn filter(&self) -> Option<BudgetFilter> {
        let filter = &self.0.budget.filter;
        (!filter.is_empty()).then(|| filter.clone().into())
    }

    /// At which percentages of the limit notice is given.
    async fn thresholds(&self) -> Vec<u32> {
        self.0.budget.thresholds.percentages().iter().copied().map(u32::from).collect()
    }

    /// What was or is added to its limit for some time, newest first; the last 100.
    async fn raises(&self) -> Vec<BudgetRaise> {
        self.0.raises.iter().cloned().map(Into::into).collect()
    }

    /// The thresholds it has reached in the present window, the lowest first.
    async fn notices(&self) -> Vec<BudgetNotice> {
        self.0.notices.iter().copied().map(Into::into).collect()
    }

    /// Where it stands in the present window.
    async fn state(&self) -> BudgetState {
        BudgetState::new(&self.0)
    }
}

/// Which requests a budget counts: those that match every part that is given.
#[derive(SimpleObject)]
pub(crate) struct BudgetFilter {
    /// Slugs of models; empty for every model.
    models: Vec<String>,
    /// Slugs of providers; empty for every provider.
    providers: Vec<String>,
    /// Data classes; empty for every class.
    data_classes: Vec<String>,
    /// A key and its value, as apps declare them in `metadata`.
    tag: Option<Tag>,
}

impl From<limit::BudgetFilter> for BudgetFilter {
    fn from(filter: limit::BudgetFilter) -> Self {
        let limit::BudgetFilter { models, providers, data_classes, tag } = filter;
        Self { models, providers, data_classes, tag: tag.map(|(key, value)| Tag { key, value }) }
    }
}

/// More money on a budget for some time.
#[derive(SimpleObject)]
pub(crate) struct BudgetRaise {
    id: ID,
    /// How much it adds to the limit.
    amount: Usd,
    since: DateTime,
    /// Up to when; a raise that was ended before its time ends when it was.
    until: DateTime,
    reason: String,
    /// The person or key that granted it.
    granted_by: Option<ID>,
}

impl From<Raise> for BudgetRaise {
    fn from(raise: Raise) -> Self {
        Self {
            id: raise.id.to_string().into(),
            amount: raise.amount.into(),
            since: raise.since.into(),
            until: raise.until.into(),
            reason: raise.reason,
            granted_by: raise.granted_by.map(Into::into),
        }
    }
}

/// A threshold that a budget has reached.
#[derive(SimpleObject)]
pub(crate) struct BudgetNotice {
    /// The percentage of the limit.
    percent: u32,
    reached_at: DateTime,
    /// What was spent then.
    spent: Usd,
    /// What the limit was then, with raises.
    limit: Usd,
}

impl From<Notice> for BudgetNotice {
    fn from(Notice { percent, reached_at, spent, limit }: Notice) -> Self {
        Self {
            percent: percent.into(),
            reached_at: reached_at.into(),
            spent: spent.into(),
            limit: limit.into(),
        }
    }
}

/// Where a budget stands in one window: a hard limit is never less than spent, suspense and escrow together.
#[derive(SimpleObject)]
pub(crate) struct BudgetState {
    /// The limit as it applies: with the raises in force; a hard one, after it was lowered, not below what is spent or
    /// granted.
    effective_limit: Usd,
    /// More is spent than the budget's own limit and the raises in force allow.
    exceeded: bool,
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
    fn new(standing: &Standing) -> Self {
        let Standing { budget, window, state, .. } = standing;
        Self {
            effective_limit: state.limit.into(),
            exceeded: standing.is_exceeded(),
            spent: state.spent.into(),
            escrow: state.escrow.into(),
            suspense: state.suspense.into(),
            overrun: state.overrun.into(),
            available: state.available().into(),
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
    #[graphql(default_with = "BudgetEnforcement::Hard")]
    pub(crate) enforcement: BudgetEnforcement,
    /// Left out: every request in its scope counts.
    pub(crate) filter: Option<BudgetFilterInput>,
    /// At which percentages of the limit notice is given.
    #[graphql(default_with = "vec![80, 100]")]
    pub(crate) thresholds: Vec<u32>,
}

/// Which requests a budget counts: those that match every part that is given. Empty lists mean every one.
#[derive(InputObject)]
pub(crate) struct BudgetFilterInput {
    #[graphql(default)]
    models: Vec<String>,
    #[graphql(default)]
    providers: Vec<String>,
    #[graphql(default)]
    data_classes: Vec<String>,
    tag: Option<TagInput>,
}

#[derive(InputObject)]
pub(crate) struct TagInput {
    key: String,
    value: String,
}

impl From<BudgetFilterInput> for limit::BudgetFilter {
    fn from(input: BudgetFilterInput) -> Self {
        let BudgetFilterInput { models, providers, data_classes, tag } = input;
        Self { models, providers, data_classes, tag: tag.map(|TagInput { key, value }| (key, value)) }
    }
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
    pub(crate) enforcement: Option<BudgetEnforcement>,
    /// Replaces the whole filter; with nothing in it every request in the scope counts.
    pub(crate) filter: Option<BudgetFilterInput>,
    /// At which percentages of the limit notice is given.
    pub(crate) thresholds: Option<Vec<u32>>,
}

#[derive(InputObject)]
pub(crate) struct RaiseBudgetInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    /// How much to add to the limit.
    pub(crate) amount: Usd,
    pub(crate) until: DateTime,
    /// Why; it is kept in the audit log.
    pub(crate) reason: String,
}

#[derive(InputObject)]
pub(crate) struct EndBudgetRaiseInput {
    pub(crate) organization_id: ID,
    /// The raise.
    pub(crate) id: ID,
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
