//! An entry of the audit log.
//!
//! Invariant: shows what was written when it happened; the detail holds no secret.

use async_graphql::{ID, Object};

use crate::graphql::scalars::{Count, DateTime};

/// Who did what, chained to the entry before by its hash.
pub(crate) struct AuditEntry(pub(crate) store::AuditEntry);

#[Object]
impl AuditEntry {
    /// Its place in the organization's chain.
    async fn sequence(&self) -> Count {
        Count(self.0.seq)
    }

    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// `person`, `key` or `system`
    async fn actor_kind(&self) -> &str {
        &self.0.actor_kind
    }

    async fn actor_id(&self) -> ID {
        self.0.actor_id.clone().into()
    }

    /// What was done, e.g. `key.create`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The id of what it was done to.
    async fn object(&self) -> &str {
        &self.0.object
    }

    /// JSON; what exactly was written, without secrets.
    async fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Hex SHA-256 over the entry and the hash before it.
    async fn hash(&self) -> &str {
        &self.0.hash
    }
}
