//! Create, change and remove budgets.
//!
//! Invariant: lowering a limit is always accepted; what is spent or granted stays, and nothing more is granted until the
//! limit covers it.

use domain::limit::{Budget, BudgetScope, InvalidWindow, Period, Window, WindowId};
use domain::org::Capability;
use domain::{Amount, BudgetId};
use metering::ports::BudgetState;
use store::{OrgScope, Page, Paged};

use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// A budget with where it stands in its present window.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) budget: Budget,
    pub(crate) window: WindowId,
    pub(crate) state: BudgetState,
}

/// What a new budget shall be.
pub(crate) struct NewBudget {
    pub(crate) name: String,
    pub(crate) scope: BudgetScope,
    pub(crate) limit: Amount,
    pub(crate) window: Window,
}

/// What shall be another than it is.
#[derive(Default)]
pub(crate) struct BudgetChange {
    pub(crate) name: Option<String>,
    pub(crate) limit: Option<Amount>,
    pub(crate) period: Option<Period>,
    pub(crate) time_zone: Option<String>,
    pub(crate) fiscal_start_month: Option<u32>,
}

impl BudgetChange {
    fn window(&self, now: Window) -> Result<Window, AdminError> {
        let zone = self.time_zone.as_deref().unwrap_or(now.zone_name());
        let start_month = self.fiscal_start_month.unwrap_or(now.fiscal_start_month());
        window(self.period.unwrap_or(now.period()), zone, start_month)
    }
}

/// Reads the fields that say when a budget starts afresh.
pub(crate) fn window(period: Period, zone: &str, fiscal_start_month: u32) -> Result<Window, AdminError> {
    Window::new(period, zone, fiscal_start_month).map_err(|error| {
        let field = match error {
            InvalidWindow::UnknownZone(_) => "timeZone",
            InvalidWindow::NoMonth(_) => "fiscalStartMonth",
        };
        AdminError::bad_input(field, error.to_string())
    })
}

/// Makes a budget. Made in mid-window it counts what was spent since the window began.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    new: NewBudget,
) -> Result<Changed<Standing>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    check_scope(&scope, new.scope).await?;
    let budget = Budget {
        id: BudgetId::new(app.deps.clock.now(), rand::random()),
        org: access.org(),
        name: input::name("name", &new.name)?,
        scope: new.scope,
        limit: positive(new.limit)?,
        window: new.window,
    };
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_budget(&budget).await?;
    let revision = commit(app, tx).await?;
    Ok(Changed { object: standing(app, &scope, budget).await?, revision })
}

/// Changes a budget's name, limit or window. Another window counts what was spent since it began.
pub(crate) async fn update(
    app: &App,
    access: &Access,
    id: BudgetId,
    change: BudgetChange,
) -> Result<Changed<Standing>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let mut budget = scope.budget(id).await?;
    budget.window = change.window(budget.window)?;
    if let Some(name) = change.name {
        budget.name = input::name("name", &name)?;
    }
    if let Some(limit) = change.limit {
        budget.limit = positive(limit)?;
    }
    let mut tx = begin(app, access, &scope).await?;
    tx.update_budget(&budget).await?;
    let revision = commit(app, tx).await?;
    Ok(Changed { object: standing(app, &scope, budget).await?, revision })
}

/// Removes a budget; nothing draws on it any more.
pub(crate) async fn remove(
    app: &App,
    access: &Access,
    id: BudgetId,
) -> Result<Changed<Standing>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let object = standing(app, &scope, scope.budget(id).await?).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.remove_budget(id).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// A page of budgets with where they stand now.
pub(crate) async fn list(app: &App, scope: &OrgScope, page: &Page) -> Result<Paged<Standing>, AdminError> {
    let budgets = scope.budgets(page).await?;
    let mut items = Vec::with_capacity(budgets.items.len());
    for budget in budgets.items {
        items.push(standing(app, scope, budget).await?);
    }
    Ok(Paged { items, has_next: budgets.has_next })
}

/// Where `budget` stands now.
pub(crate) async fn standing(app: &App, scope: &OrgScope, budget: Budget) -> Result<Standing, AdminError> {
    let window = budget.window.at(app.deps.clock.now());
    let state = scope.budget_state(budget.id, window).await?;
    Ok(Standing { budget, window, state })
}

fn positive(limit: Amount) -> Result<Amount, AdminError> {
    // Beyond this the stored form would saturate.
    let largest = Amount::from_pico(1_000_000_000_000 * 1_000_000_000_000);
    if limit > Amount::ZERO && limit <= largest {
        return Ok(limit);
    }
    Err(AdminError::bad_input(
        "limit",
        format!("is {limit}; more than 0 and at most {largest} US dollars are needed"),
    ))
}

async fn check_scope(scope: &OrgScope, whose: BudgetScope) -> Result<(), AdminError> {
    match whose {
        BudgetScope::Org => {}
        BudgetScope::Team(id) => drop(scope.team(id).await?),
        BudgetScope::Member(id) => drop(scope.member(id).await?),
        BudgetScope::Key(id) => drop(scope.key(id).await?),
    }
    Ok(())
}
