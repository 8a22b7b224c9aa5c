//! The last policy a node knew to be good, sealed with the master key: what it starts from with all else down.
//!
//! Invariant: a file that was forged, damaged or sealed with another key is an error, never an empty policy; "there is
//! none" is said only where there is no file.

use std::io;

use policy::sealed::{MasterKey, SealError, open_bytes, seal_bytes};
use wire::{Wire, WireError};

pub use wire::LastKnownGood;

use crate::atomic;
use crate::lock::DataDir;

const FILE: &str = "policy.sealed";
const LABEL: &str = "last-known-good";

/// Why a last-known-good could not be kept or used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Reading or writing failed.
    #[error("the last-known-good policy cannot be read or written")]
    Io(#[from] io::Error),
    /// It does not open with this master key.
    #[error("the last-known-good policy is not authentic")]
    Seal(#[from] SealError),
    /// It is authentic and not understood, as after a downgrade.
    #[error("the last-known-good policy is not understood")]
    Wire(#[from] WireError),
}

/// Replaces what is kept by `good`. `nonce` must be random.
///
/// # Errors
/// [`SnapshotError`]; what was kept before is then still there.
pub fn save(
    dir: &DataDir,
    master: &MasterKey,
    good: &LastKnownGood,
    nonce: [u8; 12],
) -> Result<(), SnapshotError> {
    let sealed = seal_bytes(master, LABEL, &good.to_bytes(), nonce)?;
    Ok(atomic::replace(&dir.join(FILE), &sealed)?)
}

/// What is kept, if anything is.
///
/// # Errors
/// [`SnapshotError`] for a file that is there and cannot be trusted.
pub fn load(dir: &DataDir, master: &MasterKey) -> Result<Option<LastKnownGood>, SnapshotError> {
    let Some(sealed) = atomic::read(&dir.join(FILE))? else { return Ok(None) };
    let bytes = open_bytes(master, LABEL, &sealed)?;
    Ok(Some(LastKnownGood::from_bytes(&bytes)?))
}

#[cfg(test)]
mod tests;
