//! Rename an organization.
//!
//! Invariant: an organization's id never changes; its name is for people.

use domain::org::{Capability, Org};

use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// Gives the organization another name.
pub(crate) async fn rename(app: &App, access: &Access, name: &str) -> Result<Changed<Org>, AdminError> {
    let scope = access.scope(Capability::ManageTeams)?;
    let object = Org { id: access.org(), name: input::name("name", name)? };
    let mut tx = begin(app, access, &scope).await?;
    tx.update_org(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}
