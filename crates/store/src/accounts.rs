//! Where the budgets and leases stand that one batch of usage moves: read together, moved here, written together.
//!
//! Invariant: their rows are held from the read to the commit, so that what is written is what was read and moved.

use std::collections::{BTreeMap, BTreeSet};

use domain::limit::Budget;
use domain::{Amount, OrgId};
use metering::usage::{Draw, Holder};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, IdenStatic, IntoActiveModel, Iterable, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;

use crate::budgets::{self, Standing};
use crate::column::{Row, stored};
use crate::entity::{budget_window, lease};
use crate::error::StoreError;
use crate::leases::{self, Charge, Lease, Leaving};
use crate::scope::{OrgTable, ROWS, insert_all, rows};

/// Standings of one organization's budgets, and the leases on them.
pub(crate) struct Accounts {
    org: OrgId,
    standings: BTreeMap<Draw, Standing>,
    leases: BTreeMap<(Draw, Holder), Lease>,
}

impl Accounts {
    /// Reads and holds what `touched` and `holders` name; windows that are not open open. The ledger of `org` must be held.
    pub(crate) async fn take(
        org: OrgId,
        touched: &BTreeMap<Draw, &Budget>,
        holders: &BTreeSet<Holder>,
        sql: &DatabaseTransaction,
    ) -> Result<Self, StoreError> {
        let draws: Vec<_> = touched.keys().copied().collect();
        let mut standings = hold(org, &draws, sql).await?;
        for (draw, budget) in
            touched.iter().filter(|(draw, _)| !standings.contains_key(draw)).collect::<Vec<_>>()
        {
            leases::open_window(budget, *draw, sql).await?;
            standings.extend(hold(org, &[*draw], sql).await?);
        }
        let leases = held(org, &draws, holders, sql).await?;
        Ok(Self { org, standings, leases })
    }

    /// Moves what was charged out of a lease. A budget that was never granted on has nothing to move.
    pub(crate) fn settle(&mut self, draw: Draw, holder: Holder, charge: Charge) {
        let Some(standing) = self.standings.get_mut(&draw) else { return };
        let lease = self.leases.get_mut(&(draw, holder));
        let before = lease.as_deref().copied().unwrap_or_default();
        let (after, left) = Leaving::Settled(charge).apply(*standing, before);
        *standing = after;
        if let Some(lease) = lease {
            *lease = left;
        }
    }

    /// Adds what nobody had reserved for.
    pub(crate) fn note(&mut self, draw: Draw, spent: Amount, suspense: Amount) {
        if let Some(standing) = self.standings.get_mut(&draw) {
            standing.spent += spent;
            standing.suspense += suspense;
        }
    }

    /// Where each budget stands, after what was moved.
    pub(crate) fn standings(&self) -> &BTreeMap<Draw, Standing> {
        &self.standings
    }

    /// Writes what was moved.
    pub(crate) async fn save(&self, sql: &DatabaseTransaction) -> Result<(), StoreError> {
        let windows = self.standings.iter().map(|(draw, standing)| {
            let after = Standing { revision: standing.revision + 1, ..*standing };
            Ok(budgets::row_of(self.org, *draw, &after))
        });
        replace_all::<budget_window::Entity>(windows.collect::<Result<_, StoreError>>()?, sql).await?;
        let leases = self.leases.iter().map(|((draw, holder), lease)| lease.row((self.org, *draw), *holder));
        replace_all::<lease::Entity>(leases.collect::<Result<_, _>>()?, sql).await
    }
}

/// The windows of `draws` that are open, held in the order everybody takes them in.
async fn hold(
    org: OrgId,
    draws: &[Draw],
    sql: &DatabaseTransaction,
) -> Result<BTreeMap<Draw, Standing>, StoreError> {
    let mut standings = BTreeMap::new();
    for some in draws.chunks(ROWS) {
        let budgets = some.iter().map(|draw| draw.budget.to_string());
        let windows = some.iter().map(|draw| draw.window.to_string());
        let select = rows::<budget_window::Entity>(org)
            .filter(budget_window::Column::BudgetId.is_in(budgets))
            .filter(budget_window::Column::WindowId.is_in(windows))
            .order_by_asc(budget_window::Column::BudgetId)
            .order_by_asc(budget_window::Column::WindowId);
        for row in select.lock_exclusive().all(sql).await? {
            let place = Row { table: "budget_windows", id: &row.budget_id };
            let draw = Draw { budget: place.parse(&row.budget_id)?, window: place.parse(&row.window_id)? };
            if some.contains(&draw) {
                standings.insert(draw, Standing::from(&row));
            }
        }
    }
    Ok(standings)
}

/// The leases of `holders` on `draws`. Nobody else changes them meanwhile: whoever does has changed the budget's row first.
async fn held(
    org: OrgId,
    draws: &[Draw],
    holders: &BTreeSet<Holder>,
    sql: &DatabaseTransaction,
) -> Result<BTreeMap<(Draw, Holder), Lease>, StoreError> {
    let mut leases = BTreeMap::new();
    let incarnations = holders.iter().map(|holder| stored(holder.incarnation));
    let incarnations: Vec<i64> = incarnations.collect::<Result<_, _>>()?;
    for some in draws.chunks(ROWS) {
        let select = rows::<lease::Entity>(org)
            .filter(lease::Column::BudgetId.is_in(some.iter().map(|draw| draw.budget.to_string())))
            .filter(lease::Column::WindowId.is_in(some.iter().map(|draw| draw.window.to_string())))
            .filter(lease::Column::Node.is_in(holders.iter().map(|holder| holder.node.to_string())))
            .filter(lease::Column::Incarnation.is_in(incarnations.iter().copied()));
        for row in select.all(sql).await? {
            let place = Row { table: "leases", id: &row.budget_id };
            let draw = Draw { budget: place.parse(&row.budget_id)?, window: place.parse(&row.window_id)? };
            let holder =
                Holder { node: place.parse(&row.node)?, incarnation: place.number(row.incarnation)? };
            if some.contains(&draw) && holders.contains(&holder) {
                leases.insert((draw, holder), Lease::from(&row));
            }
        }
    }
    Ok(leases)
}

/// Writes rows over those that are there.
async fn replace_all<E>(rows: Vec<E::Model>, sql: &DatabaseTransaction) -> Result<(), StoreError>
where
    E: OrgTable,
    E::Model: IntoActiveModel<E::ActiveModel> + Serialize,
{
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(sea_orm::PrimaryKeyToColumn::into_column).collect();
    let is_key = |column: &E::Column| keys.iter().any(|key| key.as_str() == column.as_str());
    let others: Vec<E::Column> = E::Column::iter().filter(|column| !is_key(column)).collect();
    let over = OnConflict::columns(keys.iter().copied()).update_columns(others).to_owned();
    insert_all::<E, _>(rows, Some(over), sql).await
}
