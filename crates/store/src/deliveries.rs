//! Notices on their way to people: written with the notice, delivered at least once.
//!
//! Invariant: whoever delivers holds the delivery first, for a time, by moving `next_at` ahead; whoever dies meanwhile
//! leaves it to be tried again when that time is over. So one of several control planes delivers, and what may have been
//! delivered unseen is delivered again.

use domain::notice::{NoticeTarget, ThresholdNotice};
use domain::{NoticeTargetId, OrgId, Timestamp};
use metering::usage::Draw;
use policy::record::Sealed;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, Order, QueryFilter, QueryOrder, QuerySelect};

use crate::column::{Row, amount};
use crate::connect::{Store, Whose, commit};
use crate::entity::{budget, budget_notice, notice_delivery, notice_target, org};
use crate::error::StoreError;
use crate::notice_targets::{self, is, present};
use crate::scope::{OrgScope, across_orgs, insert_all, one, rows, update};
use notice_delivery::Column;

/// A delivery whose time has come.
#[derive(Debug, Clone)]
pub struct Waiting(notice_delivery::Model);

/// A delivery that is held, with everything it takes.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What is told.
    pub notice: ThresholdNotice,
    /// To whom.
    pub target: NoticeTarget,
    /// What it is signed with; a webhook has one.
    pub sealed: Option<Sealed>,
    /// How often it was tried before.
    pub attempts: u32,
    held: notice_delivery::Model,
}

/// Writes a notice's deliveries, to each target there is, in the transaction of the notice.
pub(crate) async fn begin(
    org: OrgId,
    draw: Draw,
    percent: i32,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let targets = present(rows(org)).all(sql).await?;
    let deliveries = targets.into_iter().map(|target| notice_delivery::Model {
        org_id: target.org_id,
        target_id: target.id,
        budget_id: draw.budget.to_string(),
        window_id: draw.window.to_string(),
        percent,
        attempts: 0,
        next_at: Some(now.as_micros()),
        delivered_at: None,
    });
    insert_all::<notice_delivery::Entity, _>(deliveries, None, sql).await
}

/// Gives up everything that is on its way to a target.
pub(crate) async fn forget(
    org: OrgId,
    target: NoticeTargetId,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    update::<notice_delivery::Entity>(org)
        .col_expr(Column::NextAt, Expr::value(None::<i64>))
        .filter(Column::TargetId.eq(target.to_string()))
        .filter(Column::NextAt.is_not_null())
        .exec(sql)
        .await?;
    Ok(())
}

impl Store {
    /// Deliveries whose time has come, one of each organization before another of any, the longest waiting first: the
    /// targets of one that never answer take no place of others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting_notices(&self, now: Timestamp, most: u64) -> Result<Vec<Waiting>, StoreError> {
        let present = Query::select()
            .column(notice_target::Column::Id)
            .from(notice_target::Entity)
            .and_where(notice_target::Column::DisabledAt.is_null())
            .to_owned();
        let select = across_orgs::<notice_delivery::Entity>()
            .filter(Column::NextAt.lte(now.as_micros()))
            .filter(Column::TargetId.in_subquery(present))
            .order_by(Expr::cust("ROW_NUMBER() OVER (PARTITION BY org_id ORDER BY next_at)"), Order::Asc)
            .order_by_asc(Column::NextAt)
            .limit(most);
        let found = select.all(&self.begin_read(Whose::Every).await?).await?;
        Ok(found.into_iter().map(Waiting).collect())
    }

    /// Holds a delivery until `until`, for the caller alone; `None` when another holds it, or its target is removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_notice(
        &self,
        Waiting(mut row): Waiting,
        until: Timestamp,
    ) -> Result<Option<Delivery>, StoreError> {
        let org: OrgId = place(&row).parse(&row.org_id)?;
        let sql = self.begin_write(Whose::Org(org)).await?;
        let held = update::<notice_delivery::Entity>(org)
            .col_expr(Column::NextAt, Expr::value(until.as_micros()))
            .filter(this(&row))
            .filter(Column::NextAt.eq(row.next_at))
            .exec(&sql)
            .await?;
        let target = present(rows(org)).filter(notice_target::Column::Id.eq(&row.target_id));
        let Some(target) = target.one(&sql).await?.filter(|_| held.rows_affected == 1) else {
            sql.rollback().await?;
            return Ok(None);
        };
        row.next_at = Some(until.as_micros());
        let delivery = Delivery {
            notice: notice(org, &row, &sql).await?,
            target: (&target).try_into()?,
            sealed: notice_targets::sealed(&target)?,
            attempts: place(&row).number(row.attempts.into())?,
            held: row,
        };
        commit(sql).await?;
        Ok(Some(delivery))
    }

    /// Notes that a delivery has arrived; it is tried no more.
    ///
    /// # Errors
    /// [`StoreError`]; it is delivered again then.
    pub async fn notice_delivered(&self, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
        let (org, sql) =
            (delivery.notice.org.id, self.begin_write(Whose::Org(delivery.notice.org.id)).await?);
        succeeded(org, delivery.target.id, now, &sql).await?;
        update::<notice_delivery::Entity>(org)
            .col_expr(Column::DeliveredAt, Expr::value(now.as_micros()))
            .col_expr(Column::NextAt, Expr::value(None::<i64>))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(this(&delivery.held))
            .filter(Column::DeliveredAt.is_null())
            .exec(&sql)
            .await?;
        commit(sql).await
    }

    /// Notes why a delivery has not arrived, and when it is tried again; `None`: it is given up. Where another has taken
    /// it meanwhile, nothing changes.
    ///
    /// # Errors
    /// [`StoreError`]; it is tried again when its hold is over.
    pub async fn notice_failed(
        &self,
        delivery: &Delivery,
        why: &str,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (org, sql) =
            (delivery.notice.org.id, self.begin_write(Whose::Org(delivery.notice.org.id)).await?);
        failed(org, delivery.target.id, (why, now), &sql).await?;
        let noted = update::<notice_delivery::Entity>(org)
            .col_expr(Column::NextAt, Expr::value(next.map(Timestamp::as_micros)))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(this(&delivery.held))
            .filter(Column::NextAt.eq(delivery.held.next_at))
            .exec(&sql)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(sql.rollback().await?);
        }
        commit(sql).await
    }
}

impl OrgScope {
    /// Notes how a test of a target ended. Where it arrived, what waits for that target is tried at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_tested(
        &self,
        target: NoticeTargetId,
        outcome: Result<(), &str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = self.store().begin_write(Whose::Org(self.id())).await?;
        match outcome {
            Ok(()) => {
                succeeded(self.id(), target, now, &sql).await?;
                update::<notice_delivery::Entity>(self.id())
                    .col_expr(Column::NextAt, Expr::value(now.as_micros()))
                    .filter(Column::TargetId.eq(target.to_string()))
                    // What is being tried for the first time may be on its way.
                    .filter(Column::Attempts.gt(0))
                    .filter(Column::NextAt.gt(now.as_micros()))
                    .exec(&sql)
                    .await?;
            }
            Err(why) => failed(self.id(), target, (why, now), &sql).await?,
        }
        commit(sql).await
    }
}

async fn succeeded(
    org: OrgId,
    target: NoticeTargetId,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    update::<notice_target::Entity>(org)
        .col_expr(notice_target::Column::DeliveredAt, Expr::value(now.as_micros()))
        .col_expr(notice_target::Column::FailingSince, Expr::value(None::<i64>))
        .col_expr(notice_target::Column::Failures, Expr::value(0))
        .col_expr(notice_target::Column::LastError, Expr::value(None::<String>))
        .filter(is(target))
        .exec(sql)
        .await?;
    Ok(())
}

async fn failed(
    org: OrgId,
    target: NoticeTargetId,
    (why, now): (&str, Timestamp),
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let since = Expr::col(notice_target::Column::FailingSince).if_null(now.as_micros());
    update::<notice_target::Entity>(org)
        .col_expr(notice_target::Column::FailingSince, since)
        .col_expr(notice_target::Column::Failures, Expr::col(notice_target::Column::Failures).add(1))
        .col_expr(notice_target::Column::LastError, Expr::value(why))
        .filter(is(target))
        .exec(sql)
        .await?;
    Ok(())
}

/// What a delivery is of.
async fn notice(
    org: OrgId,
    row: &notice_delivery::Model,
    sql: &DatabaseTransaction,
) -> Result<ThresholdNotice, StoreError> {
    let which = Condition::all()
        .add(budget_notice::Column::BudgetId.eq(&row.budget_id))
        .add(budget_notice::Column::WindowId.eq(&row.window_id))
        .add(budget_notice::Column::Percent.eq(row.percent));
    let reached = one(rows::<budget_notice::Entity>(org).filter(which), sql).await?;
    // A removed one too: it was reached before.
    let budget = rows::<budget::Entity>(org).filter(budget::Column::Id.eq(&row.budget_id));
    Ok(ThresholdNotice {
        org: one(rows::<org::Entity>(org), sql).await?.try_into()?,
        budget: one(budget, sql).await?.try_into()?,
        window: place(row).parse(&row.window_id)?,
        percent: place(row).number(row.percent.into())?,
        reached_at: Timestamp::from_micros(reached.reached_at),
        spent: amount(reached.spent_micro, reached.spent_rest),
        limit: amount(reached.limit_micro, reached.limit_rest),
    })
}

fn this(row: &notice_delivery::Model) -> Condition {
    Condition::all()
        .add(Column::TargetId.eq(&row.target_id))
        .add(Column::BudgetId.eq(&row.budget_id))
        .add(Column::WindowId.eq(&row.window_id))
        .add(Column::Percent.eq(row.percent))
}

fn place(row: &notice_delivery::Model) -> Row<'_> {
    Row { table: "notice_deliveries", id: &row.target_id }
}
