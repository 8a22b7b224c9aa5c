//! What one key has used, for the key itself to ask.
//!
//! Invariant: exact, and of this organization's events only.

use domain::{Amount, KeyId, Timestamp};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::entity::usage_event::{self, Column};
use crate::error::StoreError;
use crate::rollup::{CostAndSuspense, with_sum};
use crate::scope::OrgScope;

impl OrgScope {
    /// Σ cost of a key's events admitted at `since` or later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend_of_key(&self, key: KeyId, since: Timestamp) -> Result<Amount, StoreError> {
        let events = self
            .rows::<usage_event::Entity>()
            .filter(Column::KeyId.eq(key.to_string()))
            .filter(Column::AdmittedAt.gte(since.as_micros()));
        let select = with_sum(with_sum(events.select_only(), Column::Cost), Column::Suspense);
        let sums = select.into_model::<CostAndSuspense>().one(&self.read().await?).await?.unwrap_or_default();
        Ok(sums.cost)
    }
}
