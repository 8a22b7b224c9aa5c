//! What was admitted and is not committed yet: up to when this node's usage is complete.
//!
//! Invariant: everything admitted before what [`Outstanding::complete_to`] ever answered is committed, or made no event:
//! moments of admission are given out here, and none is before what was said.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Clock, RequestId, Timestamp};
use metering::usage::UsageEvent;
use parking_lot::Mutex;

/// A request's moment of admission, and its id.
pub(crate) type Place = (Timestamp, RequestId);

/// Requests that are open, and events that wait in the journal.
pub struct Outstanding {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By admission: one for the request while it is open, and one for each of its events until it is committed.
    held: BTreeMap<Place, u32>,
    said: Option<Timestamp>,
}

/// A request that is open; dropping it ends it.
pub(crate) struct Admitted {
    place: Place,
    outstanding: Arc<Outstanding>,
}

impl Admitted {
    /// When it was admitted.
    pub(crate) fn at(&self) -> Timestamp {
        self.place.0
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.outstanding.state.lock().release(self.place);
    }
}

impl Outstanding {
    /// Nothing is outstanding: what earlier lives left in the journal is shipped before anything is said.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Admits a request now.
    pub(crate) fn admit(self: &Arc<Self>, request: RequestId) -> Admitted {
        let mut state = self.state.lock();
        let now = self.clock.now();
        // A clock that was put back does not bring a request before what was said.
        let place = (state.said.map_or(now, |said| said.max(now)), request);
        state.hold(place);
        Admitted { place, outstanding: Arc::clone(self) }
    }

    /// An event of an open request goes to the journal.
    pub(crate) fn settled(&self, event: &UsageEvent) {
        self.state.lock().hold(place(event));
    }

    /// Events at these places are committed, and will not be shipped again.
    pub(crate) fn committed(&self, places: Vec<Place>) {
        let mut state = self.state.lock();
        places.into_iter().for_each(|place| state.release(place));
    }

    /// The usage of everything admitted before this is committed.
    pub(crate) fn complete_to(&self) -> Timestamp {
        let mut state = self.state.lock();
        let now = self.clock.now();
        let oldest = state.held.first_key_value().map_or(now, |((oldest, _), _)| now.min(*oldest));
        let said = state.said.map_or(oldest, |said| said.max(oldest));
        state.said = Some(said);
        said
    }
}

/// Where an event is held.
pub(crate) fn place(event: &UsageEvent) -> Place {
    (event.attempt.admitted_at, event.attempt.id.request)
}

impl State {
    fn hold(&mut self, place: Place) {
        *self.held.entry(place).or_default() += 1;
    }

    /// What an earlier life left was never held.
    fn release(&mut self, place: Place) {
        if let Some(count) = self.held.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
