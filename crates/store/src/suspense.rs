//! Money of unknown use: leases of lives whose end is not known, and the unspent part of calls that were cut. It counts as
//! spent until it is released.
//!
//! Invariant: what goes into suspense and what leaves it are ledger entries; nothing is released twice; what an event said
//! of itself stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Amount, OrgId, Timestamp, Window};
use metering::usage::{Draw, Holder};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};

use crate::budgets::{self, Standing};
use crate::column::Row;
use crate::connect::{Store, Whose, commit};
use crate::entity::{lease, suspense_note, usage_event};
use crate::error::StoreError;
use crate::leases::{self, Held, Leaving};
use crate::ledger::{self, Batch};
use crate::scope::rows;
use crate::settle::budgets_of;
use crate::usage;

/// So much is released in one transaction.
const AT_ONCE: u64 = 500;

/// What leases still held goes into suspense, with a ledger entry for each.
pub(crate) async fn suspend(
    held: Vec<Held>,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let mut by_org: BTreeMap<OrgId, Vec<Held>> = BTreeMap::new();
    for lease in held {
        by_org.entry(lease.0.0).or_default().push(lease);
    }
    for (org, held) in by_org {
        let notes = held.iter().map(|((_, draw), holder, amount)| {
            Ok(Note {
                subject: format!(
                    "lease/{}/{}/{}/{}",
                    draw.budget, draw.window, holder.node, holder.incarnation
                ),
                period: Window::MONTH.at(now).to_string(),
                amount: pico(*amount)?,
            })
        });
        book(org, notes.collect::<Result<_, StoreError>>()?, now, sql).await?;
        for (place, holder, amount) in held {
            leases::leave(place, holder, Leaving::Suspended(amount, now), sql).await?;
        }
    }
    Ok(())
}

impl Store {
    /// Releases what went into suspense before `older_than`, by ledger entries; answers how much there was of it, in calls
    /// and leases. What is released already changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; of the organization it happened in nothing was released then.
    pub async fn release_suspense(&self, older_than: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        let mut released = 0;
        for (org, _) in self.index().await? {
            loop {
                let some = self.release_some(org, older_than, now).await?;
                released += some;
                if some < AT_ONCE {
                    break;
                }
            }
        }
        Ok(released)
    }

    async fn release_some(
        &self,
        org: OrgId,
        older_than: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = self.begin_write(Whose::Org(org)).await?;
        ledger::lock(org, &sql).await?;
        let events = unreleased(org).filter(usage_event::Column::AdmittedAt.lt(older_than.as_micros()));
        let events = events.order_by_asc(usage_event::Column::EventId).limit(AT_ONCE).all(&sql).await?;
        let leases = rows::<lease::Entity>(org).filter(lease::Column::SuspendedAt.lt(older_than.as_micros()));
        let leases = leases.limit(AT_ONCE).all(&sql).await?;
        let count = u64::try_from(events.len().max(leases.len())).unwrap_or(u64::MAX);
        if count == 0 {
            sql.rollback().await?;
            return Ok(0);
        }
        let mut notes = Vec::new();
        for event in &events {
            let (subject, period) = (event.event_id.clone(), event.period.clone());
            notes.push(Note { subject, period, amount: -event.suspense });
        }
        for lease in &leases {
            let subject = subject_of(lease);
            for (period, booked) in booked(org, &subject, &sql).await? {
                notes.push(Note { subject: subject.clone(), period, amount: -booked });
            }
        }
        book(org, notes, now, &sql).await?;
        free_events(org, events, &sql).await?;
        for lease in leases {
            let place = Row { table: "leases", id: &lease.budget_id };
            let draw =
                Draw { budget: place.parse(&lease.budget_id)?, window: place.parse(&lease.window_id)? };
            let incarnation = place.number(lease.incarnation)?;
            let holder = Holder { node: place.parse(&lease.node)?, incarnation };
            leases::leave((org, draw), holder, Leaving::Released, &sql).await?;
        }
        commit(sql).await?;
        Ok(count)
    }
}

/// Events with suspense that was not released.
fn unreleased(org: OrgId) -> sea_orm::Select<usage_event::Entity> {
    rows::<usage_event::Entity>(org)
        .filter(usage_event::Column::Suspense.gt(0))
        .filter(usage_event::Column::EventId.not_in_subquery(released(org)))
}

/// The subjects of everything that was released.
pub(crate) fn released(org: OrgId) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(suspense_note::Column::Subject)
        .from(suspense_note::Entity)
        .cond_where(
            Condition::all()
                .add(suspense_note::Column::OrgId.eq(org.to_string()))
                .add(suspense_note::Column::AmountPico.lt(0)),
        )
        .to_owned()
}

struct Note {
    subject: String,
    period: String,
    amount: i64,
}

/// Writes notes into a ledger batch of their own.
async fn book(
    org: OrgId,
    notes: Vec<Note>,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let head = ledger::lock(org, sql).await?;
    let seq = head.seq + 1;
    let notes = notes.into_iter().filter(|note| note.amount != 0).zip(0..).map(|(note, note_no)| {
        suspense_note::Model {
            org_id: org.to_string(),
            batch_seq: seq,
            note_no,
            subject: note.subject,
            period: note.period,
            amount_pico: note.amount,
        }
    });
    ledger::append(org, head, Batch { events: Vec::new(), notes: notes.collect() }, now, sql).await
}

/// Every budget in whose scope the events are counts their suspense no more.
async fn free_events(
    org: OrgId,
    events: Vec<usage_event::Model>,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let budgets = budgets_of(org, sql).await?;
    let mut sums = BTreeMap::new();
    for row in events {
        let event = usage::read(row)?;
        for budget in budgets.values().filter(|budget| event.attempt.is_under(budget)) {
            // Where it was counted: in the window it drew on, and had it known of another, would have.
            let drawn = event.attempt.draws.iter().filter(|draw| draw.budget == budget.id).copied();
            let window = budget.window.at(event.attempt.admitted_at);
            let counted: BTreeSet<_> = drawn.chain([Draw { budget: budget.id, window }]).collect();
            for draw in counted {
                *sums.entry(draw).or_insert(Amount::ZERO) += Amount::from(event.settlement.suspense);
            }
        }
    }
    for (draw, suspense) in sums {
        no_longer((org, draw), suspense, sql).await?;
    }
    Ok(())
}

/// Takes from what a budget's scope has in suspense, as far as there is. A window that is not open needs nothing: it opens
/// at the sum.
async fn no_longer(
    (org, draw): (OrgId, Draw),
    released: Amount,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    const TRIES: u32 = 100;
    for _ in 0..TRIES {
        let Some(before) = budgets::find(org, draw, sql).await? else { return Ok(()) };
        let suspense = (before.suspense - released).max(Amount::ZERO);
        if budgets::save((org, draw), &before, Standing { suspense, ..before }, sql).await? {
            return Ok(());
        }
    }
    Err(StoreError::Busy)
}

#[derive(FromQueryResult)]
struct Booked {
    period: String,
    sum: Option<i64>,
}

/// What is in suspense for `subject`, and in which of the ledger's periods.
async fn booked(
    org: OrgId,
    subject: &str,
    sql: &DatabaseTransaction,
) -> Result<Vec<(String, i64)>, StoreError> {
    use sea_orm::sea_query::ExprTrait;
    let sum = sea_orm::sea_query::Expr::col(suspense_note::Column::AmountPico).sum().cast_as("bigint");
    let select = rows::<suspense_note::Entity>(org).filter(suspense_note::Column::Subject.eq(subject));
    let period = suspense_note::Column::Period;
    let select = select.select_only().column(period).column_as(sum, "sum").group_by(period);
    let booked = select.into_model::<Booked>().all(sql).await?;
    Ok(booked.into_iter().map(|booked| (booked.period, booked.sum.unwrap_or_default())).collect())
}

fn subject_of(lease: &lease::Model) -> String {
    format!("lease/{}/{}/{}/{}", lease.budget_id, lease.window_id, lease.node, lease.incarnation)
}

fn pico(amount: Amount) -> Result<i64, StoreError> {
    i64::try_from(amount.pico()).map_err(|_| StoreError::unstorable("the amount of a lease"))
}
