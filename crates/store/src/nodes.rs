//! Nodes: who said hello, what they enforce, how far their journals are committed, and what becomes of what they held.
//!
//! Invariant: money that earlier lives of a node held is freed only where their journal was committed to its end; where
//! that cannot be known it becomes suspense. A node's later life always wins over an earlier one.

use domain::{Holder, NodeId, OrgId, Timestamp};
use metering::ports::Hello;
use policy::Version;
use policy::feed::Ack;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use crate::author::Author;
use crate::catalogue::{self, PLATFORM};
use crate::column::{Row, stored};
use crate::connect::{Store, Whose, commit};
use crate::entity::{node, node_ack, org};
use crate::error::StoreError;
use crate::leases::{self, Leaving};
use crate::scope::{OrgScope, one, platform, rows};
use crate::suspense;

/// A node may miss two of its turns before it counts as out of contact.
const TURNS: i64 = 3;

/// A node as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Its identity.
    pub node: NodeId,
    /// What people call it.
    pub name: String,
    /// The release it runs.
    pub version: String,
    /// Its present life.
    pub incarnation: u64,
    /// It is in contact at least this often. Milliseconds.
    pub contact_every_ms: u32,
    /// When its present life began.
    pub started_at: Timestamp,
    /// When it was last in contact.
    pub seen_at: Timestamp,
    /// Since when it will never return.
    pub retired_at: Option<Timestamp>,
}

/// What a node said of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAck {
    /// Which node.
    pub node: NodeId,
    /// The newest revision it told of.
    pub version: Version,
    /// When it told of it first.
    pub acked_at: Timestamp,
    /// Why it does not enforce it.
    pub refused: Option<String>,
}

impl Store {
    /// Registers a process life. What earlier lives held and did not spend is freed, or, where the end of their journal
    /// may be lost, becomes suspense; whether it was freed. Twice is harmless.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a retired node, a life that is not its last, or one that an older disk began again.
    pub async fn hello(&self, hello: &Hello, now: Timestamp) -> Result<bool, StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        let id = hello.holder.node.to_string();
        let incarnation = stored(hello.holder.incarnation)?;
        // Held until the end, so that a retirement at the same moment is not undone.
        let known = platform::<node::Entity>().filter(node::Column::Id.eq(&id)).lock_exclusive();
        let known = known.one(&sql).await?;
        if let Some(known) = &known {
            check(known, hello, incarnation)?;
        }
        let is_new_life = known.as_ref().is_none_or(|known| known.incarnation < incarnation);
        let is_known_to_the_end = known.as_ref().is_none_or(|known| {
            !is_new_life
                || (known.boot == hello.boot && known.committed.unsigned_abs() <= hello.journal_found.0)
        });
        let row = node::Model {
            id: id.clone(),
            name: hello.name.clone(),
            version: hello.version.clone(),
            incarnation,
            boot: hello.boot.clone(),
            // Its journal has come this far: a disk that has less is older.
            committed: Ord::max(
                known.as_ref().map_or(0, |known| known.committed),
                stored(hello.journal_end.0)?,
            ),
            complete_to: known.as_ref().map_or(0, |known| known.complete_to),
            contact_every_ms: hello.contact_every_ms.into(),
            started_at: known
                .as_ref()
                .filter(|_| !is_new_life)
                .map_or(now.as_micros(), |known| known.started_at),
            seen_at: now.as_micros(),
            retired_at: None,
        };
        put(row, &sql).await?;
        if is_new_life {
            // Another release may enforce what this one refused.
            let told = node_ack::Entity::delete_many().filter(node_ack::Column::Node.eq(&id));
            told.exec(&sql).await?;
        }
        let held = leases::held_before(hello.holder, &sql).await?;
        let is_freed = is_known_to_the_end || held.is_empty();
        if !is_freed {
            suspense::suspend(held, now, &sql).await?;
            commit(sql).await?;
            return Ok(false);
        }
        for (place, holder, outstanding) in held {
            leases::leave(place, holder, Leaving::Returned(outstanding), &sql).await?;
        }
        commit(sql).await?;
        Ok(true)
    }

    /// Whether this life of a node said hello, and none has since; a retired node is present no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_present(&self, holder: Holder) -> Result<bool, StoreError> {
        let select = platform::<node::Entity>()
            .filter(node::Column::Id.eq(holder.node.to_string()))
            .filter(node::Column::Incarnation.eq(stored(holder.incarnation)?))
            .filter(node::Column::RetiredAt.is_null());
        Ok(select.one(self.reader()).await?.is_some())
    }

    /// Notes that everything in a node's journal up to `upto` is committed. A smaller number changes nothing; nor does what a
    /// life says before its hello, which tells of it too: what earlier lives had committed shows whether its disk is older.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_committed(&self, holder: Holder, upto: u64) -> Result<(), StoreError> {
        let upto = stored(upto)?;
        node::Entity::update_many()
            .col_expr(node::Column::Committed, Expr::value(upto))
            .filter(node::Column::Id.eq(holder.node.to_string()))
            .filter(node::Column::Incarnation.eq(stored(holder.incarnation)?))
            .filter(node::Column::Committed.lt(upto))
            .exec(self.writer())
            .await
            .map_err(StoreError::unsure)?;
        Ok(())
    }

    /// Notes that a node is in contact, up to when its usage is committed where it says so, and what it enforces or
    /// refuses. An older revision changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when this life of the node is not known, or not its last.
    pub async fn acknowledge(
        &self,
        (holder, complete_to): (Holder, Option<Timestamp>),
        acks: &[Ack],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seen = node::Entity::update_many()
            .col_expr(node::Column::SeenAt, Expr::value(now.as_micros()))
            .filter(node::Column::Id.eq(holder.node.to_string()))
            .filter(node::Column::Incarnation.eq(stored(holder.incarnation)?))
            .filter(node::Column::RetiredAt.is_null());
        let seen = match complete_to {
            Some(to) => seen.col_expr(node::Column::CompleteTo, Expr::value(to.as_micros())),
            None => seen,
        };
        if acks.is_empty() {
            let seen = seen.exec(self.writer()).await.map_err(StoreError::unsure)?;
            return if seen.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) };
        }
        let sql = self.begin_write(Whose::Every).await?;
        if seen.exec(&sql).await?.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        for ack in acks {
            note(holder.node, ack, now, &sql).await?;
        }
        commit(sql).await
    }

    /// Everything admitted before this is in the ledger, whichever node admitted it: what the node that is furthest
    /// behind, or was out of contact for longest, last said. `None` where some node, or every node, has yet to say it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn complete_to(&self) -> Result<Option<Timestamp>, StoreError> {
        let select = platform::<node::Entity>().filter(node::Column::RetiredAt.is_null());
        let said = select.select_only().column(node::Column::CompleteTo).into_tuple::<i64>();
        let least = said.all(self.reader()).await?.into_iter().min();
        Ok(least.filter(|micros| *micros > 0).map(Timestamp::from_micros))
    }

    /// Every node, retired ones included, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        let select = platform::<node::Entity>().order_by_asc(node::Column::Id);
        select.all(self.reader()).await?.into_iter().map(NodeRow::try_from).collect()
    }

    /// How many nodes are in contact.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nodes_in_contact(&self, now: Timestamp) -> Result<u32, StoreError> {
        let is_in_contact = |node: &NodeRow| {
            let silence = now.since_micros(node.seen_at);
            node.retired_at.is_none() && silence <= TURNS * i64::from(node.contact_every_ms) * 1_000
        };
        let count = self.nodes().await?.iter().filter(|node| is_in_contact(node)).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// What nodes last said of an organization, or of the platform.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acks_of(&self, org: Option<OrgId>) -> Result<Vec<NodeAck>, StoreError> {
        let select = platform::<node_ack::Entity>().filter(node_ack::Column::Subject.eq(subject(org)));
        select.all(self.reader()).await?.into_iter().map(NodeAck::try_from).collect()
    }

    /// An organization's revision, and when it was committed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn org_revision(&self, org: OrgId) -> Result<(u64, Timestamp), StoreError> {
        let row = one(rows::<org::Entity>(org), &self.begin_read(Whose::Org(org)).await?).await?;
        let place = Row { table: "orgs", id: &row.id };
        Ok((place.number(row.policy_revision)?, Timestamp::from_micros(row.changed_at)))
    }

    /// The revision of the platform's objects, and when it was committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn platform_revision(&self) -> Result<(u64, Timestamp), StoreError> {
        let state = catalogue::state(self.reader()).await?;
        let place = Row { table: "platform_state", id: PLATFORM };
        Ok((place.number(state.revision)?, Timestamp::from_micros(state.changed_at)))
    }

    /// Notes that a node will never return: what it holds becomes suspense.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn retire_node(&self, id: NodeId, author: Author, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_platform(author, now).await?;
        let gone = node::Entity::update_many()
            .col_expr(node::Column::RetiredAt, Expr::value(now.as_micros()))
            .filter(node::Column::Id.eq(id.to_string()))
            .exec(tx.sql())
            .await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        let everything = Holder { node: id, incarnation: i64::MAX.unsigned_abs() };
        let held = leases::held_before(everything, tx.sql()).await?;
        tx.note("retire_node", id, json!({ "leases": held.len() }));
        suspense::suspend(held, now, tx.sql()).await?;
        tx.commit().await.map(drop)
    }

    /// Whether `fingerprint` is that of the master key this database was begun with; the first one asked about is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check_master(&self, fingerprint: &str) -> Result<bool, StoreError> {
        use crate::entity::platform_state::{Column, Entity};
        Entity::update_many()
            .col_expr(Column::MasterKeyCheck, Expr::value(fingerprint))
            .filter(Column::MasterKeyCheck.is_null())
            .exec(self.writer())
            .await
            .map_err(StoreError::unsure)?;
        let state = catalogue::state(self.reader()).await?;
        Ok(state.master_key_check.as_deref() == Some(fingerprint))
    }
}

impl OrgScope {
    /// Everything admitted before this is in the organization's ledger: [`Store::complete_to`]. Ask before reading what it is
    /// said of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn complete_to(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store().complete_to().await
    }
}

fn check(known: &node::Model, hello: &Hello, incarnation: i64) -> Result<(), StoreError> {
    if known.retired_at.is_some() {
        return Err(StoreError::Conflict(
            "this node was retired; give it a new data directory, and it joins as another node",
        ));
    }
    // A copy of the disk from the life before counts its next life as that one did: it is told by what a life never does,
    // to go on after the machine was started anew, or to lose what it had written.
    let is_copy = known.incarnation == incarnation
        && (known.boot != hello.boot || known.committed.unsigned_abs() > hello.journal_end.0);
    if known.incarnation > incarnation || is_copy {
        return Err(StoreError::Conflict(
            "another process of this node began later: its data directory is in use twice, or an older copy of it was \
             put back; give this process a new data directory",
        ));
    }
    Ok(())
}

fn subject(org: Option<OrgId>) -> String {
    org.map_or_else(|| PLATFORM.to_owned(), |org| org.to_string())
}

async fn put(row: node::Model, sql: &DatabaseTransaction) -> Result<(), StoreError> {
    use node::Column;
    let columns = [
        Column::Name,
        Column::Version,
        Column::Incarnation,
        Column::Boot,
        Column::Committed,
        Column::ContactEveryMs,
        Column::StartedAt,
        Column::SeenAt,
    ];
    node::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::Id).update_columns(columns).to_owned())
        .exec_without_returning(sql)
        .await?;
    Ok(())
}

/// Notes one acknowledgement, where it is newer than what the node said before.
async fn note(node: NodeId, ack: &Ack, now: Timestamp, sql: &DatabaseTransaction) -> Result<(), StoreError> {
    use node_ack::Column;
    let (epoch, revision) = (stored(ack.version.epoch)?, stored(ack.version.revision)?);
    let row = node_ack::Model {
        node: node.to_string(),
        subject: subject(ack.org),
        epoch,
        revision,
        acked_at: now.as_micros(),
        refused: ack.refused.clone(),
    };
    let held = |column: Column| Expr::col((node_ack::Entity, column));
    let is_newer = held(Column::Epoch)
        .lt(epoch)
        .or(held(Column::Epoch).eq(epoch).and(held(Column::Revision).lt(revision)));
    let newest = OnConflict::columns([Column::Node, Column::Subject])
        .update_columns([Column::Epoch, Column::Revision, Column::AckedAt, Column::Refused])
        .action_and_where(is_newer)
        .to_owned();
    node_ack::Entity::insert(row.into_active_model()).on_conflict(newest).exec_without_returning(sql).await?;
    Ok(())
}

impl TryFrom<node::Model> for NodeRow {
    type Error = StoreError;
    fn try_from(row: node::Model) -> Result<Self, StoreError> {
        let place = Row { table: "nodes", id: &row.id };
        Ok(Self {
            node: place.parse(&row.id)?,
            incarnation: place.number(row.incarnation)?,
            contact_every_ms: place.number(row.contact_every_ms)?,
            started_at: Timestamp::from_micros(row.started_at),
            seen_at: Timestamp::from_micros(row.seen_at),
            retired_at: row.retired_at.map(Timestamp::from_micros),
            name: row.name,
            version: row.version,
        })
    }
}

impl TryFrom<node_ack::Model> for NodeAck {
    type Error = StoreError;
    fn try_from(row: node_ack::Model) -> Result<Self, StoreError> {
        let place = Row { table: "node_acks", id: &row.node };
        Ok(Self {
            node: place.parse(&row.node)?,
            version: Version { epoch: place.number(row.epoch)?, revision: place.number(row.revision)? },
            acked_at: Timestamp::from_micros(row.acked_at),
            refused: row.refused,
        })
    }
}
