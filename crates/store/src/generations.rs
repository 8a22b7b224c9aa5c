//! Every attempt of one request, for the app that made it.
//!
//! Invariant: all of them or none. An attempt that failed may be followed by another that is still under way or in a node's
//! journal, so the last in the ledger is the last of all only where it ended the request, or its node has said that the
//! request is over.

use domain::{EventId, RequestId};
use metering::usage::{Attempt, Outcome, UsageEvent};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::entity::{node, usage_event};
use crate::error::StoreError;
use crate::scope::{OrgScope, platform};
use crate::usage::read;

/// Events are found by their ids, so many at once; few requests make more attempts.
const AT_ONCE: u16 = 16;

impl OrgScope {
    /// Every attempt of `request`, in order; none while some may be missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn generation(&self, request: RequestId) -> Result<Vec<UsageEvent>, StoreError> {
        let attempts = self.attempts(request).await?;
        let Some(last) = attempts.last() else { return Ok(attempts) };
        if ends_here(&attempts) {
            return Ok(attempts);
        }
        if self.is_complete(&last.attempt).await? {
            // What came between the first look and the node's word belongs to it.
            return self.attempts(request).await;
        }
        Ok(Vec::new())
    }

    /// What is in the ledger of `request`.
    async fn attempts(&self, request: RequestId) -> Result<Vec<UsageEvent>, StoreError> {
        let sql = self.read().await?;
        let mut found: Vec<UsageEvent> = Vec::new();
        let mut first = 0_u16;
        loop {
            let last = first.saturating_add(AT_ONCE - 1);
            let ids = (first..=last).map(|attempt| EventId { request, attempt }.to_string());
            let select = self.rows::<usage_event::Entity>();
            let rows = select.filter(usage_event::Column::EventId.is_in(ids)).all(&sql).await?;
            for row in rows {
                found.push(read(row)?);
            }
            found.sort_by_key(|event| event.attempt.id);
            if last == u16::MAX || found.last().is_none_or(|event| event.attempt.id.attempt < last) {
                return Ok(found);
            }
            first = last + 1;
        }
    }

    /// Whether the node of `attempt` has said that all of the request is committed, or never will be.
    async fn is_complete(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        let select = platform::<node::Entity>();
        let select = select.filter(node::Column::Id.eq(attempt.holder.node.to_string()));
        let node = select.one(self.store().reader()).await?;
        Ok(node.is_some_and(|node| {
            node.retired_at.is_some() || node.complete_to > attempt.admitted_at.as_micros()
        }))
    }
}

/// Whether `attempts` are without a gap, and the last is one that nothing follows.
fn ends_here(attempts: &[UsageEvent]) -> bool {
    let ids = || attempts.iter().map(|event| event.attempt.id.attempt);
    let is_whole =
        ids().next().is_some_and(|first| first <= 1) && ids().zip(ids().skip(1)).all(|(a, b)| b == a + 1);
    let outcome = attempts.last().map(|event| event.settlement.outcome);
    is_whole && matches!(outcome, Some(Outcome::Answered | Outcome::Cut | Outcome::Interrupted))
}
