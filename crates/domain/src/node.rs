//! Nodes: which process holds a lease, and how many lives it had.
//!
//! Invariant: no two process lives share a [`Holder`].

use crate::NodeId;

/// A (node, process life): who holds a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// The node.
    pub node: NodeId,
    /// Its process life; a later life has a larger number.
    pub incarnation: u64,
}
