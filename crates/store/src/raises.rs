//! Raises: more money on a budget for some time.
//!
//! Invariant: a raise counts from the moment it is granted until it ends, whoever asks and without anybody ending it; what
//! was spent or granted under it stays, as when a limit is lowered.

use domain::limit::{Budget, Raise};
use domain::{Amount, BudgetId, RaiseId, Timestamp};
use policy::record::ObjectRef;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::budgets;
use crate::column::{Row, amount};
use crate::entity::{budget, budget_raise};
use crate::error::StoreError;
use crate::scope::{OrgScope, one, rows, update};
use crate::tx::PolicyTx;

/// So many of a budget's raises are shown.
const SHOWN: u64 = 100;

impl TryFrom<budget_raise::Model> for Raise {
    type Error = StoreError;
    fn try_from(row: budget_raise::Model) -> Result<Self, StoreError> {
        let place = Row { table: "budget_raises", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            budget: place.parse(&row.budget_id)?,
            amount: amount(row.amount_micro, row.amount_rest),
            since: Timestamp::from_micros(row.since),
            until: Timestamp::from_micros(row.until),
            reason: row.reason,
            granted_by: row.granted_by,
        })
    }
}

impl OrgScope {
    /// The last 100 raises of a budget, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raises(&self, budget: BudgetId) -> Result<Vec<Raise>, StoreError> {
        let select =
            self.rows::<budget_raise::Entity>().filter(budget_raise::Column::BudgetId.eq(budget.to_string()));
        let select = select.order_by_desc(budget_raise::Column::Id).limit(SHOWN);
        select.all(&self.read().await?).await?.into_iter().map(Raise::try_from).collect()
    }

    /// One raise.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn raise(&self, id: RaiseId) -> Result<Raise, StoreError> {
        let select = self.rows::<budget_raise::Entity>().filter(budget_raise::Column::Id.eq(id.to_string()));
        one(select, &self.read().await?).await?.try_into()
    }
}

impl PolicyTx {
    /// Adds to a budget's limit for some time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such budget.
    pub async fn insert_raise(&mut self, new: &Raise) -> Result<(), StoreError> {
        self.require::<budget::Entity>(budgets::is(new.budget).add(budget::Column::RemovedAt.is_null()))
            .await?;
        let (amount_micro, amount_rest) = new.amount.to_parts();
        self.insert::<budget_raise::Entity>(budget_raise::Model {
            org_id: self.org().to_string(),
            id: new.id.to_string(),
            budget_id: new.budget.to_string(),
            amount_micro,
            amount_rest,
            since: new.since.as_micros(),
            until: new.until.as_micros(),
            reason: new.reason.clone(),
            granted_by: new.granted_by.clone(),
        })
        .await?;
        let detail = json!({
            "raise": new.id.to_string(),
            "amount_usd": new.amount.to_string(),
            "until": new.until.to_string(),
            "reason": new.reason,
        });
        self.note("raise_budget", new.budget, detail);
        Ok(())
    }

    /// Ends a raise now. What was spent or granted under it stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when it has ended.
    pub async fn end_raise(&mut self, raise: &Raise) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        let ended = update::<budget_raise::Entity>(self.org())
            .col_expr(budget_raise::Column::Until, Expr::value(now))
            .filter(budget_raise::Column::Id.eq(raise.id.to_string()))
            .filter(budget_raise::Column::Until.gt(now))
            .exec(self.sql())
            .await?;
        if ended.rows_affected == 0 {
            return Err(StoreError::Conflict("this raise has ended"));
        }
        // As a change of the budget, so that nodes offer back what they do not need.
        self.put(
            ObjectRef::Budget(raise.budget),
            "end_budget_raise",
            json!({ "raise": raise.id.to_string() }),
        );
        Ok(())
    }
}

/// A budget's limit with the raises in force at `now`.
pub(crate) async fn limit_at<C: ConnectionTrait>(
    budget: &Budget,
    now: Timestamp,
    database: &C,
) -> Result<Amount, StoreError> {
    let raises = rows::<budget_raise::Entity>(budget.org)
        .filter(budget_raise::Column::BudgetId.eq(budget.id.to_string()))
        .filter(budget_raise::Column::Until.gt(now.as_micros()))
        .filter(budget_raise::Column::Since.lte(now.as_micros()));
    let raised = raises.all(database).await?;
    Ok(raised.iter().fold(budget.limit, |sum, row| sum + amount(row.amount_micro, row.amount_rest)))
}
