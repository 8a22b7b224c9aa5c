//! Who is calling.
//!
//! Invariant: shows the caller's own memberships and nobody else's.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};

use crate::auth::actor::Actor;
use crate::deps::App;
use crate::graphql::error::Result;
use crate::graphql::types::member::{Person, Role};
use crate::graphql::types::organization::Organization;

pub(crate) struct Viewer {
    pub(crate) app: Arc<App>,
    pub(crate) actor: Arc<Actor>,
}

/// Who is calling.
#[Object]
impl Viewer {
    /// The person; null for a management key.
    async fn person(&self) -> Result<Option<Person>> {
        let Some(id) = self.actor.person() else { return Ok(None) };
        let person = self.app.deps.store.person(id).await?;
        Ok(Some(Person { id: person.id.to_string().into(), email: person.email, name: person.name }))
    }

    /// Every organization the caller is a member of.
    async fn memberships(&self) -> Result<Vec<Membership>> {
        let mut memberships = Vec::new();
        for access in self.actor.accesses() {
            let role = access.role().into();
            let organization = Organization::read(Arc::clone(&self.app), access).await?;
            memberships.push(Membership { role, organization });
        }
        Ok(memberships)
    }
}

/// The caller in one organization.
#[derive(SimpleObject)]
pub(crate) struct Membership {
    role: Role,
    organization: Organization,
}
