//! Hash chains and the Merkle tree: what makes a change of the past visible.
//!
//! Invariant: every hash is SHA-256 over the JSON array of what it covers, so that no two contents share an encoding.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// What the first link of a chain names as the one before.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What checking a chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Everything is as it was written.
    Intact {
        /// How many links there are.
        links: u64,
        /// The last one's hash.
        head: String,
    },
    /// Something was changed, removed or added.
    Broken {
        /// The first link that is wrong.
        seq: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A chain's end: the last link's number and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: String,
}

impl Head {
    pub(crate) fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// The hash of `content`.
pub(crate) fn digest<T: Serialize>(content: &T) -> Result<[u8; 32], StoreError> {
    let bytes = serde_json::to_vec(content).map_err(|error| StoreError::Internal(Box::new(error)))?;
    Ok(Sha256::digest(&bytes).into())
}

/// The root of the Merkle tree over `leaves`: leaves and nodes are hashed apart (RFC 6962), and a node without a
/// sibling moves up as it is.
pub(crate) fn merkle_root(leaves: impl IntoIterator<Item = [u8; 32]>) -> String {
    let mut level: Vec<[u8; 32]> = leaves.into_iter().map(|leaf| hash(&[&[0], &leaf])).collect();
    while level.len() > 1 {
        let pair = |pair: &[[u8; 32]]| match pair {
            [left, right] => hash(&[&[1], left, right]),
            single => single.first().copied().unwrap_or_default(),
        };
        level = level.chunks(2).map(pair).collect();
    }
    level.first().map_or_else(|| GENESIS.to_owned(), hex::encode)
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), Digest::chain_update).finalize().into()
}

#[cfg(test)]
mod tests;
