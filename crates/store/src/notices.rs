//! Notices: a budget has reached a threshold of its limit.
//!
//! Invariant: one for each budget, window and threshold, written in the transaction that reaches it: usage that is
//! committed, or a budget that is made or changed over what is spent already. So is its delivery to each target there is.

use std::collections::{BTreeMap, BTreeSet};

use domain::limit::Budget;
use domain::{Amount, BudgetId, OrgId, Timestamp, WindowId};
use metering::usage::Draw;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};

use crate::budgets::{self, Standing};
use crate::column::{Row, amount};
use crate::deliveries;
use crate::entity::budget_notice::{self, Column};
use crate::error::StoreError;
use crate::raises;
use crate::scope::{OrgScope, ROWS, rows};

/// A threshold that a budget has reached in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The percentage of the limit.
    pub percent: u16,
    /// When that was noticed.
    pub reached_at: Timestamp,
    /// What was spent then.
    pub spent: Amount,
    /// What the limit was then, with raises.
    pub limit: Amount,
}

impl TryFrom<budget_notice::Model> for Notice {
    type Error = StoreError;
    fn try_from(row: budget_notice::Model) -> Result<Self, StoreError> {
        let place = Row { table: "budget_notices", id: &row.budget_id };
        Ok(Self {
            percent: place.number(row.percent.into())?,
            reached_at: Timestamp::from_micros(row.reached_at),
            spent: amount(row.spent_micro, row.spent_rest),
            limit: amount(row.limit_micro, row.limit_rest),
        })
    }
}

impl OrgScope {
    /// The thresholds a budget has reached in a window, the lowest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notices(&self, budget: BudgetId, window: WindowId) -> Result<Vec<Notice>, StoreError> {
        let sql = self.read().await?;
        let all = of(self.id(), Draw { budget, window }, &sql).await?;
        all.into_iter().map(Notice::try_from).collect()
    }
}

/// Notes what budgets have reached, of those that `touched` names and that stand as `standings` says. Most have reached
/// nothing new, which one look at all of them tells: with raises a limit is never less than without.
pub(crate) async fn note_all(
    org: OrgId,
    (touched, standings): (&BTreeMap<Draw, &Budget>, &BTreeMap<Draw, Standing>),
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let mut reached = BTreeMap::new();
    for (draw, budget) in touched {
        let Some(Standing { spent, suspense, overrun, .. }) = standings.get(draw).copied() else { continue };
        let percents: BTreeSet<_> =
            budget.thresholds.reached(spent + suspense + overrun, budget.limit).map(i32::from).collect();
        if !percents.is_empty() {
            reached.insert(*draw, (*budget, percents));
        }
    }
    let draws: Vec<_> = reached.keys().copied().collect();
    for some in draws.chunks(ROWS) {
        let noted = rows::<budget_notice::Entity>(org)
            .filter(Column::BudgetId.is_in(some.iter().map(|draw| draw.budget.to_string())))
            .filter(Column::WindowId.is_in(some.iter().map(|draw| draw.window.to_string())));
        for row in noted.all(sql).await? {
            let place = Row { table: "budget_notices", id: &row.budget_id };
            let draw = Draw { budget: place.parse(&row.budget_id)?, window: place.parse(&row.window_id)? };
            if let Some((_, percents)) = reached.get_mut(&draw) {
                percents.remove(&row.percent);
            }
        }
    }
    reached.retain(|_, (_, percents)| !percents.is_empty());
    for (draw, (budget, _)) in reached {
        note(budget, draw, now, sql).await?;
    }
    Ok(())
}

/// Notes each threshold that `budget` has reached in the window of `draw` and that was not noted yet.
pub(crate) async fn note(
    budget: &Budget,
    draw: Draw,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    if budget.thresholds.percentages().is_empty() {
        return Ok(());
    }
    let standing = match budgets::find(budget.org, draw, sql).await? {
        Some(standing) => standing,
        None => Standing::begin(budget, draw.window, sql).await?,
    };
    let spent = standing.spent + standing.suspense + standing.overrun;
    let limit = raises::limit_at(budget, now, sql).await?;
    let reached: Vec<u16> = budget.thresholds.reached(spent, limit).collect();
    if reached.is_empty() {
        return Ok(());
    }
    let noted: Vec<i32> = of(budget.org, draw, sql).await?.iter().map(|row| row.percent).collect();
    for percent in reached.into_iter().map(i32::from).filter(|percent| !noted.contains(percent)) {
        let (spent_micro, spent_rest) = spent.to_parts();
        let (limit_micro, limit_rest) = limit.to_parts();
        let row = budget_notice::Model {
            org_id: budget.org.to_string(),
            budget_id: draw.budget.to_string(),
            window_id: draw.window.to_string(),
            percent,
            reached_at: now.as_micros(),
            spent_micro,
            spent_rest,
            limit_micro,
            limit_rest,
        };
        // Another transaction may have noted it meanwhile.
        let key = [Column::OrgId, Column::BudgetId, Column::WindowId, Column::Percent];
        let written = budget_notice::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
            .exec_without_returning(sql)
            .await?;
        if written == 1 {
            deliveries::begin(budget.org, draw, percent, now, sql).await?;
        }
    }
    Ok(())
}

async fn of<C: ConnectionTrait>(
    org: OrgId,
    draw: Draw,
    database: &C,
) -> Result<Vec<budget_notice::Model>, StoreError> {
    let which = Condition::all()
        .add(Column::BudgetId.eq(draw.budget.to_string()))
        .add(Column::WindowId.eq(draw.window.to_string()));
    let select = rows::<budget_notice::Entity>(org).filter(which).order_by_asc(Column::Percent);
    Ok(select.all(database).await?)
}
