//! Relay's `node(id:)`: an object by its id alone.
//!
//! Invariant: the id is looked for in the caller's organizations only, each behind the capability its list needs.

use std::sync::Arc;

use async_graphql::{ID, Interface};
use domain::org::Capability;
use store::OrgScope;

use crate::auth::actor::{Access, Actor};
use crate::deps::App;
use crate::error::AdminError;
use crate::graphql::error::Result;
use crate::graphql::types::budget::Budget;
use crate::graphql::types::credential::Credential;
use crate::graphql::types::gateway_node::GatewayNode;
use crate::graphql::types::key::Key;
use crate::graphql::types::member::Member;
use crate::graphql::types::organization::Organization;
use crate::graphql::types::policy::Policy;
use crate::graphql::types::team::Team;
use crate::graphql::types::usage::UsageEvent;
use crate::service::{budgets, keys, nodes};

/// An object with an id of its own.
#[derive(Interface)]
#[expect(clippy::large_enum_variant, reason = "one per answer, and the library wants the bare types")]
#[graphql(field(name = "id", ty = "ID"))]
pub(crate) enum Node {
    Organization(Organization),
    Team(Team),
    Member(Member),
    Key(Key),
    Budget(Budget),
    Policy(Policy),
    Credential(Credential),
    UsageEvent(UsageEvent),
    GatewayNode(GatewayNode),
}

/// The object with this id, in whichever of the caller's organizations it is.
pub(crate) async fn find(app: &Arc<App>, actor: &Actor, id: &ID) -> Result<Option<Node>> {
    for access in actor.accesses() {
        match find_in(app, access, id).await {
            // Not here, or not for this caller: what they may not see does not exist for them.
            Err(AdminError::NotFound(_) | AdminError::Forbidden(_)) => {}
            Err(other) => return Err(other),
            Ok(node) => return Ok(Some(node)),
        }
    }
    Ok(None)
}

async fn find_in(app: &Arc<App>, access: Access, id: &ID) -> Result<Node> {
    let scope = |capability| -> Result<OrgScope> { access.scope(capability) };
    Ok(match id.split_once('_').map_or("", |(prefix, _)| prefix) {
        "org" if **id == access.org().to_string() => {
            Node::Organization(Organization::read(Arc::clone(app), access).await?)
        }
        "team" => Node::Team(Team(scope(Capability::ReadOrg)?.team(parse(id)?).await?)),
        "member" => Node::Member(scope(Capability::ReadOrg)?.member(parse(id)?).await?.into()),
        "key" => Node::Key(Key(keys::read(&access, parse(id)?).await?)),
        "budget" => {
            let scope = scope(Capability::ReadBudgets)?;
            let budget = scope.budget(parse(id)?).await?;
            Node::Budget(Budget(budgets::standing(app, &scope, budget).await?))
        }
        "policy" => Node::Policy(Policy(scope(Capability::ReadPolicies)?.policy(parse(id)?).await?)),
        "cred" => {
            Node::Credential(Credential(scope(Capability::ReadPolicies)?.credential(parse(id)?).await?))
        }
        "node" => Node::GatewayNode(GatewayNode(nodes::read(app, &access, parse(id)?).await?)),
        "req" => Node::UsageEvent(UsageEvent(scope(Capability::ReadUsage)?.event(parse(id)?).await?)),
        _ => return Err(AdminError::NotFound("object")),
    })
}

fn parse<T: std::str::FromStr>(id: &ID) -> Result<T> {
    id.parse().map_err(|_| AdminError::NotFound("object"))
}
