//! Usage events become ledger entries and spent budget: exactly once, however often they are shipped.
//!
//! Invariant: an event, its entries, the batch's link and what the event moves in budgets commit together; an event that
//! is there already changes nothing. For every budget, `spent + suspense + overrun` of a window is what the
//! events of that window cost that it counts, also those that drew nothing on it: it is soft, or was not known to the
//! node yet.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use domain::limit::Budget;
use domain::{Amount, BudgetId, OrgId, Timestamp};
use metering::usage::{Draw, Holder, UsageEvent};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, JoinType, QueryFilter, QuerySelect,
    QueryTrait,
};

use crate::accounts::Accounts;
use crate::connect::{Store, Whose, commit};
use crate::entity::{budget, usage_event};
use crate::error::StoreError;
use crate::json;
use crate::leases::Charge;
use crate::ledger::{self, Batch};
use crate::notices;
use crate::scope::{ROWS, rows};
use crate::usage;

impl Store {
    /// Commits `events`, each organization's by themselves. When this returns, each is in the ledger exactly once.
    ///
    /// # Errors
    /// [`StoreError`]; ship all of them again then: what was committed meanwhile changes nothing a second time.
    pub async fn commit_events(
        &self,
        events: &[impl Borrow<UsageEvent>],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut by_org: BTreeMap<OrgId, BTreeMap<String, &UsageEvent>> = BTreeMap::new();
        for event in events.iter().map(Borrow::borrow) {
            let of_org = by_org.entry(event.attempt.attribution.org).or_default();
            of_org.insert(event.attempt.id.to_string(), event);
        }
        for (org, events) in by_org {
            self.commit_of(org, events, now).await?;
        }
        Ok(())
    }

    async fn commit_of(
        &self,
        org: OrgId,
        mut events: BTreeMap<String, &UsageEvent>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = self.begin_write(Whose::Org(org)).await?;
        let head = ledger::lock(org, &sql).await?;
        for known in committed(org, &events, &sql).await? {
            events.remove(&known);
        }
        if events.is_empty() {
            return Ok(sql.rollback().await?);
        }
        let budgets = budgets_of(org, &sql).await?;
        let touched = touched(&budgets, events.values().copied());
        let charges = charges(events.values().copied());
        let holders = charges.keys().map(|(_, holder)| *holder).collect();
        // Before the events are there: a window that opens counts what is there.
        let mut accounts = Accounts::take(org, &touched, &holders, &sql).await?;
        let seq = head.seq + 1;
        let written = events.values().map(|event| usage::row(event, seq)).collect::<Result<_, _>>()?;
        let batch = Batch { events: written, notes: Vec::new() };
        ledger::append(org, head, batch, now, &sql).await?;
        for ((draw, holder), charge) in charges {
            accounts.settle(draw, holder, charge);
        }
        for (draw, (spent, suspense)) in undrawn(&budgets, events.values().copied()) {
            accounts.note(draw, spent, suspense);
        }
        accounts.save(&sql).await?;
        notices::note_all(org, (&touched, accounts.standings()), now, &sql).await?;
        commit(sql).await
    }
}

/// Those of `events` that are in the ledger already. The ledger is held, so no other can come in meanwhile.
async fn committed(
    org: OrgId,
    events: &BTreeMap<String, &UsageEvent>,
    sql: &DatabaseTransaction,
) -> Result<Vec<String>, StoreError> {
    let ids: Vec<_> = events.keys().map(String::as_str).collect();
    let mut known = Vec::new();
    for some in ids.chunks(ROWS) {
        known.extend(known_of(org, some, sql).await?);
    }
    Ok(known)
}

async fn known_of(org: OrgId, ids: &[&str], sql: &DatabaseTransaction) -> Result<Vec<String>, StoreError> {
    let select = rows::<usage_event::Entity>(org).select_only().column(usage_event::Column::EventId);
    if sql.get_database_backend() != DbBackend::Postgres {
        let select = select.filter(usage_event::Column::EventId.is_in(ids.iter().copied()));
        return Ok(select.into_tuple().all(sql).await?);
    }
    // One by one in the primary key: without statistics a list of ids is held against each event of the organization.
    let list = Expr::val(json::write(&ids)?).cast_as("json");
    let list = Func::cust("json_array_elements_text").arg(list);
    let is_it = Expr::col(usage_event::Column::EventId.as_column_ref()).eq(Expr::col(("given", "value")));
    let known = select.filter(is_it).limit(1).into_query();
    let select = Query::select()
        .column(("known", usage_event::Column::EventId))
        .from_function(list, "given")
        .join_lateral(JoinType::InnerJoin, known, "known", Expr::val(true))
        .to_owned();
    let rows = sql.query_all(&select).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The organization's budgets by their id; removed ones too, since what was granted on them still settles.
pub(crate) async fn budgets_of(
    org: OrgId,
    sql: &DatabaseTransaction,
) -> Result<BTreeMap<BudgetId, Budget>, StoreError> {
    let rows = rows::<budget::Entity>(org).all(sql).await?;
    let budgets = rows.into_iter().map(Budget::try_from);
    budgets.map(|budget| budget.map(|budget| (budget.id, budget))).collect()
}

/// Every budget and window that events draw on, or are counted on, in the order everybody takes them in.
fn touched<'a>(
    budgets: &'a BTreeMap<BudgetId, Budget>,
    events: impl Iterator<Item = &'a UsageEvent> + Clone,
) -> BTreeMap<Draw, &'a Budget> {
    let drawn = events.clone().flat_map(|event| &event.attempt.draws).copied();
    let draws = drawn.chain(undrawn(budgets, events).into_keys());
    draws.filter_map(|draw| Some((draw, budgets.get(&draw.budget)?))).collect()
}

/// What events came to, per budget and holder.
fn charges<'a>(events: impl Iterator<Item = &'a UsageEvent>) -> BTreeMap<(Draw, Holder), Charge> {
    let mut charges: BTreeMap<(Draw, Holder), Charge> = BTreeMap::new();
    for UsageEvent { attempt, settlement } in events {
        for (place, draw) in attempt.draws.iter().enumerate() {
            let overrun = settlement.overruns.get(place).copied().unwrap_or_default();
            let suspense = Amount::from(settlement.suspense);
            let charge = charges.entry((*draw, attempt.holder)).or_default();
            charge.owed += Amount::from(settlement.cost) + suspense - overrun;
            charge.suspense += suspense;
            charge.overrun += overrun;
        }
    }
    charges
}

/// Cost and suspense of events that a budget counts and that do not draw on its window: it is soft, or their node did not
/// know of it yet.
fn undrawn<'a>(
    budgets: &BTreeMap<BudgetId, Budget>,
    events: impl Iterator<Item = &'a UsageEvent>,
) -> BTreeMap<Draw, (Amount, Amount)> {
    let mut sums: BTreeMap<Draw, (Amount, Amount)> = BTreeMap::new();
    for UsageEvent { attempt, settlement } in events {
        for budget in budgets.values().filter(|budget| attempt.is_under(budget)) {
            let draw = Draw { budget: budget.id, window: budget.window.at(attempt.admitted_at) };
            if attempt.draws.contains(&draw) {
                continue;
            }
            let (spent, suspense) = sums.entry(draw).or_default();
            *spent += settlement.cost.into();
            *suspense += settlement.suspense.into();
        }
    }
    sums
}
