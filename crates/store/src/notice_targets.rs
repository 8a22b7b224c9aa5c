//! Where an organization's notices go, and how the last deliveries there ended.
//!
//! Invariant: a removed target gets nothing more and keeps no secret; its row stays, since notices may be written to it at
//! the same moment. The audit log shows neither a secret nor the path of a URL, which may be one.

use std::collections::HashMap;

use domain::notice::{Channel, NoticeTarget};
use domain::{NoticeTargetId, Timestamp};
use policy::record::Sealed;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, PaginatorTrait, QueryFilter, QuerySelect, Select,
};
use serde_json::{Value, json};
use url::Url;

use crate::author::Author;
use crate::changes::Minutes;
use crate::column::Row;
use crate::connect::{Whose, commit};
use crate::credentials::unseal_text;
use crate::entity::{notice_delivery, notice_target};
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, insert, one, update};
use crate::tx::save_head;
use crate::{audit, deliveries};

/// A target that is to be made.
#[derive(Debug, Clone)]
pub struct NewNoticeTarget {
    /// What it will be.
    pub target: NoticeTarget,
    /// What deliveries are signed with; a webhook has one.
    pub sealed: Option<Sealed>,
}

/// A target with how the last deliveries to it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTargetView {
    /// The target.
    pub target: NoticeTarget,
    /// When something was last delivered.
    pub delivered_at: Option<Timestamp>,
    /// Since when every attempt has failed; `None` when the last one did not.
    pub failing_since: Option<Timestamp>,
    /// So many attempts have failed since then.
    pub failures: u32,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// Notices on their way there.
    pub waiting: u64,
    /// Notices that nobody tries to deliver any more.
    pub given_up: u64,
}

impl TryFrom<&notice_target::Model> for NoticeTarget {
    type Error = StoreError;
    fn try_from(row: &notice_target::Model) -> Result<Self, StoreError> {
        let place = Row { table: "notice_targets", id: &row.id };
        let channel = |kind: &str| Channel::from_name(kind, row.destination.clone());
        Ok(Self {
            id: place.parse(&row.id)?,
            name: row.name.clone(),
            channel: place.named(&row.kind, channel)?,
        })
    }
}

/// The secret of a target, as it is kept.
pub(crate) fn sealed(row: &notice_target::Model) -> Result<Option<Sealed>, StoreError> {
    let place = Row { table: "notice_targets", id: &row.id };
    row.sealed.as_deref().map(|text| unseal_text(place, text)).transpose()
}

impl OrgScope {
    /// The targets of the organization's notices, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_targets(&self, which: &Page) -> Result<Paged<NoticeTargetView>, StoreError> {
        let sql = self.read().await?;
        let undelivered = notice_delivery::Column::DeliveredAt.is_null();
        let next = notice_delivery::Column::NextAt;
        let waiting = self.count(Condition::all().add(next.is_not_null()), &sql).await?;
        let given_up = self.count(Condition::all().add(undelivered).add(next.is_null()), &sql).await?;
        let by = (notice_target::Column::Id, Order::OldestFirst);
        page(&sql, present(self.rows()), by, which, |row| {
            let count = |of: &HashMap<String, u64>| of.get(&row.id).copied().unwrap_or_default();
            view(&row, count(&waiting), count(&given_up))
        })
        .await
    }

    /// One target, with its sealed secret.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn notice_target(
        &self,
        id: NoticeTargetId,
    ) -> Result<(NoticeTarget, Option<Sealed>), StoreError> {
        let row = one(present(self.rows()).filter(is(id)), &self.read().await?).await?;
        Ok(((&row).try_into()?, sealed(&row)?))
    }

    /// Adds a target, unless there are `most` already. It gets what is noticed from now on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there are too many.
    pub async fn create_notice_target(
        &self,
        new: &NewNoticeTarget,
        most: u64,
        by: (Author, Timestamp),
    ) -> Result<(), StoreError> {
        let NewNoticeTarget { target, sealed } = new;
        let sql = self.store().begin_write(Whose::Org(self.id())).await?;
        let head = audit::lock(self.id(), &sql).await?;
        if present(self.rows()).count(&sql).await? >= most {
            return Err(StoreError::Conflict("there are too many targets of notices; delete some first"));
        }
        let row = notice_target::Model {
            org_id: self.id().to_string(),
            id: target.id.to_string(),
            name: target.name.clone(),
            kind: target.channel.name().to_owned(),
            destination: target.channel.destination().to_owned(),
            sealed: sealed.as_ref().map(|sealed| hex::encode(&sealed.0)),
            disabled_at: None,
            delivered_at: None,
            failing_since: None,
            failures: 0,
            last_error: None,
        };
        insert::<notice_target::Entity, _>(row, &sql).await?;
        let mut minutes = Minutes::new(self.id().to_string(), by.0, by.1);
        minutes.note("create_notice_target", target.id, detail(target));
        save_head(self.id(), minutes.write(head, &sql).await?, &sql).await?;
        commit(sql).await
    }

    /// Removes a target: what is on its way there is given up, and its secret is gone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_notice_target(
        &self,
        id: NoticeTargetId,
        by: (Author, Timestamp),
    ) -> Result<(), StoreError> {
        let sql = self.store().begin_write(Whose::Org(self.id())).await?;
        let head = audit::lock(self.id(), &sql).await?;
        let row = one(present(self.rows()).filter(is(id)), &sql).await?;
        update::<notice_target::Entity>(self.id())
            .col_expr(notice_target::Column::DisabledAt, Expr::value(by.1.as_micros()))
            .col_expr(notice_target::Column::Sealed, Expr::value(None::<String>))
            .filter(is(id))
            .exec(&sql)
            .await?;
        deliveries::forget(self.id(), id, &sql).await?;
        let mut minutes = Minutes::new(self.id().to_string(), by.0, by.1);
        minutes.note("delete_notice_target", id, detail(&NoticeTarget::try_from(&row)?));
        save_head(self.id(), minutes.write(head, &sql).await?, &sql).await?;
        commit(sql).await
    }

    /// How many of the organization's deliveries match, by their target.
    async fn count(
        &self,
        which: Condition,
        sql: &DatabaseTransaction,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let target = notice_delivery::Column::TargetId;
        let select = self.rows::<notice_delivery::Entity>().filter(which).select_only().column(target);
        let select = select.column_as(target.count(), "count").group_by(target);
        let counts: Vec<(String, i64)> = select.into_tuple().all(sql).await?;
        Ok(counts.into_iter().map(|(target, count)| (target, count.unsigned_abs())).collect())
    }
}

/// Those that were not removed.
pub(crate) fn present(select: Select<notice_target::Entity>) -> Select<notice_target::Entity> {
    select.filter(notice_target::Column::DisabledAt.is_null())
}

pub(crate) fn is(id: NoticeTargetId) -> Condition {
    Condition::all().add(notice_target::Column::Id.eq(id.to_string()))
}

fn view(row: &notice_target::Model, waiting: u64, given_up: u64) -> Result<NoticeTargetView, StoreError> {
    let place = Row { table: "notice_targets", id: &row.id };
    Ok(NoticeTargetView {
        target: row.try_into()?,
        delivered_at: row.delivered_at.map(Timestamp::from_micros),
        failing_since: row.failing_since.map(Timestamp::from_micros),
        failures: place.number(row.failures.into())?,
        last_error: row.last_error.clone(),
        waiting,
        given_up,
    })
}

fn detail(target: &NoticeTarget) -> Value {
    let destination = target.channel.destination();
    let destination = match &target.channel {
        // Scheme and host: what comes after may be a secret.
        Channel::Webhook(url) => match Url::parse(url) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => "no URL".to_owned(),
        },
        Channel::Email(_) => destination.to_owned(),
    };
    json!({ "name": target.name, "kind": target.channel.name(), "destination": destination })
}
