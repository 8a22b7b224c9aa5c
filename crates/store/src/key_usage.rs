//! What one key has used, for the key itself to ask.
//!
//! Invariant: exact, and of this organization's events only.

use domain::{Amount, KeyId, Timestamp};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::entity::usage_event::Column;
use crate::entity::usage_hour;
use crate::error::StoreError;
use crate::hours;
use crate::rollup::{CostAndSuspense, admitted_since, with_sum};
use crate::scope::OrgScope;

impl OrgScope {
    /// Σ cost of a key's events admitted at `since` or later: whole hours by their sums, what is before them by its events.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend_of_key(&self, key: KeyId, since: Timestamp) -> Result<Amount, StoreError> {
        let (sql, whole) = (self.read().await?, hours::whole_from(since));
        let select = hours::between(self.id(), whole, None).select_only();
        let select = select.filter(usage_hour::Column::KeyId.eq(key.to_string()));
        let select = hours::with_sum(hours::with_sum(select, "cost"), "suspense");
        let sums = select.into_model::<CostAndSuspense>().one(&sql).await?.unwrap_or_default();
        if whole == since {
            return Ok(sums.cost);
        }
        let events = admitted_since(self.id(), since)
            .filter(Column::KeyId.eq(key.to_string()))
            .filter(Column::AdmittedAt.lt(whole.as_micros()));
        let select = with_sum(with_sum(events.select_only(), Column::Cost), Column::Suspense);
        let ragged = select.into_model::<CostAndSuspense>().one(&sql).await?.unwrap_or_default();
        Ok(sums.cost + ragged.cost)
    }
}
