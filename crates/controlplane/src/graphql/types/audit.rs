//! An entry of the audit log.
//!
//! Invariant: shows what was written when it happened; the detail holds no secret.

use async_graphql::{ID, Object};

use crate::graphql::scalars::{Count, DateTime};

/// Who did what.
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

    /// The person or key; null for Weir itself.
    async fn actor_id(&self) -> Option<ID> {
        self.0.actor_id.clone().map(ID::from)
    }

    /// What was done, e.g. `create_key`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The id of what it was done to.
    async fn object(&self) -> &str {
        &self.0.object
    }

    /// How the object was afterwards, as JSON; no secrets.
    async fn detail(&self) -> &str {
        &self.0.detail
    }
}
