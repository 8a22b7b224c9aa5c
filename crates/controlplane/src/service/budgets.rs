//! Create, change, raise and remove budgets.
//!
//! Invariant: lowering a limit is always accepted; what is spent or granted stays, and nothing more is granted until the
//! limit covers it.

use domain::limit::{
    Budget, BudgetFilter, BudgetScope, Enforcement, InvalidWindow, Period, Raise, Thresholds, Window,
    WindowId,
};
use domain::org::Capability;
use domain::{Amount, BudgetId, RaiseId, Timestamp};
use metering::ports::BudgetState;
use store::{Notice, OrgScope, Page, Paged};

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
    /// The last 100, newest first.
    pub(crate) raises: Vec<Raise>,
    /// The thresholds reached in that window, the lowest first.
    pub(crate) notices: Vec<Notice>,
    /// When this was so.
    at: Timestamp,
}

impl Standing {
    /// Whether more is spent than the limit and the raises in force allow.
    pub(crate) fn is_exceeded(&self) -> bool {
        let in_force = self.raises.iter().filter(|raise| raise.since <= self.at && self.at < raise.until);
        let allowed = in_force.fold(self.budget.limit, |sum, raise| sum + raise.amount);
        self.state.spent + self.state.suspense > allowed
    }
}

/// What a new budget shall be.
pub(crate) struct NewBudget {
    pub(crate) name: String,
    pub(crate) scope: BudgetScope,
    pub(crate) limit: Amount,
    pub(crate) window: Window,
    pub(crate) enforcement: Enforcement,
    pub(crate) filter: BudgetFilter,
    pub(crate) thresholds: Thresholds,
}

/// More money for some time.
pub(crate) struct NewRaise {
    pub(crate) budget: BudgetId,
    pub(crate) amount: Amount,
    pub(crate) until: Timestamp,
    pub(crate) reason: String,
}

/// What shall be another than it is.
#[derive(Default)]
pub(crate) struct BudgetChange {
    pub(crate) name: Option<String>,
    pub(crate) limit: Option<Amount>,
    pub(crate) period: Option<Period>,
    pub(crate) time_zone: Option<String>,
    pub(crate) fiscal_start_month: Option<u32>,
    pub(crate) enforcement: Option<Enforcement>,
    pub(crate) filter: Option<BudgetFilter>,
    pub(crate) thresholds: Option<Thresholds>,
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

/// Reads the percentages at which notice is given.
pub(crate) fn thresholds(percentages: &[u32]) -> Result<Thresholds, AdminError> {
    Thresholds::new(percentages).map_err(|error| AdminError::bad_input("thresholds", error.to_string()))
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
        limit: positive("limit", new.limit)?,
        window: new.window,
        enforcement: new.enforcement,
        filter: checked(app, new.filter).await?,
        thresholds: new.thresholds,
    };
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_budget(&budget).await?;
    let revision = commit(app, tx).await?;
    Ok(Changed { object: standing(app, &scope, budget).await?, revision })
}

/// Changes a budget. Another window or filter counts what was spent since the window began.
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
        budget.limit = positive("limit", limit)?;
    }
    if let Some(filter) = change.filter {
        budget.filter = checked(app, filter).await?;
    }
    budget.enforcement = change.enforcement.unwrap_or(budget.enforcement);
    budget.thresholds = change.thresholds.unwrap_or(budget.thresholds);
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

/// Adds to a budget's limit until a moment.
pub(crate) async fn raise(
    app: &App,
    access: &Access,
    new: NewRaise,
) -> Result<Changed<Standing>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let now = app.deps.clock.now();
    if new.until <= now {
        return Err(AdminError::bad_input("until", format!("is {}; that has passed", new.until)));
    }
    let raise = Raise {
        id: RaiseId::new(now, rand::random()),
        budget: new.budget,
        amount: positive("amount", new.amount)?,
        since: now,
        until: new.until,
        reason: input::name("reason", &new.reason)?,
        granted_by: access.author().id().map(str::to_owned),
    };
    let budget = scope.budget(new.budget).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_raise(&raise).await?;
    let revision = commit(app, tx).await?;
    Ok(Changed { object: standing(app, &scope, budget).await?, revision })
}

/// Ends a raise before its time; what was spent under it stays.
pub(crate) async fn end_raise(
    app: &App,
    access: &Access,
    id: RaiseId,
) -> Result<Changed<Standing>, AdminError> {
    let scope = access.scope(Capability::ManageBudgets)?;
    let raise = scope.raise(id).await?;
    let budget = scope.budget(raise.budget).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.end_raise(&raise).await?;
    let revision = commit(app, tx).await?;
    Ok(Changed { object: standing(app, &scope, budget).await?, revision })
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
    let now = app.deps.clock.now();
    let window = budget.window.at(now);
    let state = scope.budget_state(budget.id, window, now).await?;
    let raises = scope.raises(budget.id).await?;
    let notices = scope.notices(budget.id, window).await?;
    Ok(Standing { budget, window, state, raises, notices, at: now })
}

fn positive(field: &str, limit: Amount) -> Result<Amount, AdminError> {
    // Beyond this the stored form would saturate.
    let largest = Amount::from_pico(1_000_000_000_000 * 1_000_000_000_000);
    if limit > Amount::ZERO && limit <= largest {
        return Ok(limit);
    }
    Err(AdminError::bad_input(
        field,
        format!("is {limit}; more than 0 and at most {largest} US dollars are needed"),
    ))
}

/// What narrows a budget, in the catalogue's own spelling: a misspelt name would count nothing, and so limit nothing.
async fn checked(app: &App, mut filter: BudgetFilter) -> Result<BudgetFilter, AdminError> {
    const MOST: usize = 100;
    let store = &app.deps.store;
    let models = store.model_slugs().await?;
    let providers = store.provider_slugs().await?;
    for (field, list, known) in [
        ("filter.models", &mut filter.models, &models),
        ("filter.providers", &mut filter.providers, &providers),
    ] {
        if list.len() > MOST {
            return Err(AdminError::bad_input(field, format!("has {}; at most {MOST} fit", list.len())));
        }
        for slug in list.iter_mut() {
            let found = known.iter().find(|known| known.eq_ignore_ascii_case(slug));
            let found = found.ok_or_else(|| AdminError::bad_input(field, format!("there is no {slug:?}")))?;
            slug.clone_from(found);
        }
        list.sort_unstable();
        list.dedup();
    }
    if filter.data_classes.len() > MOST {
        return Err(AdminError::bad_input("filter.dataClasses", format!("has more than {MOST}")));
    }
    for class in &mut filter.data_classes {
        *class = input::name("filter.dataClasses", class)?;
    }
    if let Some((key, _)) = &mut filter.tag {
        *key = input::name("filter.tag.key", key)?;
    }
    Ok(filter)
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
