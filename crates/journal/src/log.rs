//! The write-ahead log of attempts, in append-only files.
//!
//! `append` writes to the file before it returns, which survives `kill -9`; a thread syncs to the disk at most every
//! 50 ms, which bounds what a loss of power can take. Invariants: a record has one place and one number for ever; a file
//! is deleted only when every event in it is committed and no attempt that began in it is open.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{Amount, Clock, EventId, Pico};
use metering::ports::{Journal, JournalError, Record, Sequence};
use metering::usage::UsageEvent;
use parking_lot::Mutex;
use wire::Wire;

use crate::frame::{HEADER_BYTES, frame};
use crate::lock::DataDir;
use crate::mark::Mark;
use crate::recover::{self, Found, Recovered};
use crate::segment::{Place, Segment};
use crate::sync::Syncer;

const FOLDER: &str = "journal";
const WATERMARK: &str = "watermark";
/// Where the first life that was not welcomed found the journal's end.
const FOUND: &str = "found";
/// So many events that wait to be shipped stay in memory; those behind them are read back.
const KEPT: usize = 2_000;

/// How much a journal may hold, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes on disk. At 90 % no attempt is admitted any more; what was admitted still settles.
    pub cap_bytes: u64,
    /// A file that has this many, or an eighth of the cap, is closed, and the next is begun.
    pub segment_bytes: u64,
    /// At most this long after it was written, a record is on its way to the disk.
    pub sync_interval: Duration,
}

/// 1 GiB in files of 16 MiB, synced every 50 ms.
impl Default for Settings {
    fn default() -> Self {
        Self {
            cap_bytes: 1024 * 1024 * 1024,
            segment_bytes: 16 * 1024 * 1024,
            sync_interval: Duration::from_millis(50),
        }
    }
}

/// The journal of one process, in its data directory.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    settings: Settings,
    syncer: Syncer,
    log: Mutex<Log>,
    watermark: Mutex<Mark>,
    unwelcomed: Mutex<Mark>,
    found: Sequence,
    // The last to be dropped: the directory stays locked until everything is synced.
    _dir: Arc<DataDir>,
}

#[derive(Debug)]
struct Log {
    /// Oldest first; the last is being written.
    segments: VecDeque<Segment>,
    next: u64,
    unshipped: VecDeque<Waiting>,
    open: HashMap<EventId, u64>,
    folder: Arc<File>,
    /// A write failed half-way and could not be undone: nothing may follow it.
    torn: bool,
}

/// An event that is not known to be committed.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) sequence: u64,
    pub(crate) place: Place,
    /// Where it is still in memory.
    pub(crate) event: Option<Arc<UsageEvent>>,
}

impl FileJournal {
    /// Opens the journal of `dir`, and settles as interrupted what the life before left open.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] names the file and the byte; [`JournalError::Io`].
    pub fn open(
        dir: Arc<DataDir>,
        settings: Settings,
        clock: &dyn Clock,
    ) -> Result<(Self, Recovered), JournalError> {
        let folder = dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let watermark = Mark::read(dir.join(WATERMARK))?;
        let mut unwelcomed = Mark::read(dir.join(FOUND))?;
        let mut found = recover::read(&folder, watermark.value().unwrap_or(0))?;
        let open: HashMap<_, _> = found.open.iter().map(|(event, open)| (*event, open.sequence)).collect();
        let mut orphans: Vec<_> = std::mem::take(&mut found.open).into_values().collect();
        let torn_bytes = found.torn_bytes;
        let log = Log::resume(found, open, &folder)?;
        let end = log.end().0;
        let first_found = unwelcomed.value().map_or(end, |earlier| earlier.min(end));
        // Before this life adds anything.
        unwelcomed.set(first_found)?;
        let journal = Self {
            _dir: dir,
            syncer: Syncer::start(settings.sync_interval)?,
            found: Sequence(first_found),
            unwelcomed: Mutex::new(unwelcomed),
            log: Mutex::new(log),
            watermark: Mutex::new(watermark),
            folder,
            settings,
        };
        orphans.sort_by_key(|orphan| orphan.sequence);
        let mut interrupted = Vec::with_capacity(orphans.len());
        for orphan in orphans {
            let event = orphan.interrupted(clock.now());
            journal.append(&Record::Settled(Arc::new(event.clone())))?;
            interrupted.push(event);
        }
        delete(&journal.log.lock().take_done());
        if torn_bytes > 0 || !interrupted.is_empty() {
            tracing::warn!(
                torn_bytes,
                interrupted = interrupted.len(),
                "the process before ended unexpectedly"
            );
        }
        Ok((journal, Recovered { interrupted, torn_bytes }))
    }

    /// Bytes on disk.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.log.lock().used_bytes()
    }

    /// How many events wait to be committed.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.log.lock().unshipped.len()
    }

    fn admit(&self, log: &Log, record: &Record, bytes: usize) -> Result<(), JournalError> {
        if log.torn {
            return Err(io::Error::other("an earlier write failed half-way").into());
        }
        if !matches!(record, Record::Reserved(_)) {
            return Ok(());
        }
        if self.syncer.has_failed() {
            return Err(io::Error::other("an earlier sync failed").into());
        }
        let (used_bytes, cap_bytes) = (log.used_bytes(), self.settings.cap_bytes);
        if used_bytes + bytes as u64 > cap_bytes / 10 * 9 {
            return Err(JournalError::Full { used_bytes, cap_bytes });
        }
        Ok(())
    }

    /// Begins the next file when the last has its size; returns the files that are not needed any more.
    fn rotate(&self, log: &mut Log) -> Result<Vec<Segment>, JournalError> {
        // What is in the file being written cannot be deleted: it must never be most of the cap.
        let full = self.settings.segment_bytes.min(self.settings.cap_bytes / 8);
        if log.segments.back().is_some_and(|segment| segment.bytes < full) {
            return Ok(Vec::new());
        }
        log.segments.push_back(Segment::create(&self.folder, log.next)?);
        self.syncer.wrote(&log.folder);
        Ok(log.take_done())
    }
}

impl Journal for FileJournal {
    fn append(&self, record: &Record) -> Result<Sequence, JournalError> {
        let frame = readable(record).then(|| frame(&record.to_bytes())).flatten();
        let frame =
            frame.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the record is not sound"))?;
        let mut log = self.log.lock();
        self.admit(&log, record, frame.len())?;
        let done = self.rotate(&mut log)?;
        let (sequence, place) = log.write(&frame)?;
        self.syncer.wrote(&place.file);
        log.note(sequence, record, place);
        drop(log);
        delete(&done);
        Ok(Sequence(sequence))
    }

    fn unshipped(&self, max: usize) -> Result<Vec<(Sequence, Arc<UsageEvent>)>, JournalError> {
        let waiting: Vec<_> = self.log.lock().unshipped.iter().take(max).cloned().collect();
        waiting.into_iter().map(|waiting| Ok((Sequence(waiting.sequence), waiting.event()?))).collect()
    }

    fn committed(&self, watermark: Sequence) -> Result<(), JournalError> {
        let committed = watermark.0.min(self.end().0);
        // First on disk: a file that is gone must be known to be committed.
        self.watermark.lock().raise(committed)?;
        let mut log = self.log.lock();
        log.drop_up_to(committed);
        let done = log.take_done();
        drop(log);
        delete(&done);
        Ok(())
    }

    fn end(&self) -> Sequence {
        self.log.lock().end()
    }

    fn found(&self) -> Sequence {
        self.found
    }

    fn welcomed(&self) -> Result<(), JournalError> {
        Ok(self.unwelcomed.lock().clear()?)
    }
}

impl Waiting {
    fn event(self) -> Result<Arc<UsageEvent>, JournalError> {
        if let Some(event) = self.event {
            return Ok(event);
        }
        let Ok(Record::Settled(event)) = Record::from_bytes(&self.place.read()?) else {
            return Err(JournalError::Damaged(format!("record {} is no event any more", self.sequence)));
        };
        Ok(event)
    }
}

impl Log {
    fn end(&self) -> Sequence {
        Sequence(self.next.saturating_sub(1))
    }

    fn resume(found: Found, open: HashMap<EventId, u64>, folder: &Path) -> io::Result<Self> {
        let mut segments: VecDeque<_> = found.segments.into();
        if !segments.is_empty() && found.written != found.next {
            segments.push_back(Segment::create(folder, found.next)?);
        }
        let folder = Arc::new(File::open(folder)?);
        Ok(Self { segments, next: found.next, unshipped: found.unshipped.into(), open, folder, torn: false })
    }

    fn used_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Writes `frame` to the last file, wholly or not at all.
    fn write(&mut self, frame: &[u8]) -> Result<(u64, Place), JournalError> {
        let segment = self.segments.back_mut().ok_or_else(|| io::Error::other("the journal has no file"))?;
        if let Err(error) = segment.file.as_ref().write_all(frame) {
            self.torn = segment.file.set_len(segment.bytes).is_err();
            return Err(error.into());
        }
        let place = Place {
            file: Arc::clone(&segment.file),
            offset: segment.bytes + HEADER_BYTES as u64,
            length: frame.len() - HEADER_BYTES,
        };
        segment.bytes += frame.len() as u64;
        let sequence = self.next;
        self.next += 1;
        Ok((sequence, place))
    }

    fn note(&mut self, sequence: u64, record: &Record, place: Place) {
        match record {
            Record::Reserved(attempt) => {
                self.open.insert(attempt.id, sequence);
            }
            Record::Progress(..) => {}
            Record::Settled(event) => {
                self.open.remove(&event.attempt.id);
                let event = (self.unshipped.len() < KEPT).then(|| Arc::clone(event));
                self.unshipped.push_back(Waiting { sequence, place, event });
            }
            Record::Void(event) => {
                self.open.remove(event);
            }
        }
    }

    fn drop_up_to(&mut self, committed: u64) {
        while self.unshipped.front().is_some_and(|waiting| waiting.sequence <= committed) {
            self.unshipped.pop_front();
        }
    }

    /// Takes out the files that nobody needs any more: those before the first record that somebody does.
    fn take_done(&mut self) -> Vec<Segment> {
        let waiting = self.unshipped.front().map(|waiting| waiting.sequence);
        let open = self.open.values().min().copied();
        let needed = waiting.into_iter().chain(open).min().unwrap_or(self.next);
        let mut done = Vec::new();
        while self.segments.get(1).is_some_and(|following| following.first <= needed) {
            done.extend(self.segments.pop_front());
        }
        done
    }
}

/// Deletes files that nobody needs. One that stays nevertheless is found, and deleted, by the next process.
fn delete(done: &[Segment]) {
    for segment in done {
        if let Err(error) = fs::remove_file(&segment.path) {
            tracing::warn!(error = %error, file = %segment.path.display(), "a committed journal file stays");
        }
    }
}

/// Whether the record could be read back: money is never negative, and there is one overrun per draw.
fn readable(record: &Record) -> bool {
    let positive = |pico: Pico| pico.get() >= 0;
    match record {
        Record::Reserved(attempt) => positive(attempt.reserved),
        Record::Progress(_, progress) => positive(progress.streamed),
        Record::Settled(event) => {
            let settlement = &event.settlement;
            [event.attempt.reserved, settlement.cost, settlement.streamed, settlement.suspense]
                .into_iter()
                .all(positive)
                && settlement.overruns.len() == event.attempt.draws.len()
                && settlement.overruns.iter().all(|overrun| *overrun >= Amount::ZERO)
        }
        Record::Void(_) => true,
    }
}

#[cfg(test)]
mod tests;
