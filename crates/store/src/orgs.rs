//! Organizations themselves.
//!
//! Invariant: an organization is never deleted; its ledger outlives it.

use domain::org::Org;
use domain::{PersonId, org::Member};
use policy::record::ObjectRef;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use crate::column::Row;
use crate::connect::{Store, Whose};
use crate::entity::{member, org};
use crate::error::StoreError;
use crate::scope::{OrgScope, across_orgs, one, update};
use crate::tx::PolicyTx;

impl TryFrom<org::Model> for Org {
    type Error = StoreError;
    fn try_from(row: org::Model) -> Result<Self, StoreError> {
        let id = Row { table: "orgs", id: &row.id }.parse(&row.id)?;
        Ok(Self { id, name: row.name })
    }
}

impl OrgScope {
    /// The organization itself.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn org(&self) -> Result<Org, StoreError> {
        one(self.rows::<org::Entity>(), &self.read().await?).await?.try_into()
    }
}

impl Store {
    /// Every organization, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn orgs(&self) -> Result<Vec<Org>, StoreError> {
        let rows = across_orgs::<org::Entity>()
            .order_by_asc(org::Column::Id)
            .all(&self.begin_read(Whose::Every).await?)
            .await?;
        rows.into_iter().map(Org::try_from).collect()
    }

    /// A person's memberships, in every organization.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn memberships(&self, person: PersonId) -> Result<Vec<Member>, StoreError> {
        let rows = across_orgs::<member::Entity>()
            .filter(member::Column::PersonId.eq(person.to_string()))
            .filter(member::Column::RemovedAt.is_null())
            .order_by_asc(member::Column::OrgId)
            .all(&self.begin_read(Whose::Every).await?)
            .await?;
        rows.into_iter().map(Member::try_from).collect()
    }
}

impl PolicyTx {
    /// Changes the organization's name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is another organization.
    pub async fn update_org(&mut self, changed: &Org) -> Result<(), StoreError> {
        self.own(changed.id)?;
        update::<org::Entity>(changed.id)
            .col_expr(org::Column::Name, Expr::value(changed.name.as_str()))
            .exec(self.sql())
            .await?;
        self.put(ObjectRef::Org(changed.id), "update_org", serde_json::json!({ "name": changed.name }));
        Ok(())
    }
}
