//! Answers the data plane's questions that need the database, in process.

use async_trait::async_trait;
use dataplane::reads::{KeyUsage, ReadError, Reads};
use domain::{BudgetId, KeyId, OrgId, Timestamp};
use store::Store;

/// [`Reads`] over the store.
pub(crate) struct StoreReads(Store);

impl StoreReads {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Reads for StoreReads {
    async fn key_usage(
        &self,
        org: OrgId,
        key: KeyId,
        budgets: Vec<BudgetId>,
        now: Timestamp,
    ) -> Result<KeyUsage, ReadError> {
        let unreadable = |error: store::StoreError| ReadError(error.to_string());
        let scope = self.0.scope(org);
        let usage = scope.key_usage(key, now).await.map_err(unreadable)?;
        let mut states = Vec::with_capacity(budgets.len());
        for budget in budgets {
            states.push((budget, scope.budget_state(budget, now).await.map_err(unreadable)?));
        }
        Ok(KeyUsage { total: usage.total, day: usage.day, week: usage.week, month: usage.month, budgets: states })
    }
}
