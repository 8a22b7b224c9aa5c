//! The data directory: one process at a time, and a number for each of its lives.
//!
//! Invariant: two processes never share a data directory, and no two lives share a [`Holder`]: what one was leased, no
//! other spends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use domain::{NodeId, Timestamp};
use metering::usage::Holder;

use crate::atomic;

const LOCK: &str = "lock";
const NODE: &str = "node";

/// Why a data directory could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another process has it.
    #[error("{0} is in use by another process; is Weir running there already?")]
    Held(PathBuf),
    /// The node's identity cannot be understood; a new one would lose what was leased to the old.
    #[error("{0} does not name a node and its incarnation")]
    Damaged(PathBuf),
    /// Reading or writing failed.
    #[error("the data directory {path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A data directory that belongs to this process until the last reference to this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    holder: Holder,
    // Held, never read: the system drops the lock with the file, also after `kill -9`.
    _lock: File,
}

impl DataDir {
    /// Makes `path` if need be, locks it, and begins a new incarnation of the node that lives there. A directory without
    /// a node gets one, made of `now` and `entropy`.
    ///
    /// # Errors
    /// [`ClaimError`].
    pub fn claim(path: &Path, now: Timestamp, entropy: u128) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let lock =
            File::options().write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ClaimError::Held(path.to_owned()),
            TryLockError::Error(source) => failed(source),
        })?;
        let file = path.join(NODE);
        let holder = match atomic::read(&file).map_err(failed)? {
            None => Some(Holder { node: NodeId::new(now, entropy), incarnation: 1 }),
            Some(text) => next_life(&text),
        };
        let holder = holder.ok_or_else(|| ClaimError::Damaged(file.clone()))?;
        let text = format!("{} {}\n", holder.node, holder.incarnation);
        atomic::replace(&file, text.as_bytes()).map_err(failed)?;
        Ok(Self { path: path.to_owned(), holder, _lock: lock })
    }

    /// This node, in this life.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn next_life(text: &[u8]) -> Option<Holder> {
    let (node, incarnation) = std::str::from_utf8(text).ok()?.trim_end().split_once(' ')?;
    let incarnation = incarnation.parse::<u64>().ok()?.checked_add(1)?;
    Some(Holder { node: node.parse().ok()?, incarnation })
}

#[cfg(test)]
mod tests;
