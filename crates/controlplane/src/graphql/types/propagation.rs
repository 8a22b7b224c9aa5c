//! How far a change has come, and the part of every mutation's payload that says so.
//!
//! Invariant: a node is in one list only. What a mutation did is never hidden because who obeys it may not be seen: that
//! field alone is null then.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::Timestamp;

use crate::auth::actor::Access;
use crate::deps::App;
use crate::graphql::error::Result;
use crate::graphql::scalars::{Count, DateTime};
use crate::graphql::types::gateway_node::GatewayNode;
use crate::service::nodes::{self, Propagated};
use crate::standing::Place;

/// Which nodes enforce a revision of an organization's policy.
#[derive(SimpleObject)]
pub(crate) struct Propagation {
    revision: Count,
    /// Changes when the database is restored from a backup.
    epoch: Count,
    /// When the revision was committed; null when a newer one has been since.
    committed_at: Option<DateTime>,
    /// Those that enforce it, or a newer one.
    acked: Vec<Acknowledgement>,
    /// Those that are not in contact and had not said that they enforce it.
    unreachable: Vec<GatewayNode>,
    /// Those in contact that have not said.
    pending: Vec<GatewayNode>,
    /// Those that have it, or a newer one, and cannot enforce all of it.
    refused: Vec<Refusal>,
}

/// A node that enforces a revision.
#[derive(SimpleObject)]
pub(crate) struct Acknowledgement {
    node: GatewayNode,
    /// When it said so of what it has now.
    acked_at: DateTime,
    /// From the commit until then; null when it has a newer revision now, or when the commit is not known.
    milliseconds: Option<Count>,
}

/// A node that does not enforce a revision.
#[derive(SimpleObject)]
pub(crate) struct Refusal {
    node: GatewayNode,
    reason: String,
}

impl From<Propagated> for Propagation {
    fn from(propagated: Propagated) -> Self {
        let Propagated { revision, committed_at, standing } = &propagated;
        let mut shown = Self {
            revision: Count(*revision),
            epoch: Count(standing.epoch),
            committed_at: committed_at.map(DateTime),
            acked: Vec::new(),
            unreachable: Vec::new(),
            pending: Vec::new(),
            refused: Vec::new(),
        };
        for (member, place) in standing.places(*revision) {
            let node = GatewayNode(member.clone());
            match place {
                Place::Acked(ack) => {
                    let committed_at = committed_at.filter(|_| ack.version.revision == *revision);
                    let milliseconds = committed_at.map(|since| Count(milliseconds(since, ack.acked_at)));
                    shown.acked.push(Acknowledgement { node, acked_at: ack.acked_at.into(), milliseconds });
                }
                Place::Refused(reason) => {
                    shown.refused.push(Refusal { node, reason: reason.to_owned() });
                }
                Place::Pending => shown.pending.push(node),
                Place::Unreachable => shown.unreachable.push(node),
            }
        }
        shown
    }
}

/// Two control planes may note the two moments; by their clocks the later may come first.
fn milliseconds(since: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.since_micros(since) / 1_000).unwrap_or(0)
}

/// What a mutation did to an organization's policy.
pub(crate) struct Applied {
    pub(crate) app: Arc<App>,
    pub(crate) access: Access,
    pub(crate) revision: u64,
}

#[Object]
impl Applied {
    /// The organization's policy revision that holds the change.
    async fn revision(&self) -> Count {
        Count(self.revision)
    }

    /// Which nodes enforce the change by now; null for whoever may not read policies.
    #[graphql(complexity = "10 + child_complexity")]
    async fn propagation(&self) -> Result<Option<Propagation>> {
        let propagated = nodes::propagation(&self.app, &self.access, Some(self.revision)).await?;
        Ok(Some(propagated.into()))
    }
}
