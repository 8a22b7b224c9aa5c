//! A change of one organization's policy: rows, audit row and the next revision, all or none.
//!
//! Invariant: [`OrgScope::begin`] takes the organization's row first, so changes of one organization come one after the
//! other on both engines, and each revision and each audit row has exactly one predecessor. What is not committed is
//! rolled back. Typed writes are beside their nouns, in `teams.rs`, `keys.rs`, ….

use std::fmt;

use domain::org::Org;
use domain::{OrgId, Timestamp};
use policy::record::ObjectRef;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::Value;

use crate::author::Author;
use crate::chain::Head;
use crate::changes::{Minutes, kind, object_id};
use crate::column::Row;
use crate::connect::{Store, Whose, commit};
use crate::entity::{ledger_head, org, policy_change};
use crate::error::StoreError;
use crate::scope::{OrgScope, OrgTable, delete, insert, insert_all, one, rows, update};

/// How many revisions back a change can be told object by object; a node further behind gets the whole.
const KEPT_REVISIONS: i64 = 1_000;

/// A change of one organization's policy that is being made.
pub struct PolicyTx {
    sql: DatabaseTransaction,
    org: OrgId,
    revision: i64,
    audit: Head,
    changed: Vec<(ObjectRef, bool)>,
    minutes: Minutes,
}

impl fmt::Debug for PolicyTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyTx")
            .field("org", &self.org)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl OrgScope {
    /// Begins a change in `author`'s name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such organization.
    pub async fn begin(&self, author: Author, now: Timestamp) -> Result<PolicyTx, StoreError> {
        let sql = self.store().begin_write(Whose::Org(self.id())).await?;
        let next = Expr::col(org::Column::PolicyRevision).add(1);
        let bumped =
            update::<org::Entity>(self.id()).col_expr(org::Column::PolicyRevision, next).exec(&sql).await?;
        if bumped.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        let row = one(rows::<org::Entity>(self.id()), &sql).await?;
        Ok(PolicyTx {
            sql,
            org: self.id(),
            revision: row.policy_revision,
            audit: Head { seq: row.audit_seq, hash: row.audit_hash },
            changed: Vec::new(),
            minutes: Minutes::new(self.id().to_string(), author, now),
        })
    }
}

impl Store {
    /// Begins the change that makes a new organization, at revision 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists.
    pub async fn create_org(
        &self,
        new: &Org,
        author: Author,
        now: Timestamp,
    ) -> Result<PolicyTx, StoreError> {
        let sql = self.begin_write(Whose::Org(new.id)).await?;
        let Head { seq, hash } = Head::genesis();
        let row = org::Model {
            id: new.id.to_string(),
            name: new.name.clone(),
            policy_revision: 1,
            published_revision: 0,
            audit_seq: seq,
            audit_hash: hash.clone(),
            changed_at: now.as_micros(),
        };
        insert::<org::Entity, _>(row, &sql).await.map_err(|e| e.or_conflict("this organization exists"))?;
        let ledger = ledger_head::Model { org_id: new.id.to_string(), seq, hash };
        insert::<ledger_head::Entity, _>(ledger, &sql).await?;
        let mut tx = PolicyTx {
            sql,
            org: new.id,
            revision: 1,
            audit: Head::genesis(),
            changed: Vec::new(),
            minutes: Minutes::new(new.id.to_string(), author, now),
        };
        tx.put(ObjectRef::Org(new.id), "create_org", serde_json::json!({ "name": new.name }));
        Ok(tx)
    }
}

impl PolicyTx {
    /// Commits, and answers the organization's new revision. Where nothing was written, nothing happens.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn commit(self) -> Result<u64, StoreError> {
        let id = self.org.to_string();
        let row = Row { table: "orgs", id: &id };
        if self.minutes.is_empty() {
            self.sql.rollback().await?;
            return row.number(self.revision - 1);
        }
        insert_all::<policy_change::Entity, _>(changes(&id, self.revision, self.changed), None, &self.sql)
            .await?;
        delete::<policy_change::Entity>(self.org)
            .filter(policy_change::Column::Revision.lte(self.revision - KEPT_REVISIONS))
            .exec(&self.sql)
            .await?;
        let now = self.minutes.now().as_micros();
        let head = self.minutes.write(self.audit, &self.sql).await?;
        save_head(self.org, head, &self.sql).await?;
        update::<org::Entity>(self.org)
            .col_expr(org::Column::ChangedAt, Expr::value(now))
            .exec(&self.sql)
            .await?;
        commit(self.sql).await?;
        row.number(self.revision)
    }

    pub(crate) fn sql(&self) -> &DatabaseTransaction {
        &self.sql
    }

    /// The organization that is being changed.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.org
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.minutes.now()
    }

    /// Notes that an object was made or changed.
    pub(crate) fn put(&mut self, object: ObjectRef, action: &'static str, detail: Value) {
        self.changed.push((object, false));
        self.minutes.note(action, object_id(object), detail);
    }

    /// Notes that an object was removed.
    pub(crate) fn removed(&mut self, object: ObjectRef, action: &'static str) {
        self.changed.push((object, true));
        self.minutes.note(action, object_id(object), Value::Null);
    }

    /// Notes that something beside policy was done.
    pub(crate) fn note(&mut self, action: &'static str, object: impl fmt::Display, detail: Value) {
        self.minutes.note(action, object, detail);
    }

    /// Refuses what belongs to another organization.
    pub(crate) fn own(&self, org: OrgId) -> Result<(), StoreError> {
        if org == self.org { Ok(()) } else { Err(StoreError::NotFound) }
    }

    /// Refuses unless there is a row that `which` describes.
    pub(crate) async fn require<E: OrgTable>(&self, which: Condition) -> Result<(), StoreError> {
        one(rows::<E>(self.org).filter(which), &self.sql).await.map(drop)
    }

    pub(crate) async fn insert<E>(&self, row: E::Model) -> Result<(), StoreError>
    where
        E: OrgTable,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        insert::<E, _>(row, &self.sql).await
    }

    /// Replaces the one row that `which` describes.
    pub(crate) async fn replace<E>(&self, row: E::Model, which: Condition) -> Result<(), StoreError>
    where
        E: OrgTable,
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let row = row.into_active_model().reset_all();
        let done = update::<E>(self.org).set(row).filter(which).exec(&self.sql).await?;
        if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }
}

/// The end of an organization's audit log after `head`.
pub(crate) async fn save_head(org: OrgId, head: Head, sql: &DatabaseTransaction) -> Result<(), StoreError> {
    update::<org::Entity>(org)
        .col_expr(org::Column::AuditSeq, Expr::value(head.seq))
        .col_expr(org::Column::AuditHash, Expr::value(head.hash))
        .exec(sql)
        .await?;
    Ok(())
}

/// One row per object: what happened to it last counts.
fn changes(org: &str, revision: i64, changed: Vec<(ObjectRef, bool)>) -> Vec<policy_change::Model> {
    let mut last: Vec<policy_change::Model> = Vec::new();
    for (object, removed) in changed {
        let (kind, object_id) = (kind(object).to_owned(), object_id(object));
        last.retain(|change| change.object_id != object_id);
        last.push(policy_change::Model { org_id: org.to_owned(), revision, kind, object_id, removed });
    }
    last
}
