//! Reads of the audit log, and what is noted in it beside changes of policy.
//!
//! Invariant: an organization reads its own chain only; a chain that was tampered with says where.

use domain::{OrgId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use crate::author::Author;
use crate::chain::{Chain, GENESIS, Head};
use crate::changes::{Minutes, link};
use crate::column::Row;
use crate::connect::{Whose, commit};
use crate::entity::{audit, org};
use crate::error::StoreError;
use crate::page::{Page, Paged, cut};
use crate::scope::{OrgScope, one, rows, update};
use crate::tx::save_head;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the organization's log, from 1 on.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// `person`, `key` or `system`.
    pub actor_kind: String,
    /// The person or key.
    pub actor_id: Option<String>,
    /// What, e.g. `create_team`.
    pub action: String,
    /// To which object: its id.
    pub object: String,
    /// How the object was afterwards, as JSON; no secrets.
    pub detail: String,
}

impl TryFrom<audit::Model> for AuditEntry {
    type Error = StoreError;
    fn try_from(row: audit::Model) -> Result<Self, StoreError> {
        let seq = Row { table: "audit", id: &row.chain }.number(row.seq)?;
        Ok(Self {
            seq,
            at: Timestamp::from_micros(row.at),
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            object: row.object,
            detail: row.detail,
        })
    }
}

impl OrgScope {
    /// The audit log, newest first. A page continues after an entry's `seq`.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::NotFound`] when `after` is no number.
    pub async fn audit(&self, which: &Page) -> Result<Paged<AuditEntry>, StoreError> {
        let mut select = self.rows::<audit::Entity>();
        if let Some(after) = &which.after {
            let after: i64 = after.parse().map_err(|_| StoreError::NotFound)?;
            select = select.filter(audit::Column::Seq.lt(after));
        }
        let select = select.order_by_desc(audit::Column::Seq).limit(u64::from(which.first) + 1);
        cut(select.all(&self.read().await?).await?, which.first, AuditEntry::try_from)
    }

    /// Notes something that changes no policy, such as a report that was downloaded. `detail` holds no secret.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such organization.
    pub async fn note(
        &self,
        (author, now): (Author, Timestamp),
        action: &'static str,
        object: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        let sql = self.store().begin_write(Whose::Org(self.id())).await?;
        let head = lock(self.id(), &sql).await?;
        let mut minutes = Minutes::new(self.id().to_string(), author, now);
        minutes.note(action, object, detail);
        save_head(self.id(), minutes.write(head, &sql).await?, &sql).await?;
        commit(sql).await
    }

    /// Checks every link of the organization's audit log, and that none is missing at its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_audit(&self) -> Result<Chain, StoreError> {
        const ROWS: u64 = 1_000;
        let sql = self.read().await?;
        let mut seen = Head { seq: 0, hash: GENESIS.to_owned() };
        loop {
            let select = rows::<audit::Entity>(self.id()).filter(audit::Column::Seq.gt(seen.seq));
            let some = select.order_by_asc(audit::Column::Seq).limit(ROWS).all(&sql).await?;
            if some.is_empty() {
                break;
            }
            for row in some {
                let problem = if row.seq != seen.seq + 1 {
                    "the entry before it is missing"
                } else if row.prev_hash != seen.hash {
                    "it does not follow the entry before it"
                } else if row.hash != link(&row)? {
                    "it was changed"
                } else {
                    seen = Head { seq: row.seq, hash: row.hash };
                    continue;
                };
                return broken(row.seq, problem);
            }
        }
        let org = one(rows::<org::Entity>(self.id()), &sql).await?;
        if (org.audit_seq, &org.audit_hash) != (seen.seq, &seen.hash) {
            return broken(seen.seq + 1, "entries at the end are missing, or were added");
        }
        Ok(Chain::Intact { links: Row { table: "audit", id: &org.id }.number(seen.seq)?, head: seen.hash })
    }
}

/// Takes the organization's row, as every writer of its chain does, and answers the end of the chain.
pub(crate) async fn lock(org: OrgId, sql: &DatabaseTransaction) -> Result<Head, StoreError> {
    let locked = update::<org::Entity>(org)
        .col_expr(org::Column::AuditSeq, Expr::col(org::Column::AuditSeq).add(0))
        .exec(sql)
        .await?;
    if locked.rows_affected == 0 {
        return Err(StoreError::NotFound);
    }
    let row = one(rows::<org::Entity>(org), sql).await?;
    Ok(Head { seq: row.audit_seq, hash: row.audit_hash })
}

/// The link that is wrong.
pub(crate) fn broken(seq: i64, problem: &'static str) -> Result<Chain, StoreError> {
    Ok(Chain::Broken { seq: u64::try_from(seq).unwrap_or_default(), problem })
}
