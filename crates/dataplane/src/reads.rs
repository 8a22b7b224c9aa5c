//! What an app may ask about itself that only the control plane knows.
//!
//! Invariant: never on the inference path; a control plane that is away costs an answer here and nothing else.

use async_trait::async_trait;
use domain::{Amount, BudgetId, KeyId, OrgId, Timestamp};
use metering::ports::BudgetState;

/// What a key has used.
#[derive(Debug, Clone, Default)]
pub struct KeyUsage {
    /// Ever.
    pub total: Amount,
    /// Since midnight UTC.
    pub day: Amount,
    /// Since Monday, midnight UTC.
    pub week: Amount,
    /// Since the first of the month, midnight UTC.
    pub month: Amount,
    /// Where each budget the key draws on stands in its current window.
    pub budgets: Vec<(BudgetId, BudgetState)>,
}

/// The control plane did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the control plane cannot answer now: {0}")]
pub struct ReadError(pub String);

/// Asks the control plane: in process, or over the node link.
#[async_trait]
pub trait Reads: Send + Sync {
    /// What `key` has used up to `now`, and where `budgets` stand.
    ///
    /// # Errors
    /// [`ReadError`] when there is no answer.
    async fn key_usage(
        &self,
        org: OrgId,
        key: KeyId,
        budgets: Vec<BudgetId>,
        now: Timestamp,
    ) -> Result<KeyUsage, ReadError>;
}
