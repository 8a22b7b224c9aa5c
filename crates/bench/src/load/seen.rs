//! What was seen while it counted.
//!
//! Invariant: nothing from before the last `clear` is in a report.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde_json::{Value, json};

/// Counts of one run.
#[derive(Default)]
pub(super) struct Seen {
    latencies_us: RefCell<Vec<u64>>,
    chunks: Cell<u64>,
    refused: Cell<u64>,
    failed: Cell<u64>,
}

impl Seen {
    pub(super) fn clear(&self) {
        self.latencies_us.borrow_mut().clear();
        for counter in [&self.chunks, &self.refused, &self.failed] {
            counter.set(0);
        }
    }

    /// A whole answer, this long after it was due.
    pub(super) fn answered(&self, after: Duration) {
        self.latencies_us.borrow_mut().push(micros(after));
    }

    pub(super) fn streamed(&self, events: u64) {
        self.chunks.set(self.chunks.get() + events);
    }

    /// An answer that is no success. It is counted as failed, too.
    pub(super) fn refused(&self) {
        self.refused.set(self.refused.get() + 1);
    }

    pub(super) fn failed(&self) {
        self.failed.set(self.failed.get() + 1);
    }

    pub(super) fn has_succeeded(&self) -> bool {
        !self.latencies_us.borrow().is_empty() || self.chunks.get() > 0
    }

    /// Everything, with the target's `cpu` divided among requests and among chunks.
    pub(super) fn report(&self, cpu: Duration, took: Duration) -> Value {
        let mut latencies = self.latencies_us.borrow_mut();
        latencies.sort_unstable();
        let each =
            |count: u64| if count == 0 { Value::Null } else { json!(micros(cpu) as f64 / count as f64) };
        let ok = u64::try_from(latencies.len()).unwrap_or(u64::MAX);
        json!({
            "ok": ok,
            "non2xx": self.refused.get(),
            "io_err": self.failed.get() - self.refused.get(),
            "chunks": self.chunks.get(),
            "seconds": took.as_secs_f64(),
            "cpu_us_per_req": each(ok),
            "cpu_us_per_chunk": each(self.chunks.get()),
            "lat_us": { "p50": percentile(&latencies, 50), "p99": percentile(&latencies, 99) },
        })
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The smallest of `sorted` that at least `percent` percent are not above; none of nothing.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

/// Counts the ends of server-sent events, also where they are split.
#[derive(Default)]
pub(super) struct Events {
    after_newline: bool,
}

impl Events {
    pub(super) fn ended_in(&mut self, data: &[u8]) -> u64 {
        let mut count = 0;
        for byte in data {
            let is_newline = *byte == b'\n';
            count += u64::from(is_newline && self.after_newline);
            self.after_newline = is_newline && !self.after_newline;
        }
        count
    }
}

#[cfg(test)]
mod tests;
