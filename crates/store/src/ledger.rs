//! The ledger: balanced entries in hash-chained batches with a Merkle root over their events.
//!
//! Invariant: entries are computed from events and suspense notes and nothing else, each batch sums to zero, and a batch's
//! hash covers the one before it. What verifies was neither changed nor shortened since.

use std::collections::HashMap;

use domain::{OrgId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, PaginatorTrait, QueryFilter, QueryOrder};

use crate::audit::broken;
use crate::chain::{Chain, Head, digest, merkle_root};
use crate::column::Row;
use crate::entity::{ledger_batch, ledger_entry, ledger_head, suspense_note, usage_event};
use crate::error::StoreError;
use crate::hours::{self, Hours};
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

/// What one batch says: usage, and what went into or left suspense beside it.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// In the order of their ids.
    pub(crate) events: Vec<usage_event::Model>,
    /// In the order of their numbers.
    pub(crate) notes: Vec<suspense_note::Model>,
}

/// Adds one batch behind `head`.
pub(crate) async fn append(
    org: OrgId,
    head: Head,
    Batch { events, notes }: Batch,
    now: Timestamp,
    sql: &DatabaseTransaction,
) -> Result<(), StoreError> {
    let mut batch = ledger_batch::Model {
        org_id: org.to_string(),
        seq: head.seq + 1,
        committed_at: now.as_micros(),
        events: i64::try_from(events.len()).map_err(|_| StoreError::unstorable("a batch"))?,
        prev_hash: head.hash,
        root: root(&events, &notes)?,
        hash: String::new(),
    };
    batch.hash = link(&batch)?;
    let (seq, hash) = (batch.seq, batch.hash.clone());
    insert::<ledger_batch::Entity, _>(batch, sql).await?;
    insert_all::<ledger_entry::Entity, _>(entries(&events, &notes), None, sql).await?;
    hours::add(&events, sql).await?;
    insert_all::<usage_event::Entity, _>(events, None, sql).await?;
    insert_all::<suspense_note::Entity, _>(notes, None, sql).await?;
    update::<ledger_head::Entity>(org)
        .col_expr(ledger_head::Column::Seq, Expr::value(seq))
        .col_expr(ledger_head::Column::Hash, Expr::value(hash))
        .exec(sql)
        .await?;
    Ok(())
}

/// The balanced entries of a batch.
fn entries(events: &[usage_event::Model], notes: &[suspense_note::Model]) -> Vec<ledger_entry::Model> {
    let mut entries = Vec::new();
    for event in events {
        let payable = format!("payable:{}", event.provider);
        let of = (event.org_id.as_str(), event.batch_seq, event.event_id.as_str(), event.period.as_str());
        pair(&mut entries, of, (USAGE, &payable), event.cost);
        pair(&mut entries, of, (SUSPENSE, SUSPENSE_CONTRA), event.suspense);
    }
    for note in notes {
        let of = (note.org_id.as_str(), note.batch_seq, note.subject.as_str(), note.period.as_str());
        pair(&mut entries, of, (SUSPENSE, SUSPENSE_CONTRA), note.amount_pico);
    }
    entries
}

/// Adds a debit and its credit; of nothing, none.
fn pair(
    entries: &mut Vec<ledger_entry::Model>,
    (org, batch_seq, subject, period): (&str, i64, &str, &str),
    (debit, credit): (&str, &str),
    pico: i64,
) {
    if pico == 0 {
        return;
    }
    for (account, amount_pico) in [(debit, pico), (credit, -pico)] {
        entries.push(ledger_entry::Model {
            org_id: org.to_owned(),
            batch_seq,
            entry_no: i64::try_from(entries.len()).unwrap_or(i64::MAX),
            account: account.to_owned(),
            event_id: subject.to_owned(),
            period: period.to_owned(),
            amount_pico,
        });
    }
}

fn root(events: &[usage_event::Model], notes: &[suspense_note::Model]) -> Result<String, StoreError> {
    let events = events.iter().map(digest);
    Ok(merkle_root(events.chain(notes.iter().map(digest)).collect::<Result<Vec<_>, _>>()?))
}

/// The hash of a batch: over all of it but the hash itself.
fn link(batch: &ledger_batch::Model) -> Result<String, StoreError> {
    digest(&ledger_batch::Model { hash: String::new(), ..batch.clone() }).map(hex::encode)
}

impl OrgScope {
    /// Checks the organization's ledger from its beginning: every batch follows the one before it, its root is that of
    /// its events as they are now, its entries are those of its events, nothing is missing or too much, and the hourly sums are those of all events.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_ledger(&self) -> Result<Chain, StoreError> {
        let sql = self.read().await?;
        let batches = rows::<ledger_batch::Entity>(self.id()).order_by_asc(ledger_batch::Column::Seq);
        let (mut seen, mut hours) = (Head::genesis(), Hours::new());
        let (mut events, mut entries, mut notes) = (0, 0, 0);
        for batch in batches.all(&sql).await? {
            let counted = match check(self.id(), &seen, &batch, &sql).await? {
                Ok(counted) => counted,
                Err(problem) => return broken(batch.seq, problem),
            };
            events += batch.events.unsigned_abs();
            entries += counted.entries;
            notes += counted.notes;
            hours::gather(&mut hours, &counted.events)?;
            seen = Head { seq: batch.seq, hash: batch.hash };
        }
        let head = one(rows::<ledger_head::Entity>(self.id()), &sql).await?;
        if (head.seq, &head.hash) != (seen.seq, &seen.hash) {
            return broken(seen.seq + 1, "batches at the end are missing, or were added");
        }
        let every_event = rows::<usage_event::Entity>(self.id()).count(&sql).await?;
        let every_entry = rows::<ledger_entry::Entity>(self.id()).count(&sql).await?;
        let every_note = rows::<suspense_note::Entity>(self.id()).count(&sql).await?;
        if (every_event, every_entry, every_note) != (events, entries, notes) {
            return broken(seen.seq, "there are events or entries that are in no batch");
        }
        if !hours::are(self.id(), &hours, &sql).await? {
            return broken(seen.seq, "the hourly sums are not those of its events");
        }
        Ok(Chain::Intact {
            links: Row { table: "ledger_heads", id: &head.org_id }.number(seen.seq)?,
            head: seen.hash,
        })
    }
}

/// What a batch has.
struct Counted {
    events: Vec<usage_event::Model>,
    entries: u64,
    notes: u64,
}

/// Checks one batch; answers what it has.
async fn check(
    org: OrgId,
    before: &Head,
    batch: &ledger_batch::Model,
    sql: &DatabaseTransaction,
) -> Result<Result<Counted, &'static str>, StoreError> {
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
    let select = rows::<suspense_note::Entity>(org).filter(suspense_note::Column::BatchSeq.eq(batch.seq));
    let notes = select.order_by_asc(suspense_note::Column::NoteNo).all(sql).await?;
    if i64::try_from(events.len()) != Ok(batch.events) || batch.root != root(&events, &notes)? {
        return Ok(Err("its events were changed, removed or added"));
    }
    let select = rows::<ledger_entry::Entity>(org).filter(ledger_entry::Column::BatchSeq.eq(batch.seq));
    let written = select.order_by_asc(ledger_entry::Column::EntryNo).all(sql).await?;
    if written != entries(&events, &notes) {
        return Ok(Err("its entries are not those of its events"));
    }
    let mut sums: HashMap<&str, i128> = HashMap::new();
    for entry in &written {
        *sums.entry(entry.period.as_str()).or_default() += i128::from(entry.amount_pico);
    }
    if sums.values().any(|sum| *sum != 0) {
        return Ok(Err("it does not balance"));
    }
    let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
    Ok(Ok(Counted { entries: count(written.len()), notes: count(notes.len()), events }))
}
