//! The ledger: balanced entries in hash-chained batches with a Merkle root over their events.
//!
//! Invariant: entries are computed from events and nothing else, each batch sums to zero, and a batch's hash covers the
//! one before it. What verifies was neither changed nor shortened since.

use std::collections::HashMap;

use domain::{OrgId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, PaginatorTrait, QueryFilter, QueryOrder};

use crate::audit::broken;
use crate::chain::{Chain, Head, digest, merkle_root};
use crate::column::Row;
use crate::entity::{ledger_batch, ledger_entry, ledger_head, usage_event};
use crate::error::StoreError;
use crate::scope::{OrgScope, insert, insert_all, one, rows, update};

/// What usage costs.
pub(crate) const USAGE: &str = "usage";
const SUSPENSE: &str = "suspense";
const SUSPENSE_CONTRA: &str = "suspense_contra";

/// Takes the organization's ledger until the transaction ends, and answers where its chain ends.
pub(crate) async fn lock(org: OrgId, sql: &DatabaseTransaction) -> Result<Head, StoreError> {
    let same = Expr::col(ledger_head::Column::Seq).add(0);
    update::<ledger_head::Entity>(org).col_expr(ledger_head::Column::Seq, same).exec(sql).await?;
    let row = one(rows::<ledger_head::Entity>(org), sql).await?;
    Ok(Head { seq: row.seq, hash: row.hash })
}

/// Adds one batch behind `head`. `events` are its rows, in the order of their ids.
pub(crate) async fn append(
    org: OrgId,
    head: Head,
    events: Vec<usage_event::Model>,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let mut batch = ledger_batch::Model {
        org_id: org.to_string(),
        seq: head.seq + 1,
        committed_at: now.as_micros(),
        events: i64::try_from(events.len()).map_err(|_| StoreError::unstorable("a batch"))?,
        prev_hash: head.hash,
        root: root(&events)?,
        hash: String::new(),
    };
    batch.hash = link(&batch)?;
    let (seq, hash) = (batch.seq, batch.hash.clone());
    insert::<ledger_batch::Entity, _>(batch, sql).await?;
    insert_all::<ledger_entry::Entity, _>(entries(&events), sql).await?;
    insert_all::<usage_event::Entity, _>(events, sql).await?;
    update::<ledger_head::Entity>(org)
        .col_expr(ledger_head::Column::Seq, Expr::value(seq))
        .col_expr(ledger_head::Column::Hash, Expr::value(hash))
        .exec(sql)
        .await?;
    Ok(())
}

/// The balanced entries of a batch's events.
fn entries(events: &[usage_event::Model]) -> Vec<ledger_entry::Model> {
    let mut entries = Vec::new();
    for event in events {
        let payable = format!("payable:{}", event.provider);
        let pairs = [(USAGE, payable.as_str(), event.cost), (SUSPENSE, SUSPENSE_CONTRA, event.suspense)];
        for (debit, credit, pico) in pairs.into_iter().filter(|(_, _, pico)| *pico != 0) {
            for (account, amount_pico) in [(debit, pico), (credit, -pico)] {
                entries.push(ledger_entry::Model {
                    org_id: event.org_id.clone(),
                    batch_seq: event.batch_seq,
                    entry_no: i64::try_from(entries.len()).unwrap_or(i64::MAX),
                    account: account.to_owned(),
                    event_id: event.event_id.clone(),
                    period: event.period.clone(),
                    amount_pico,
                });
            }
        }
    }
    entries
}

fn root(events: &[usage_event::Model]) -> Result<String, StoreError> {
    Ok(merkle_root(events.iter().map(digest).collect::<Result<Vec<_>, _>>()?))
}

/// The hash of a batch: over all of it but the hash itself.
fn link(batch: &ledger_batch::Model) -> Result<String, StoreError> {
    digest(&ledger_batch::Model { hash: String::new(), ..batch.clone() }).map(hex::encode)
}

impl OrgScope {
    /// Checks the organization's ledger from its beginning: every batch follows the one before it, its root is that of
    /// its events as they are now, its entries are those of its events, and nothing is missing or too much.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_ledger(&self) -> Result<Chain, StoreError> {
        let sql = self.store().begin_read().await?;
        let batches = rows::<ledger_batch::Entity>(self.id()).order_by_asc(ledger_batch::Column::Seq);
        let mut seen = Head::genesis();
        let (mut events, mut entries) = (0, 0);
        for batch in batches.all(&sql).await? {
            let counted = match check(self.id(), &seen, &batch, &sql).await? {
                Ok(counted) => counted,
                Err(problem) => return broken(batch.seq, problem),
            };
            events += batch.events.unsigned_abs();
            entries += counted;
            seen = Head { seq: batch.seq, hash: batch.hash };
        }
        let head = one(rows::<ledger_head::Entity>(self.id()), &sql).await?;
        if (head.seq, &head.hash) != (seen.seq, &seen.hash) {
            return broken(seen.seq + 1, "batches at the end are missing, or were added");
        }
        let every_event = rows::<usage_event::Entity>(self.id()).count(&sql).await?;
        let every_entry = rows::<ledger_entry::Entity>(self.id()).count(&sql).await?;
        if (every_event, every_entry) != (events, entries) {
            return broken(seen.seq, "there are events or entries that are in no batch");
        }
        Ok(Chain::Intact {
            links: Row { table: "ledger_heads", id: &head.org_id }.number(seen.seq)?,
            head: seen.hash,
        })
    }
}

/// Checks one batch; answers how many entries it has.
async fn check(
    org: OrgId,
    before: &Head,
    batch: &ledger_batch::Model,
    sql: &DatabaseTransaction,
) -> Result<Result<u64, &'static str>, StoreError> {
    if batch.seq != before.seq + 1 {
        return Ok(Err("the batch before it is missing"));
    }
    if batch.prev_hash != before.hash {
        return Ok(Err("it does not follow the batch before it"));
    }
    if batch.hash != link(batch)? {
        return Ok(Err("it was changed"));
    }
    let select = rows::<usage_event::Entity>(org).filter(usage_event::Column::BatchSeq.eq(batch.seq));
    let mut events = select.all(sql).await?;
    // In Rust, since databases differ in how they order text.
    events.sort_by(|one, other| one.event_id.cmp(&other.event_id));
    if i64::try_from(events.len()) != Ok(batch.events) || batch.root != root(&events)? {
        return Ok(Err("its events were changed, removed or added"));
    }
    let select = rows::<ledger_entry::Entity>(org).filter(ledger_entry::Column::BatchSeq.eq(batch.seq));
    let written = select.order_by_asc(ledger_entry::Column::EntryNo).all(sql).await?;
    if written != entries(&events) {
        return Ok(Err("its entries are not those of its events"));
    }
    let mut sums: HashMap<&str, i128> = HashMap::new();
    for entry in &written {
        *sums.entry(entry.period.as_str()).or_default() += i128::from(entry.amount_pico);
    }
    if sums.values().any(|sum| *sum != 0) {
        return Ok(Err("it does not balance"));
    }
    Ok(Ok(u64::try_from(written.len()).unwrap_or(u64::MAX)))
}
