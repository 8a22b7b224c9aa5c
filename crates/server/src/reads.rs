//! Answers the data plane's questions that need the database, in process.

use async_trait::async_trait;
use dataplane::reads::{KeyUsage, ReadError, Reads};
use domain::{BudgetId, KeyId, OrgId, Timestamp, Window};
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
        let mut states = Vec::with_capacity(budgets.len());
        for id in budgets {
            let budget = scope.budget(id).await.map_err(unreadable)?;
            states.push((id, scope.budget_state(id, budget.window.at(now)).await.map_err(unreadable)?));
        }
        let spend = async |since| scope.spend_of_key(key, since).await.map_err(unreadable);
        Ok(KeyUsage {
            total: spend(Timestamp::from_micros(0)).await?,
            day: spend(midnight(now)).await?,
            week: spend(monday(now)).await?,
            month: spend(Window::Month.at(now).start()).await?,
            budgets: states,
        })
    }
}

const DAY_S: i64 = 86_400;

/// The first moment of the day, UTC.
fn midnight(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(now.as_seconds().div_euclid(DAY_S) * DAY_S)
}

/// The first moment of the week, which begins on Monday, UTC.
fn monday(now: Timestamp) -> Timestamp {
    // 1970-01-01 was a Thursday.
    let days = now.as_seconds().div_euclid(DAY_S);
    Timestamp::from_micros(0).plus_seconds((days - (days + 3).rem_euclid(7)) * DAY_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_and_a_week_on_monday() {
        let now = Timestamp::parse("2026-11-21T13:14:15Z").unwrap();
        assert_eq!(midnight(now).to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(monday(now).to_string(), "2026-11-16T00:00:00Z");
        assert_eq!(
            monday(Timestamp::parse("2026-11-16T00:00:00Z").unwrap()).to_string(),
            "2026-11-16T00:00:00Z"
        );
    }
}
