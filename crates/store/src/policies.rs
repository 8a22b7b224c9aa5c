//! Policies of an organization.
//!
//! Invariant: rules that cannot be read are an error that names the policy, never rules that allow.

use domain::PolicyId;
use policy::record::{Layer, ObjectRef, Policy};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde_json::{Value, json};

use crate::column::Row;
use crate::entity::{key, member, policy as table, team};
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, delete, one};
use crate::tx::PolicyTx;
use crate::{json as document, keys, members, teams};

impl TryFrom<table::Model> for Policy {
    type Error = StoreError;
    fn try_from(row: table::Model) -> Result<Self, StoreError> {
        let place = Row { table: "policies", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            layer: layer(place, &row.layer, row.layer_id.as_deref())?,
            rules: document::rules(place, &row.rules)?,
            name: row.name,
        })
    }
}

impl OrgScope {
    /// Policies, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policies(&self, which: &Page) -> Result<Paged<Policy>, StoreError> {
        let by = (table::Column::Id, Order::OldestFirst);
        page(&self.read().await?, self.rows::<table::Entity>(), by, which, Policy::try_from).await
    }

    /// One policy.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn policy(&self, id: PolicyId) -> Result<Policy, StoreError> {
        one(self.rows::<table::Entity>().filter(is(id)), &self.read().await?).await?.try_into()
    }
}

impl PolicyTx {
    /// Adds a policy.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists; [`StoreError::NotFound`] when what it is attached to does not.
    pub async fn insert_policy(&mut self, new: &Policy) -> Result<(), StoreError> {
        self.require_layer(new.layer).await?;
        let inserted = self.insert::<table::Entity>(self.policy_row(new)?).await;
        inserted.map_err(|error| error.or_conflict("this policy exists"))?;
        self.put(ObjectRef::Policy(new.id), "create_policy", detail(new)?);
        Ok(())
    }

    /// Changes a policy.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn update_policy(&mut self, changed: &Policy) -> Result<(), StoreError> {
        self.require_layer(changed.layer).await?;
        self.replace::<table::Entity>(self.policy_row(changed)?, is(changed.id)).await?;
        self.put(ObjectRef::Policy(changed.id), "update_policy", detail(changed)?);
        Ok(())
    }

    /// Removes a policy.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_policy(&mut self, id: PolicyId) -> Result<(), StoreError> {
        let gone = delete::<table::Entity>(self.org()).filter(is(id)).exec(self.sql()).await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        self.removed(ObjectRef::Policy(id), "remove_policy");
        Ok(())
    }

    async fn require_layer(&self, layer: Layer) -> Result<(), StoreError> {
        match layer {
            Layer::Platform => Err(StoreError::Conflict("layer platform is not the organization's")),
            Layer::Org => Ok(()),
            Layer::Team(id) => self.require::<team::Entity>(teams::is(id)).await,
            Layer::Member(id) => self.require::<member::Entity>(members::is(id)).await,
            Layer::Key(id) => self.require::<key::Entity>(keys::is(id)).await,
        }
    }

    fn policy_row(&self, policy: &Policy) -> Result<table::Model, StoreError> {
        Ok(table::Model {
            org_id: self.org().to_string(),
            id: policy.id.to_string(),
            layer: policy.layer.name().to_owned(),
            layer_id: layer_id(policy.layer),
            name: policy.name.clone(),
            rules: document::rules_text(&policy.rules)?,
        })
    }
}

fn is(id: PolicyId) -> Condition {
    Condition::all().add(table::Column::Id.eq(id.to_string()))
}

fn layer(place: Row<'_>, name: &str, id: Option<&str>) -> Result<Layer, StoreError> {
    Ok(match (name, id) {
        ("org", None) => Layer::Org,
        ("team", Some(id)) => Layer::Team(place.parse(id)?),
        ("member", Some(id)) => Layer::Member(place.parse(id)?),
        ("key", Some(id)) => Layer::Key(place.parse(id)?),
        _ => return Err(place.problem(format!("layer {name} of {id:?}"))),
    })
}

fn layer_id(layer: Layer) -> Option<String> {
    match layer {
        Layer::Platform | Layer::Org => None,
        Layer::Team(id) => Some(id.to_string()),
        Layer::Member(id) => Some(id.to_string()),
        Layer::Key(id) => Some(id.to_string()),
    }
}

fn detail(policy: &Policy) -> Result<Value, StoreError> {
    let rules = document::rules_value(&policy.rules)?;
    Ok(json!({
        "name": policy.name,
        "layer": policy.layer.name(),
        "layer_id": layer_id(policy.layer),
        "rules": rules,
    }))
}
