//! Streams that are read on after their app has left, because their provider bills them to the end all the same: what it
//! says was used is better than a count of the beginning.
//!
//! Invariant: at most so many at once, none for longer than is set, and none once the process is asked to end. What is
//! not read on is cut.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Who is read on, and how much at once.
pub struct Drains {
    places: Arc<Semaphore>,
    longest: Duration,
    also: HashSet<String>,
    over: CancellationToken,
}

/// One stream that is read on.
pub(crate) struct Drain {
    deadline: Instant,
    over: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Drains {
    /// At most `most` at once, each for at most `longest`. `also` are the slugs of providers that bill on beside those that
    /// are known to.
    #[must_use]
    pub fn new(most: usize, longest: Duration, also: impl IntoIterator<Item = String>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            longest,
            also: also.into_iter().collect(),
            over: CancellationToken::new(),
        }
    }

    /// Ends them all, and lets none begin: the process is asked to end.
    pub fn end(&self) {
        self.over.cancel();
    }

    /// The place of a stream of `provider`, if it is to be read on.
    pub(crate) fn begin(&self, provider: &str) -> Option<Drain> {
        let bills_on = providers::bills_on(provider) || self.also.contains(provider);
        if !bills_on || self.over.is_cancelled() {
            return None;
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Drain { deadline: Instant::now() + self.longest, over: self.over.clone(), _place: place })
    }
}

impl Drain {
    /// What `step` comes to, unless it is time to end.
    pub(crate) async fn within<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => None,
            () = tokio::time::sleep_until(self.deadline) => None,
            value = step => Some(value),
        }
    }
}

#[cfg(test)]
mod tests;
