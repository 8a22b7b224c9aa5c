//! Says once that something is away, and once that it is back.
//!
//! Invariant: a log of an outage is two lines, however long it lasts, unless its reason changes.

use std::fmt::Display;

use parking_lot::Mutex;

/// Something that may be away.
#[derive(Debug)]
pub(crate) struct Outage {
    /// What is being waited for, as an operator calls it.
    what: &'static str,
    reason: Mutex<Option<String>>,
}

impl Outage {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, reason: Mutex::default() }
    }

    /// It failed.
    pub(crate) fn failed(&self, error: &impl Display) {
        let error = error.to_string();
        let mut reason = self.reason.lock();
        if reason.as_ref() != Some(&error) {
            tracing::warn!(error, "waiting for {}", self.what);
            *reason = Some(error);
        }
    }

    /// It works.
    pub(crate) fn over(&self) {
        if self.reason.lock().take().is_some() {
            tracing::info!("{} answers again", self.what);
        }
    }
}
