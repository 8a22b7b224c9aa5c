//! Says once that Redis is away, and once that it is back.
//!
//! Invariant: several connections to one Redis make one outage: it begins with the first that fails and ends when none
//! is failing any more. Its log is two lines, and one more where Redis is back but refuses.

use std::sync::Arc;

use parking_lot::Mutex;

use super::place::{Failure, Kind};

/// What is known of one Redis.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failing: usize,
    said: Option<Kind>,
}

/// One connection's part in it.
#[derive(Debug)]
pub(super) struct Link {
    outage: Arc<Outage>,
    is_failing: Mutex<bool>,
}

impl Outage {
    pub(super) fn link(self: &Arc<Self>) -> Link {
        Link { outage: Arc::clone(self), is_failing: Mutex::new(false) }
    }
}

impl Link {
    /// The connection failed.
    pub(super) fn failed(&self, failure: &Failure) {
        let mut state = self.outage.0.lock();
        if !std::mem::replace(&mut *self.is_failing.lock(), true) {
            state.failing += 1;
        }
        if state.said != Some(failure.kind) && state.said != Some(Kind::Refuses) {
            state.said = Some(failure.kind);
            tracing::warn!(
                error = %failure,
                "Redis is not used: policy changes go by the node link, and each node keeps to its share of a rate"
            );
        }
    }

    /// The connection works.
    pub(super) fn works(&self) {
        if self.recovered() {
            tracing::info!("Redis is used again");
        }
    }

    /// Whether this ended the outage.
    fn recovered(&self) -> bool {
        let mut state = self.outage.0.lock();
        self.leaves(&mut state);
        state.failing == 0 && state.said.take().is_some()
    }

    fn leaves(&self, state: &mut State) {
        if std::mem::replace(&mut *self.is_failing.lock(), false) {
            state.failing = state.failing.saturating_sub(1);
        }
    }
}

impl Drop for Link {
    /// A connection that is given up says nothing of Redis: only one that works ends an outage.
    fn drop(&mut self) {
        self.leaves(&mut self.outage.0.lock());
    }
}
