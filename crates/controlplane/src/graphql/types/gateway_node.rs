//! A node of the data plane, as the administrators of an organization may see it.
//!
//! Invariant: shows of other organizations nothing, not even that there are any.

use async_graphql::{Enum, ID, Object};

use crate::graphql::scalars::{Count, DateTime};
use crate::standing;

/// Whether a node is in contact with the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "standing::NodeState")]
pub(crate) enum GatewayNodeState {
    /// It was in contact when it was last expected.
    Reachable,
    /// It was not. It may go on serving with the policy it has.
    Unreachable,
    /// It was declared gone for good, and is not let in again.
    Retired,
}

/// A process of the data plane.
pub(crate) struct GatewayNode(pub(crate) standing::Member);

/// A process of the data plane.
#[Object]
impl GatewayNode {
    pub(crate) async fn id(&self) -> ID {
        self.0.node.node.to_string().into()
    }

    /// The host's name, or as configured.
    async fn name(&self) -> &str {
        &self.0.node.name
    }

    /// The release it runs.
    async fn version(&self) -> &str {
        &self.0.node.version
    }

    /// Counts the lives of its process.
    async fn incarnation(&self) -> Count {
        Count(self.0.node.incarnation)
    }

    /// When its process began to be in contact.
    async fn started_at(&self) -> DateTime {
        self.0.node.started_at.into()
    }

    /// When it was last in contact.
    async fn seen_at(&self) -> DateTime {
        self.0.node.seen_at.into()
    }

    /// Whether it is in contact.
    async fn state(&self) -> GatewayNodeState {
        self.0.state.into()
    }

    /// The organization's policy revision that it last said to have; null when it has not said.
    async fn held_revision(&self) -> Option<Count> {
        self.0.ack.as_ref().map(|ack| Count(ack.version.revision))
    }
}
