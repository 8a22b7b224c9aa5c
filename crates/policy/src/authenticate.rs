//! From a key's text to the [`Caller`] it belongs to.
//!
//! Invariant: what is wrong by itself is refused without a look-up, and a revoked, expired or rotated key is refused
//! with a message that says which.

use std::sync::Arc;

use domain::Timestamp;
use domain::key::{KeyHash, KeyKind, KeyText, Pepper};

use crate::denial::Denial;
use crate::permit::Caller;
use crate::snapshot::PolicySnapshot;

impl PolicySnapshot {
    /// Whose key `text` is.
    ///
    /// # Errors
    /// [`Denial`] with code `Authentication` when it is nobody's or not accepted at `now`, and with code
    /// `PermissionDenied` when it is a management key.
    pub fn authenticate(&self, text: &str, pepper: &Pepper, now: Timestamp) -> Result<Caller, Denial> {
        let text = KeyText::parse(text).ok_or(Denial::NotAKey)?;
        self.caller(text.hash(pepper), now)
    }

    /// The same caller as this snapshot knows it: after a change of policy, before deciding again.
    ///
    /// # Errors
    /// As [`Self::authenticate`].
    pub fn recall(&self, caller: &Caller, now: Timestamp) -> Result<Caller, Denial> {
        self.caller(caller.hash, now)
    }

    fn caller(&self, hash: KeyHash, now: Timestamp) -> Result<Caller, Denial> {
        let (org, id) = self.keys().get(&hash).ok_or(Denial::UnknownKey)?;
        let org = self.shared_org(org).ok_or(Denial::UnknownKey)?;
        let key = org.key(id).ok_or(Denial::UnknownKey)?;
        key.key.accepts(&hash, now).map_err(Denial::KeyRefused)?;
        if key.key.kind == KeyKind::Management {
            return Err(Denial::ManagementKey);
        }
        Ok(Caller { org: Arc::clone(org), key: Arc::clone(key), hash })
    }
}

#[cfg(test)]
mod tests;
