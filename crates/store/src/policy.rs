//! What publishers and nodes ask for: what changed, one organization whole, every organization's revision, the platform.
//!
//! Invariant: revision and objects of one answer are of the same moment. A change that cannot be told from the revision
//! asked for is `None`, and the whole is sent instead.

use std::collections::{BTreeMap, HashSet};

use domain::OrgId;
use policy::feed::Heartbeat;
use policy::record::{ObjectRef, OrgChange, OrgObject, OrgRecords};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::catalogue;
use crate::changes::reference;
use crate::column::{Row, stored};
use crate::connect::{Store, Whose, commit};
use crate::entity::{org, platform_state, policy_change};
use crate::error::StoreError;
use crate::objects::objects;
use crate::scope::{across_orgs, rows, update};

/// More changes than this are not told one by one.
const MOST_CHANGES: u64 = 2_000;

/// An organization with changes that were not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirtyOrg {
    /// Which.
    pub org: OrgId,
    /// Its revision when it was last published.
    pub published: u64,
    /// Its revision.
    pub revision: u64,
}

/// How new the platform's objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformVersion {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// Rises with every change.
    pub revision: u64,
    /// The revision that was last published.
    pub published: u64,
}

impl Store {
    /// Organizations with changes that were not published.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dirty_orgs(&self) -> Result<Vec<DirtyOrg>, StoreError> {
        let unpublished =
            Expr::col(org::Column::PolicyRevision).gt(Expr::col(org::Column::PublishedRevision));
        let rows = across_orgs::<org::Entity>()
            .filter(unpublished)
            .all(&self.begin_read(Whose::Every).await?)
            .await?;
        let dirty = |row: org::Model| {
            let place = Row { table: "orgs", id: &row.id };
            Ok(DirtyOrg {
                org: place.parse(&row.id)?,
                published: place.number(row.published_revision)?,
                revision: place.number(row.policy_revision)?,
            })
        };
        rows.into_iter().map(dirty).collect()
    }

    /// Notes that everything up to `revision` was published. An older revision changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_published(&self, org: OrgId, revision: u64) -> Result<(), StoreError> {
        let revision = stored(revision)?;
        let sql = self.begin_write(Whose::Org(org)).await?;
        update::<org::Entity>(org)
            .col_expr(org::Column::PublishedRevision, Expr::value(revision))
            .filter(org::Column::PublishedRevision.lt(revision))
            .exec(&sql)
            .await?;
        commit(sql).await
    }

    /// Notes that the platform's objects up to `revision` were published. An older revision changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_platform_published(&self, revision: u64) -> Result<(), StoreError> {
        let revision = stored(revision)?;
        platform_state::Entity::update_many()
            .col_expr(platform_state::Column::PublishedRevision, Expr::value(revision))
            .filter(platform_state::Column::PublishedRevision.lt(revision))
            .exec(self.writer())
            .await
            .map_err(StoreError::unsure)?;
        Ok(())
    }

    /// Every organization with its revision.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn index(&self) -> Result<Vec<(OrgId, u64)>, StoreError> {
        let select = across_orgs::<org::Entity>().select_only();
        let select = select.columns([org::Column::Id, org::Column::PolicyRevision]);
        let rows: Vec<(String, i64)> = select.into_tuple().all(&self.begin_read(Whose::Every).await?).await?;
        let entry = |(id, revision): (String, i64)| {
            let place = Row { table: "orgs", id: &id };
            Ok((place.parse(&id)?, place.number(revision)?))
        };
        rows.into_iter().map(entry).collect()
    }

    /// What nodes compare what they hold with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn heartbeat(&self) -> Result<Heartbeat, StoreError> {
        let sql = self.begin_read(Whose::Every).await?;
        let state = catalogue::version(&sql).await?;
        let select = across_orgs::<org::Entity>().select_only().column(org::Column::PolicyRevision);
        let revisions: Vec<i64> = select.into_tuple().all(&sql).await?;
        Ok(Heartbeat {
            epoch: state.epoch,
            orgs: u64::try_from(revisions.len()).unwrap_or(u64::MAX),
            revisions: revisions.iter().map(|revision| revision.unsigned_abs()).sum(),
            platform: state.revision,
        })
    }

    /// Everything an organization's policy is made of; `None` when there is no such organization.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load_records(&self, org: OrgId) -> Result<Option<OrgRecords>, StoreError> {
        let sql = self.begin_read(Whose::Org(org)).await?;
        let Some(row) = rows::<org::Entity>(org).one(&sql).await? else { return Ok(None) };
        let revision = Row { table: "orgs", id: &row.id }.number(row.policy_revision)?;
        let epoch = catalogue::version(&sql).await?.epoch;
        let objects = objects(org, None, &sql).await?;
        Ok(Some(OrgRecords { epoch, org, revision, objects }))
    }

    /// What changed since revision `since`; `None` when that cannot be told any more, or there is no such organization.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load_change(&self, org: OrgId, since: u64) -> Result<Option<OrgChange>, StoreError> {
        let sql = self.begin_read(Whose::Org(org)).await?;
        let Some(row) = rows::<org::Entity>(org).one(&sql).await? else { return Ok(None) };
        let revision = Row { table: "orgs", id: &row.id }.number(row.policy_revision)?;
        let Some(changed) = changed(org, since, revision, &sql).await? else { return Ok(None) };
        let epoch = catalogue::version(&sql).await?.epoch;
        let put = objects(org, Some(&changed), &sql).await?;
        let found: HashSet<_> = put.iter().map(OrgObject::reference).collect();
        let removed = changed.into_iter().filter(|object| !found.contains(object)).collect();
        Ok(Some(OrgChange { epoch, org, revision, previous: since, put, removed }))
    }
}

/// The objects that changed after `since`, each once; `None` when not every revision up to `revision` is known.
async fn changed(
    org: OrgId,
    since: u64,
    revision: u64,
    sql: &DatabaseTransaction,
) -> Result<Option<Vec<ObjectRef>>, StoreError> {
    let Some(missed) = revision.checked_sub(since) else { return Ok(None) };
    let select =
        rows::<policy_change::Entity>(org).filter(policy_change::Column::Revision.gt(stored(since)?));
    let changes = select.limit(MOST_CHANGES + 1).all(sql).await?;
    let revisions: HashSet<_> = changes.iter().map(|change| change.revision).collect();
    let is_complete = u64::try_from(revisions.len()) == Ok(missed);
    if !is_complete || u64::try_from(changes.len()).is_ok_and(|changes| changes > MOST_CHANGES) {
        return Ok(None);
    }
    let objects: BTreeMap<_, _> = changes.iter().map(|change| (&change.object_id, &change.kind)).collect();
    objects.into_iter().map(|(id, kind)| reference(kind, id)).collect::<Result<_, _>>().map(Some)
}
