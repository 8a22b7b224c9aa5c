//! Grants of budget money to nodes, and what becomes of it: given back, settled, or freed.
//!
//! Invariant: `limit ≥ spent + suspense + escrow` holds for every hard budget at every commit but where a limit was lowered,
//! a raise ended, or a budget was made, made hard, or given another window or filter over what is spent already; then
//! nothing is granted. On a soft budget nothing ever is. What leaves a lease is at most what it holds. Rows are taken in
//! one order by everybody (ledger head, then budgets by id), so that nobody deadlocks.

use std::collections::BTreeMap;

use domain::limit::Budget;
use domain::{Amount, OrgId, Timestamp};
use metering::ports::{LeaseAnswer, LeaseRequest};
use metering::usage::{Draw, Holder};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, IntoActiveModel, QueryFilter};

use crate::budgets::{self, Standing};
use crate::column::{Row, amount, stored};
use crate::connect::{Store, Whose, commit};
use crate::entity::{budget, budget_window, lease};
use crate::error::StoreError;
use crate::scope::{across_orgs, insert, one, rows, update};
use crate::{ledger, raises};

/// A grant is this part of what is available, or what was asked for if that is more.
const SHARE: i128 = 8;
/// For so long after a node lacked what others hold, nobody is granted more than it lacks, and everybody gives back what
/// is free.
const TIGHT_S: i64 = 30;
/// How often a change is tried that others come before. On SQLite nobody ever does.
const TRIES: u32 = 100;

/// Money that leaves a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaving {
    /// Not spent; it becomes available again.
    Returned(Amount),
    /// Spent.
    Settled(Charge),
    /// Of unknown use from this moment on: it counts as spent until it is released.
    Suspended(Amount, Timestamp),
    /// What was suspended turned out not to be owed.
    Released,
}

/// What events of one holder came to, on one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Charge {
    /// Cost and suspense without the overrun: what leases were to cover.
    pub(crate) owed: Amount,
    /// The part of it that may still turn out not to be owed.
    pub(crate) suspense: Amount,
    /// What no lease covered.
    pub(crate) overrun: Amount,
}

/// What a holder was granted of a budget in a window, and what became of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lease {
    granted: Amount,
    settled: Amount,
    returned: Amount,
    suspended: Amount,
    suspended_at: Option<Timestamp>,
}

impl Store {
    /// Moves money from available to the holder's escrow, each request by itself. Answers in the order of `requests`. A
    /// budget that others hold what is lacking of is noted as wanted, and they learn it by [`recalled`](Self::recalled).
    ///
    /// # Errors
    /// [`StoreError`]; nothing was granted then.
    pub async fn grant(
        &self,
        holder: Holder,
        requests: &[LeaseRequest],
        now: Timestamp,
    ) -> Result<Vec<LeaseAnswer>, StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        let mut budgets = BTreeMap::new();
        for request in requests {
            budgets.insert((request.org, request.draw), None);
        }
        for ((org, draw), budget) in &mut budgets {
            *budget = prepare((*org, *draw), now, &sql).await?;
        }
        let mut order: Vec<_> = requests.iter().enumerate().collect();
        order.sort_by_key(|(place, request)| (request.org, request.draw, *place));
        let mut answers = vec![LeaseAnswer::Gone; requests.len()];
        for (place, request) in order {
            let Some(Some(budget)) = budgets.get(&(request.org, request.draw)) else { continue };
            if let Some(answer) = answers.get_mut(place) {
                *answer = grant_one((holder, now), request, budget, &sql).await?;
            }
        }
        commit(sql).await?;
        Ok(answers)
    }

    /// Budgets the holder has money of that others lack; for some time after they did, and at most until then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recalled(&self, holder: Holder, now: Timestamp) -> Result<Vec<Draw>, StoreError> {
        let since = now.plus_seconds(-TIGHT_S).as_micros();
        let sql = self.begin_read(Whose::Every).await?;
        let wanted = across_orgs::<budget_window::Entity>().filter(budget_window::Column::WantedAt.gt(since));
        let mut recalled = Vec::new();
        for row in wanted.all(&sql).await? {
            let place = Row { table: "budget_windows", id: &row.budget_id };
            let draw = Draw { budget: place.parse(&row.budget_id)?, window: place.parse(&row.window_id)? };
            let lease = find((place.parse(&row.org_id)?, draw), holder, &sql).await?;
            if lease.is_some_and(|lease| lease.outstanding() > Amount::ZERO) {
                recalled.push(draw);
            }
        }
        Ok(recalled)
    }

    /// Moves money that the holder has neither spent nor reserved from escrow back to available; of each lease at most
    /// what it holds.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was moved then.
    pub async fn give_back(
        &self,
        holder: Holder,
        unspent: &[(OrgId, Draw, Amount)],
    ) -> Result<(), StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        let mut sorted = unspent.to_vec();
        sorted.sort_unstable();
        for (org, draw, amount) in sorted {
            leave((org, draw), holder, Leaving::Returned(amount.max(Amount::ZERO)), &sql).await?;
        }
        commit(sql).await
    }
}

/// A lease that still holds something: on what, whose, how much.
pub(crate) type Held = ((OrgId, Draw), Holder, Amount);

/// What the lives of `holder`'s node before its present one still hold, in the order everybody takes budgets in.
pub(crate) async fn held_before(holder: Holder, sql: &DatabaseTransaction) -> Result<Vec<Held>, StoreError> {
    let earlier = across_orgs::<lease::Entity>()
        .filter(lease::Column::Node.eq(holder.node.to_string()))
        .filter(lease::Column::Incarnation.lt(stored(holder.incarnation)?));
    let mut held = Vec::new();
    for row in earlier.all(sql).await? {
        let outstanding = Lease::from(&row).outstanding();
        if outstanding > Amount::ZERO {
            let place = Row { table: "leases", id: &row.budget_id };
            let draw = Draw { budget: place.parse(&row.budget_id)?, window: place.parse(&row.window_id)? };
            let holder = Holder { node: holder.node, incarnation: place.number(row.incarnation)? };
            held.push(((place.parse(&row.org_id)?, draw), holder, outstanding));
        }
    }
    held.sort_unstable();
    Ok(held)
}

/// The budget with the limit it has at `now`, or when the window begins, its window open; `None` when there is no such hard budget any more.
async fn prepare(
    (org, draw): (OrgId, Draw),
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<Option<Budget>, StoreError> {
    let select = budgets::present(rows::<budget::Entity>(org)).filter(budgets::is(draw.budget));
    let Some(row) = select.one(sql).await? else { return Ok(None) };
    let budget = Budget::try_from(row)?;
    if !budget.is_hard() {
        return Ok(None);
    }
    open_window(&budget, draw, sql).await?;
    // A window may be asked for before it begins: what is raised now need not be then.
    let limit = raises::limit_at(&budget, now.max(budget.window.start(draw.window)), sql).await?;
    Ok(Some(Budget { limit, ..budget }))
}

/// Opens a budget's window if it is not: at what was spent since it began. The organization's ledger is held meanwhile,
/// so that no event is committed between the sum and the opening.
pub(crate) async fn open_window(
    budget: &Budget,
    draw: Draw,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    if budgets::find(budget.org, draw, sql).await?.is_some() {
        return Ok(());
    }
    ledger::lock(budget.org, sql).await?;
    // Its window may have been changed since it was read; whoever changes it holds the ledger too.
    let budget = one(rows::<budget::Entity>(budget.org).filter(budgets::is(budget.id)), sql).await?;
    let budget = Budget::try_from(budget)?;
    let standing = Standing::begin(&budget, draw.window, sql).await?;
    budgets::open(budget.org, draw, &standing, sql).await
}

/// Counts anew what was spent since a budget's window began, since the budget's calendar was changed and the window of
/// this id is another now. What nodes hold stays theirs.
pub(crate) async fn count_anew(
    budget: &Budget,
    draw: Draw,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let org = budget.org;
    ledger::lock(org, sql).await?;
    for _ in 0..TRIES {
        // A window that is not open yet opens at that sum.
        let Some(before) = budgets::find(org, draw, sql).await? else { return Ok(()) };
        let begun = Standing::begin(budget, draw.window, sql).await?;
        let leases = rows::<lease::Entity>(org).filter(on(draw)).all(sql).await?;
        let suspended = leases.iter().map(|row| Lease::from(row).suspended).sum::<Amount>();
        let suspense = begun.suspense + suspended;
        let after = Standing { escrow: before.escrow, revision: before.revision, suspense, ..begun };
        if budgets::save((org, draw), &before, after, sql).await? {
            return Ok(());
        }
    }
    Err(StoreError::Busy)
}

async fn grant_one(
    (holder, now): (Holder, Timestamp),
    request: &LeaseRequest,
    budget: &Budget,
    sql: &DatabaseTransaction,
) -> Result<LeaseAnswer, StoreError> {
    let place = (request.org, request.draw);
    for _ in 0..TRIES {
        let before = budgets::find(request.org, request.draw, sql).await?.ok_or(StoreError::NotFound)?;
        let state = before.state(budget.limit);
        let available = state.available();
        if available < request.at_least {
            let lease = find(place, holder, sql).await?.unwrap_or_default();
            if before.escrow <= lease.outstanding() {
                return Ok(LeaseAnswer::Exhausted(state));
            }
            // Noted once a second is enough for everybody who asks again and again.
            if before.wanted_at.is_some_and(|wanted_at| wanted_at > now.plus_seconds(-1)) {
                return Ok(LeaseAnswer::Recalled(state));
            }
            let wanted = Standing { wanted_at: Some(now), ..before };
            if budgets::save(place, &before, wanted, sql).await? {
                return Ok(LeaseAnswer::Recalled(state));
            }
            continue;
        }
        let is_tight = before.wanted_at.is_some_and(|wanted_at| wanted_at > now.plus_seconds(-TIGHT_S));
        let share = if is_tight { Amount::ZERO } else { Amount::from_pico(available.pico() / SHARE) };
        let amount = request.at_least.max(share);
        let after = Standing { escrow: before.escrow + amount, ..before };
        if budgets::save(place, &before, after, sql).await? {
            let lease = find(place, holder, sql).await?;
            let granted = lease.unwrap_or_default().granted + amount;
            save(place, holder, lease.is_some(), Lease { granted, ..lease.unwrap_or_default() }, sql).await?;
            return Ok(LeaseAnswer::Granted(amount));
        }
    }
    Err(StoreError::Busy)
}

/// Moves money out of the holder's lease on one budget. A budget that was never granted on has nothing to move.
pub(crate) async fn leave(
    place: (OrgId, Draw),
    holder: Holder,
    leaving: Leaving,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let Some(before) = budgets::find(place.0, place.1, sql).await? else { return Ok(()) };
        let lease = find(place, holder, sql).await?;
        let (after, left) = leaving.apply(before, lease.unwrap_or_default());
        if budgets::save(place, &before, after, sql).await? {
            return match lease {
                Some(_) => save(place, holder, true, left, sql).await,
                None => Ok(()),
            };
        }
    }
    Err(StoreError::Busy)
}

impl Leaving {
    /// The budget and the lease afterwards. What a lease does not hold cannot leave it: a return is cut down, and of a
    /// charge the rest is overrun, so that no cost is ever lost.
    pub(crate) fn apply(self, mut budget: Standing, mut lease: Lease) -> (Standing, Lease) {
        match self {
            Self::Returned(amount) => {
                let returned = amount.min(lease.outstanding());
                budget.escrow -= returned;
                lease.returned += returned;
            }
            Self::Settled(charge) => {
                let covered = charge.owed.min(lease.outstanding());
                // A charge that comes after its lease was suspended shows what a part of it was spent on.
                let explained = (charge.owed - covered).min(lease.suspended);
                let suspense = charge.suspense.min(covered + explained);
                budget.escrow -= covered;
                budget.suspense += suspense;
                budget.suspense -= explained;
                budget.spent += covered + explained - suspense;
                budget.overrun += charge.overrun + (charge.owed - covered - explained);
                lease.settled += covered + explained;
                lease.suspended -= explained;
            }
            Self::Suspended(amount, at) => {
                let suspended = amount.min(lease.outstanding());
                budget.escrow -= suspended;
                budget.suspense += suspended;
                lease.suspended += suspended;
                lease.suspended_at = Some(at);
            }
            Self::Released => {
                budget.suspense -= lease.suspended.min(budget.suspense);
                lease.returned += lease.suspended;
                lease.suspended = Amount::ZERO;
                lease.suspended_at = None;
            }
        }
        (budget, lease)
    }
}

impl Lease {
    fn outstanding(&self) -> Amount {
        (self.granted - self.settled - self.returned - self.suspended).max(Amount::ZERO)
    }

    pub(crate) fn row(&self, (org, draw): (OrgId, Draw), holder: Holder) -> Result<lease::Model, StoreError> {
        let (granted_micro, granted_rest) = self.granted.to_parts();
        let (settled_micro, settled_rest) = self.settled.to_parts();
        let (returned_micro, returned_rest) = self.returned.to_parts();
        let (suspended_micro, suspended_rest) = self.suspended.to_parts();
        Ok(lease::Model {
            org_id: org.to_string(),
            budget_id: draw.budget.to_string(),
            window_id: draw.window.to_string(),
            node: holder.node.to_string(),
            incarnation: stored(holder.incarnation)?,
            granted_micro,
            granted_rest,
            settled_micro,
            settled_rest,
            returned_micro,
            returned_rest,
            suspended_micro,
            suspended_rest,
            suspended_at: self.suspended_at.map(Timestamp::as_micros),
        })
    }
}

impl From<&lease::Model> for Lease {
    fn from(row: &lease::Model) -> Self {
        Self {
            granted: amount(row.granted_micro, row.granted_rest),
            settled: amount(row.settled_micro, row.settled_rest),
            returned: amount(row.returned_micro, row.returned_rest),
            suspended: amount(row.suspended_micro, row.suspended_rest),
            suspended_at: row.suspended_at.map(Timestamp::from_micros),
        }
    }
}

async fn find(
    (org, draw): (OrgId, Draw),
    holder: Holder,
    sql: &DatabaseTransaction,
) -> Result<Option<Lease>, StoreError> {
    let row = rows::<lease::Entity>(org).filter(of(draw, holder)?).one(sql).await?;
    Ok(row.as_ref().map(Lease::from))
}

/// Nobody else changes it meanwhile: whoever does has changed its budget's row first.
async fn save(
    (org, draw): (OrgId, Draw),
    holder: Holder,
    exists: bool,
    lease: Lease,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let row = lease.row((org, draw), holder)?;
    if !exists {
        return insert::<lease::Entity, _>(row, sql).await;
    }
    let changed = row.into_active_model().reset_all();
    update::<lease::Entity>(org).set(changed).filter(of(draw, holder)?).exec(sql).await?;
    Ok(())
}

fn on(draw: Draw) -> Condition {
    Condition::all()
        .add(lease::Column::BudgetId.eq(draw.budget.to_string()))
        .add(lease::Column::WindowId.eq(draw.window.to_string()))
}

fn of(draw: Draw, holder: Holder) -> Result<Condition, StoreError> {
    Ok(on(draw)
        .add(lease::Column::Node.eq(holder.node.to_string()))
        .add(lease::Column::Incarnation.eq(stored(holder.incarnation)?)))
}
