//! What apps ask about themselves, answered from the database in process.
//!
//! Invariant: reads only, within the organization of the key that asks.

use async_trait::async_trait;
use domain::{Period, Timestamp, Window};
use metering::ports::{GenerationRequest, KeyUsage, KeyUsageRequest, ReadError, Reads};
use metering::usage::UsageEvent;
use store::{Store, StoreError};

/// [`Reads`] over the store.
#[derive(Clone)]
pub struct StoreReads(Store);

impl StoreReads {
    /// Answers from `store`.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Reads for StoreReads {
    async fn key_usage(&self, request: KeyUsageRequest) -> Result<KeyUsage, ReadError> {
        let KeyUsageRequest { org, key, budgets, now } = request;
        let scope = self.0.scope(org);
        let mut states = Vec::with_capacity(budgets.len());
        for id in budgets {
            let budget = match scope.budget(id).await {
                Ok(budget) => budget,
                // Removed since the node last heard of it: nothing is drawn on it any more.
                Err(StoreError::NotFound) => continue,
                Err(error) => return Err(unreadable(error)),
            };
            states.push((id, scope.budget_state(id, budget.window.at(now), now).await.map_err(unreadable)?));
        }
        let began = |period| Window::utc(period).start(Window::utc(period).at(now));
        let spend = async |since| scope.spend_of_key(key, since).await.map_err(unreadable);
        Ok(KeyUsage {
            total: spend(Timestamp::from_micros(0)).await?,
            day: spend(began(Period::Day)).await?,
            week: spend(began(Period::Week)).await?,
            month: spend(began(Period::Month)).await?,
            budgets: states,
        })
    }

    async fn generation(&self, request: GenerationRequest) -> Result<Vec<UsageEvent>, ReadError> {
        self.0.scope(request.org).generation(request.request).await.map_err(unreadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn unreadable(error: StoreError) -> ReadError {
    ReadError(error.to_string())
}
