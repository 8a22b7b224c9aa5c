//! Create and change teams.
//!
//! Invariant: changing a team's cost centre changes what later usage is charged to and nothing before.

use domain::TeamId;
use domain::org::{Capability, Team};

use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// What to change about a team; what is `None` stays.
pub(crate) struct TeamChange {
    pub(crate) id: TeamId,
    pub(crate) name: Option<String>,
    pub(crate) cost_centre: Option<Option<String>>,
}

/// Makes a team.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    name: &str,
    cost_centre: Option<&str>,
) -> Result<Changed<Team>, AdminError> {
    let scope = access.scope(Capability::ManageTeams)?;
    let object = Team {
        id: TeamId::new(app.deps.clock.now(), rand::random()),
        org: access.org(),
        name: input::name("name", name)?,
        cost_centre: cost_centre.map(|text| input::name("costCentre", text)).transpose()?,
    };
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_team(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// Changes a team's name or cost centre.
pub(crate) async fn update(
    app: &App,
    access: &Access,
    change: TeamChange,
) -> Result<Changed<Team>, AdminError> {
    let scope = access.scope(Capability::ManageTeams)?;
    let mut object = scope.team(change.id).await?;
    if let Some(name) = change.name {
        object.name = input::name("name", &name)?;
    }
    if let Some(cost_centre) = change.cost_centre {
        object.cost_centre = cost_centre.map(|text| input::name("costCentre", &text)).transpose()?;
    }
    let mut tx = begin(app, access, &scope).await?;
    tx.update_team(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}
