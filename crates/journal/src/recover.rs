//! Reads the log of the life before, and settles what it left open.
//!
//! Invariant: every attempt that was reserved and neither settled nor voided gets exactly one event, however often
//! recovery itself is interrupted: an event is appended before the next is made, and an attempt that has one is not open.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use domain::{Amount, EventId, Pico, Timestamp, TokenUsage};
use metering::ports::{JournalError, Record};
use metering::usage::{Attempt, Flag, Flags, Outcome, Progress, Settlement, UsageEvent, UsageSource};

use crate::log::Waiting;
use crate::segment::{Entry, Segment, damaged};

/// What was found when a journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The events of attempts that the process did not live to settle. They are in the journal, to be shipped like any
    /// other: charged what was seen of the answer, with the rest of the reservation in suspense.
    pub interrupted: Vec<UsageEvent>,
    /// Bytes of a last record that was not wholly written.
    pub torn_bytes: u64,
}

/// The log as it lies on disk.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) segments: Vec<Segment>,
    /// The number that follows the last record.
    pub(crate) written: u64,
    /// The next record's number.
    pub(crate) next: u64,
    /// Settled events beyond the watermark.
    pub(crate) unshipped: Vec<Waiting>,
    pub(crate) open: HashMap<EventId, Open>,
    pub(crate) torn_bytes: u64,
}

/// An attempt without an end.
pub(crate) struct Open {
    pub(crate) sequence: u64,
    attempt: Arc<Attempt>,
    progress: Option<Progress>,
}

/// Reads the log in `folder`, of which everything up to `watermark` is committed.
pub(crate) fn read(folder: &Path, watermark: u64) -> Result<Found, JournalError> {
    let mut found = Found { segments: Segment::list(folder)?, ..Found::default() };
    let mut segments = std::mem::take(&mut found.segments);
    let last = segments.len().saturating_sub(1);
    for (number, segment) in segments.iter_mut().enumerate() {
        found.expect(segment, number == 0, watermark)?;
        let scanned = segment.scan(number == last)?;
        found.written = segment.first + scanned.entries.len() as u64;
        found.torn_bytes += scanned.torn_bytes;
        for entry in scanned.entries {
            found.take(entry, watermark);
        }
    }
    found.segments = segments;
    // After a loss of power, the log may end before what is known to be committed.
    found.next = found.written.max(watermark + 1);
    Ok(found)
}

impl Found {
    /// Records may be missing before `segment` only if all of them are committed.
    fn expect(&self, segment: &Segment, is_first: bool, watermark: u64) -> Result<(), JournalError> {
        let complete = is_first || segment.first == self.written;
        if complete || (segment.first > self.written && segment.first <= watermark + 1) {
            return Ok(());
        }
        Err(damaged(&segment.path, 0, &format!("record {} was expected here", self.written)))
    }

    fn take(&mut self, Entry { sequence, record, place }: Entry, watermark: u64) {
        match record {
            Record::Reserved(attempt) => {
                self.open.insert(attempt.id, Open { sequence, attempt, progress: None });
            }
            Record::Progress(event, progress) => {
                if let Some(open) = self.open.get_mut(&event) {
                    open.progress = Some(progress);
                }
            }
            Record::Settled(event) => {
                self.open.remove(&event.attempt.id);
                if sequence > watermark {
                    self.unshipped.push(Waiting { sequence, place, event: None });
                }
            }
            Record::Void(event) => {
                self.open.remove(&event);
            }
        }
    }
}

impl Open {
    /// Its event, as of `now`.
    pub(crate) fn interrupted(self, now: Timestamp) -> UsageEvent {
        let nothing = Progress { usage: TokenUsage::default(), streamed: Pico::ZERO };
        let Progress { usage, streamed } = self.progress.unwrap_or(nothing);
        let rest = Amount::from(self.attempt.reserved) - Amount::from(streamed);
        let beyond = (-rest).max(Amount::ZERO);
        let mut flags = Flags::default();
        if beyond > Amount::ZERO {
            flags.raise(Flag::Overrun);
        }
        let settlement = Settlement {
            outcome: Outcome::Interrupted,
            status: 0,
            error: None,
            usage,
            usage_source: UsageSource::Estimated,
            cost: streamed,
            streamed,
            suspense: rest.max(Amount::ZERO).to_pico().unwrap_or(self.attempt.reserved),
            overruns: vec![beyond; self.attempt.draws.len()],
            flags,
            finish_reason: None,
            first_byte_at: None,
            ended_at: now,
        };
        UsageEvent { attempt: Arc::unwrap_or_clone(self.attempt), settlement }
    }
}
