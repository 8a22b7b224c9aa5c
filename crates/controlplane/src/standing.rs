//! How far a revision has come: which nodes enforce it, which refused it, which cannot be reached.
//!
//! Invariant: a node counts as having a revision only by its own word, of the database's present epoch; a retired node
//! counts as nothing. Reading this takes the same few queries, however many nodes there are.

use domain::{OrgId, Timestamp};
use store::{NodeAck, NodeRow, Store, StoreError};

/// Every node, and what it said of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Changes when a database is restored from backup.
    pub(crate) epoch: u64,
    /// By id, retired ones included.
    pub(crate) nodes: Vec<Member>,
}

/// One node, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) node: NodeRow,
    pub(crate) state: NodeState,
    /// Its last word of this epoch.
    pub(crate) ack: Option<NodeAck>,
}

/// Whether a node is in contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeState {
    Reachable,
    Unreachable,
    Retired,
}

/// Where a revision stands at one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// It enforces the revision, or a newer one.
    Acked(&'a NodeAck),
    /// It has the revision, or a newer one, and does not enforce it.
    Refused(&'a str),
    /// It is in contact and has not said.
    Pending,
    /// It is not in contact and had not said before.
    Unreachable,
}

/// Where a revision stands at those that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every node in contact enforces it; so it is where there is none.
    Everywhere,
    /// All have said, and some refused it.
    Refused,
    /// Somebody has not said.
    Pending,
}

impl Standing {
    /// What is known now of `org`.
    pub(crate) async fn read(store: &Store, org: OrgId, now: Timestamp) -> Result<Self, StoreError> {
        let epoch = store.platform_version().await?.epoch;
        let mut acks = store.acks_of(Some(org)).await?;
        acks.retain(|ack| ack.version.epoch == epoch);
        let mut nodes = store.nodes().await?;
        nodes.sort_unstable_by_key(|node| node.node);
        let member = |node: NodeRow| {
            let ack = acks.iter().find(|ack| ack.node == node.node).cloned();
            Member { state: NodeState::of(&node, now), node, ack }
        };
        Ok(Self { epoch, nodes: nodes.into_iter().map(member).collect() })
    }

    /// Each node that is not retired, with where `revision` stands there.
    pub(crate) fn places(&self, revision: u64) -> impl Iterator<Item = (&Member, Place<'_>)> {
        let active = self.nodes.iter().filter(|member| member.state != NodeState::Retired);
        active.map(move |member| (member, member.place(revision)))
    }

    /// Where `revision` stands.
    pub(crate) fn progress(&self, revision: u64) -> Progress {
        let mut progress = Progress::Everywhere;
        for (member, place) in self.places(revision) {
            match place {
                Place::Pending => return Progress::Pending,
                Place::Refused(_) if member.state == NodeState::Reachable => progress = Progress::Refused,
                Place::Refused(_) | Place::Acked(_) | Place::Unreachable => {}
            }
        }
        progress
    }
}

impl Member {
    fn place(&self, revision: u64) -> Place<'_> {
        match &self.ack {
            Some(ack) if ack.version.revision >= revision => match &ack.refused {
                Some(reason) => Place::Refused(reason),
                None => Place::Acked(ack),
            },
            _ if self.state == NodeState::Reachable => Place::Pending,
            _ => Place::Unreachable,
        }
    }
}

impl NodeState {
    pub(crate) const ALL: [Self; 3] = [Self::Reachable, Self::Unreachable, Self::Retired];

    /// A node may miss two of its turns before it counts as out of contact.
    pub(crate) fn of(node: &NodeRow, now: Timestamp) -> Self {
        let patience_us = i64::from(node.contact_every_ms).saturating_mul(3_000);
        if node.retired_at.is_some() {
            Self::Retired
        } else if now.since_micros(node.seen_at) <= patience_us {
            Self::Reachable
        } else {
            Self::Unreachable
        }
    }

    /// The name in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Unreachable => "unreachable",
            Self::Retired => "retired",
        }
    }
}

#[cfg(test)]
mod tests;
