//! A team, and what creating and changing one takes.
//!
//! Invariant: shows the row it was made from and nothing that another capability is needed for.

use async_graphql::{ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::org;

use crate::graphql::types::propagation::Applied;

/// A group inside an organization that keys, budgets, policies and cost belong to.
pub(crate) struct Team(pub(crate) org::Team);

#[Object]
impl Team {
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The cost centre its usage is charged to from now on; usage events keep the one of their moment.
    async fn cost_centre(&self) -> Option<&str> {
        self.0.cost_centre.as_deref()
    }
}

#[derive(InputObject)]
pub(crate) struct CreateTeamInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
    pub(crate) cost_centre: Option<String>,
}

#[derive(InputObject)]
pub(crate) struct UpdateTeamInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    pub(crate) name: Option<String>,
    /// Left out: as it is. Null: none.
    pub(crate) cost_centre: MaybeUndefined<String>,
}

#[derive(SimpleObject)]
pub(crate) struct TeamPayload {
    pub(crate) team: Team,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}
