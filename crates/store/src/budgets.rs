//! Budgets of an organization, and where each stands.
//!
//! Invariant: a budget's standing in a window begins with what its scope spent since the window began, also where its
//! calendar, filter or enforcement was changed in mid-window, and from then on changes only by grants, returns and committed
//! events, each naming the revision it was made from. Removing a budget stops its grants and keeps its rows.

use domain::limit::{Budget, BudgetScope, Enforcement, Period, Window};
use domain::{Amount, BudgetId, OrgId, Timestamp, WindowId};
use metering::ports::BudgetState;
use metering::usage::Draw;
use policy::record::ObjectRef;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    Select,
};
use serde_json::{Value, json};

use crate::column::{Row, amount};
use crate::entity::{budget, budget_window, key, member, team};
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, one, rows, update};
use crate::tx::PolicyTx;
use crate::{json, keys, leases, members, notices, raises, rollup, teams};

impl TryFrom<budget::Model> for Budget {
    type Error = StoreError;
    fn try_from(row: budget::Model) -> Result<Self, StoreError> {
        let place = Row { table: "budgets", id: &row.id };
        let period = place.named(&row.window_kind, Period::from_name)?;
        let start_month = place.number(row.fiscal_start_month.into())?;
        let window = Window::new(period, &row.time_zone, start_month).map_err(|e| place.problem(e))?;
        Ok(Self {
            id: place.parse(&row.id)?,
            org: place.parse(&row.org_id)?,
            scope: scope(place, &row.scope, row.scope_id.as_deref())?,
            limit: amount(row.limit_micro, row.limit_rest),
            window,
            enforcement: place.named(&row.enforcement, Enforcement::from_name)?,
            filter: json::filter(place, &row.filter)?,
            thresholds: json::thresholds(place, &row.thresholds)?,
            name: row.name,
        })
    }
}

impl TryFrom<&Budget> for budget::Model {
    type Error = StoreError;
    fn try_from(budget: &Budget) -> Result<Self, StoreError> {
        let (limit_micro, limit_rest) = budget.limit.to_parts();
        Ok(Self {
            org_id: budget.org.to_string(),
            id: budget.id.to_string(),
            name: budget.name.clone(),
            scope: budget.scope.name().to_owned(),
            scope_id: scope_id(budget.scope),
            limit_micro,
            limit_rest,
            window_kind: budget.window.period().name().to_owned(),
            removed_at: None,
            time_zone: budget.window.zone_name().to_owned(),
            fiscal_start_month: i32::try_from(budget.window.fiscal_start_month()).unwrap_or(1),
            enforcement: budget.enforcement.name().to_owned(),
            filter: json::filter_text(&budget.filter)?,
            thresholds: json::thresholds_text(&budget.thresholds)?,
        })
    }
}

impl OrgScope {
    /// Budgets, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn budgets(&self, which: &Page) -> Result<Paged<Budget>, StoreError> {
        let by = (budget::Column::Id, Order::OldestFirst);
        page(&self.read().await?, present(self.rows()), by, which, Budget::try_from).await
    }

    /// One budget.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn budget(&self, id: BudgetId) -> Result<Budget, StoreError> {
        one(present(self.rows()).filter(is(id)), &self.read().await?).await?.try_into()
    }

    /// Where a budget stands in a window, under the raises in force at `now`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such budget.
    pub async fn budget_state(
        &self,
        id: BudgetId,
        window: WindowId,
        now: Timestamp,
    ) -> Result<BudgetState, StoreError> {
        let sql = self.read().await?;
        let budget = Budget::try_from(one(present(self.rows()).filter(is(id)), &sql).await?)?;
        let draw = Draw { budget: id, window };
        let standing = match find(self.id(), draw, &sql).await? {
            Some(standing) => standing,
            None => Standing::begin(&budget, window, &sql).await?,
        };
        let limit = raises::limit_at(&budget, now, &sql).await?;
        let state = standing.state(limit);
        // A soft limit stays what it is, however much is spent.
        Ok(if budget.is_hard() { state } else { BudgetState { limit, ..state } })
    }
}

impl PolicyTx {
    /// Adds a budget.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists; [`StoreError::NotFound`] when its scope does not.
    pub async fn insert_budget(&mut self, new: &Budget) -> Result<(), StoreError> {
        self.own(new.org)?;
        self.require_scope(new.scope).await?;
        self.insert::<budget::Entity>(new.try_into()?)
            .await
            .map_err(|e| e.or_conflict("this budget exists"))?;
        notices::note(new, self.present(new), self.now(), self.sql()).await?;
        self.put(ObjectRef::Budget(new.id), "create_budget", detail(new));
        Ok(())
    }

    /// Changes a budget. Lowering a limit is always accepted; what is spent or granted stays. Another window or filter, and
    /// a soft budget made hard, begin with what was spent since the window began; what was under way is added as it
    /// settles.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] for another scope: make a new budget then.
    pub async fn update_budget(&mut self, changed: &Budget) -> Result<(), StoreError> {
        self.own(changed.org)?;
        let which = || is(changed.id).add(budget::Column::RemovedAt.is_null());
        let before = one(rows::<budget::Entity>(self.org()).filter(which()), self.sql()).await?;
        let before = Budget::try_from(before)?;
        if before.scope != changed.scope {
            return Err(StoreError::Conflict("a budget's scope stays; make another budget"));
        }
        self.replace::<budget::Entity>(changed.try_into()?, which()).await?;
        let terms = |budget: &Budget| (budget.window, budget.enforcement, budget.filter.clone());
        if terms(&before) != terms(changed) {
            leases::count_anew(changed, self.present(changed), self.sql()).await?;
        }
        notices::note(changed, self.present(changed), self.now(), self.sql()).await?;
        self.put(ObjectRef::Budget(changed.id), "update_budget", detail(changed));
        Ok(())
    }

    /// Removes a budget; nothing more is granted on it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_budget(&mut self, id: BudgetId) -> Result<(), StoreError> {
        let gone = update::<budget::Entity>(self.org())
            .col_expr(budget::Column::RemovedAt, Expr::value(self.now().as_micros()))
            .filter(is(id).add(budget::Column::RemovedAt.is_null()))
            .exec(self.sql())
            .await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        self.removed(ObjectRef::Budget(id), "remove_budget");
        Ok(())
    }

    /// The draw on a budget in its present window.
    fn present(&self, budget: &Budget) -> Draw {
        Draw { budget: budget.id, window: budget.window.at(self.now()) }
    }

    async fn require_scope(&self, scope: BudgetScope) -> Result<(), StoreError> {
        match scope {
            BudgetScope::Org => Ok(()),
            BudgetScope::Team(id) => self.require::<team::Entity>(teams::is(id)).await,
            BudgetScope::Member(id) => self.require::<member::Entity>(members::is(id)).await,
            BudgetScope::Key(id) => self.require::<key::Entity>(keys::is(id)).await,
        }
    }
}

/// A budget's row in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    pub(crate) spent: Amount,
    pub(crate) escrow: Amount,
    pub(crate) suspense: Amount,
    pub(crate) overrun: Amount,
    pub(crate) revision: i64,
    /// When a node last lacked what others held.
    pub(crate) wanted_at: Option<Timestamp>,
}

impl Standing {
    /// Where `budget` stands before anything was granted: at what its scope has spent since the window began.
    pub(crate) async fn begin<C: ConnectionTrait>(
        budget: &Budget,
        window: WindowId,
        database: &C,
    ) -> Result<Self, StoreError> {
        let span = (budget.window.start(window), budget.window.end(window));
        let (spent, suspense) = rollup::spend(budget, span, database).await?;
        Ok(Self { spent, suspense, ..Self::default() })
    }

    /// The same, as seen under `limit`: what is spent and granted stays when a limit is lowered.
    pub(crate) fn state(&self, limit: Amount) -> BudgetState {
        let Self { spent, escrow, suspense, overrun, .. } = *self;
        BudgetState { limit: limit.max(spent + suspense + escrow), spent, escrow, suspense, overrun }
    }
}

impl From<&budget_window::Model> for Standing {
    fn from(row: &budget_window::Model) -> Self {
        Self {
            spent: amount(row.spent_micro, row.spent_rest),
            escrow: amount(row.escrow_micro, row.escrow_rest),
            suspense: amount(row.suspense_micro, row.suspense_rest),
            overrun: amount(row.overrun_micro, row.overrun_rest),
            revision: row.revision,
            wanted_at: row.wanted_at.map(Timestamp::from_micros),
        }
    }
}

/// Where a budget stands, if anything was granted or noted in that window yet.
pub(crate) async fn find<C: ConnectionTrait>(
    org: OrgId,
    draw: Draw,
    database: &C,
) -> Result<Option<Standing>, StoreError> {
    let row = rows::<budget_window::Entity>(org).filter(at(draw)).one(database).await?;
    Ok(row.as_ref().map(Standing::from))
}

/// Makes the row of a window at `standing`, unless there is one.
pub(crate) async fn open<C: ConnectionTrait>(
    org: OrgId,
    draw: Draw,
    standing: &Standing,
    database: &C,
) -> Result<(), StoreError> {
    let columns =
        [budget_window::Column::OrgId, budget_window::Column::BudgetId, budget_window::Column::WindowId];
    budget_window::Entity::insert(row_of(org, draw, standing).into_active_model())
        .on_conflict(OnConflict::columns(columns).do_nothing().to_owned())
        .exec_without_returning(database)
        .await?;
    Ok(())
}

/// Replaces `before` by `after`; `false` when another change came first and nothing was changed.
pub(crate) async fn save<C: ConnectionTrait>(
    (org, draw): (OrgId, Draw),
    before: &Standing,
    after: Standing,
    database: &C,
) -> Result<bool, StoreError> {
    let after = Standing { revision: before.revision + 1, ..after };
    let changed = update::<budget_window::Entity>(org)
        .set(row_of(org, draw, &after).into_active_model().reset_all())
        .filter(at(draw).add(budget_window::Column::Revision.eq(before.revision)))
        .exec(database)
        .await?;
    Ok(changed.rows_affected == 1)
}

pub(crate) fn row_of(org: OrgId, draw: Draw, standing: &Standing) -> budget_window::Model {
    let (spent_micro, spent_rest) = standing.spent.to_parts();
    let (escrow_micro, escrow_rest) = standing.escrow.to_parts();
    let (suspense_micro, suspense_rest) = standing.suspense.to_parts();
    let (overrun_micro, overrun_rest) = standing.overrun.to_parts();
    budget_window::Model {
        org_id: org.to_string(),
        budget_id: draw.budget.to_string(),
        window_id: draw.window.to_string(),
        spent_micro,
        spent_rest,
        escrow_micro,
        escrow_rest,
        suspense_micro,
        suspense_rest,
        overrun_micro,
        overrun_rest,
        revision: standing.revision,
        wanted_at: standing.wanted_at.map(Timestamp::as_micros),
    }
}

fn at(draw: Draw) -> Condition {
    Condition::all()
        .add(budget_window::Column::BudgetId.eq(draw.budget.to_string()))
        .add(budget_window::Column::WindowId.eq(draw.window.to_string()))
}

pub(crate) fn is(id: BudgetId) -> Condition {
    Condition::all().add(budget::Column::Id.eq(id.to_string()))
}

/// Those that were not removed.
pub(crate) fn present(select: Select<budget::Entity>) -> Select<budget::Entity> {
    select.filter(budget::Column::RemovedAt.is_null())
}

fn scope(place: Row<'_>, name: &str, id: Option<&str>) -> Result<BudgetScope, StoreError> {
    Ok(match (name, id) {
        ("org", None) => BudgetScope::Org,
        ("team", Some(id)) => BudgetScope::Team(place.parse(id)?),
        ("member", Some(id)) => BudgetScope::Member(place.parse(id)?),
        ("key", Some(id)) => BudgetScope::Key(place.parse(id)?),
        _ => return Err(place.problem(format!("scope {name} of {id:?}"))),
    })
}

fn scope_id(scope: BudgetScope) -> Option<String> {
    match scope {
        BudgetScope::Org => None,
        BudgetScope::Team(id) => Some(id.to_string()),
        BudgetScope::Member(id) => Some(id.to_string()),
        BudgetScope::Key(id) => Some(id.to_string()),
    }
}

fn detail(budget: &Budget) -> Value {
    json!({
        "name": budget.name,
        "scope": budget.scope.name(),
        "scope_id": scope_id(budget.scope),
        "limit_usd": budget.limit.to_string(),
        "window": budget.window.period().name(),
        "time_zone": budget.window.zone_name(),
        "fiscal_start_month": budget.window.fiscal_start_month(),
        "enforcement": budget.enforcement.name(),
        "filter": {
            "models": budget.filter.models,
            "providers": budget.filter.providers,
            "data_classes": budget.filter.data_classes,
            "tag": budget.filter.tag,
        },
        "thresholds": budget.thresholds.percentages(),
    })
}
