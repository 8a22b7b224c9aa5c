//! Teams of an organization.
//!
//! Invariant: a team is not deleted; keys, budgets and past usage name it.

use domain::TeamId;
use domain::org::Team;
use policy::record::ObjectRef;
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde_json::{Value, json};

use crate::column::Row;
use crate::entity::team;
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, one};
use crate::tx::PolicyTx;

impl TryFrom<team::Model> for Team {
    type Error = StoreError;
    fn try_from(row: team::Model) -> Result<Self, StoreError> {
        let place = Row { table: "teams", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            org: place.parse(&row.org_id)?,
            name: row.name,
            cost_centre: row.cost_centre,
        })
    }
}

impl From<&Team> for team::Model {
    fn from(team: &Team) -> Self {
        Self {
            org_id: team.org.to_string(),
            id: team.id.to_string(),
            name: team.name.clone(),
            cost_centre: team.cost_centre.clone(),
        }
    }
}

impl OrgScope {
    /// Teams, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn teams(&self, which: &Page) -> Result<Paged<Team>, StoreError> {
        let by = (team::Column::Id, Order::OldestFirst);
        page(&self.read().await?, self.rows::<team::Entity>(), by, which, Team::try_from).await
    }

    /// One team.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn team(&self, id: TeamId) -> Result<Team, StoreError> {
        one(self.rows::<team::Entity>().filter(is(id)), &self.read().await?).await?.try_into()
    }
}

impl PolicyTx {
    /// Adds a team.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists.
    pub async fn insert_team(&mut self, new: &Team) -> Result<(), StoreError> {
        self.own(new.org)?;
        self.insert::<team::Entity>(new.into()).await.map_err(|e| e.or_conflict("this team exists"))?;
        self.put(ObjectRef::Team(new.id), "create_team", detail(new));
        Ok(())
    }

    /// Changes a team.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn update_team(&mut self, changed: &Team) -> Result<(), StoreError> {
        self.own(changed.org)?;
        self.replace::<team::Entity>(changed.into(), is(changed.id)).await?;
        self.put(ObjectRef::Team(changed.id), "update_team", detail(changed));
        Ok(())
    }
}

pub(crate) fn is(id: TeamId) -> Condition {
    Condition::all().add(team::Column::Id.eq(id.to_string()))
}

fn detail(team: &Team) -> Value {
    json!({ "name": team.name, "cost_centre": team.cost_centre })
}
