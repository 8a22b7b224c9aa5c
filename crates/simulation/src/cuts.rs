//! One journal, cut at the end of each of its records and inside of each: what comes back of it, and how fast.
//!
//! Invariant: whatever was written whole is recovered, exactly once and with its exact cost, or, where its end is missing,
//! with what was seen of it and the rest in suspense; nothing else is. Recovering twice changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use anyhow::{Context, bail};
use domain::time::FixedClock;
use domain::{Amount, EventId, Holder, Pico, RequestId, Timestamp, TokenUsage};
use journal::{DataDir, FileJournal, Settings};
use metering::ports::{Journal, Record};
use metering::sample;
use metering::usage::{Attempt, Outcome, Progress};

use crate::dice::Dice;
use crate::disk::{self, Lengths};
use crate::meter::{Entry, Meter};
use crate::traffic::event;

const NOW: Timestamp = Timestamp::from_millis(1_795_132_800_000);
const NEVER: Duration = Duration::from_secs(86_400);
/// Small files, so that cuts meet the beginnings of some.
const SETTINGS: Settings = Settings { cap_bytes: 4_000_000, segment_bytes: 4_096, sync_interval: NEVER };
const LARGEST: i64 = 1_000_000;
/// So many attempts are open at most.
const MOST_OPEN: usize = 4;

/// What cutting a journal everywhere came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cuts {
    /// Records that the journal had.
    pub records: u64,
    /// Journals that were recovered, each cut elsewhere.
    pub recovered: u64,
    /// The longest that opening one took.
    pub slowest: Duration,
    /// All of them, with making and comparing them.
    pub total: Duration,
}

/// One JSON object a line.
impl fmt::Display for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.recovered;
        for (figure, took) in
            [("journal_recovery_ms_max", self.slowest), ("journal_recovery_ms_all", self.total)]
        {
            let (whole, rest) = (took.as_millis(), took.subsec_micros() % 1_000);
            writeln!(
                f,
                r#"{{"figure":"{figure}","value":{whole}.{rest:03},"unit":"ms","goal":"none","n":{n}}}"#
            )?;
        }
        let records = self.records;
        write!(
            f,
            r#"{{"figure":"journal_cuts_recovered","value":{n},"unit":"journals","goal":"{n}","n":{records}}}"#
        )
    }
}

/// A record that was written.
struct Written {
    record: Record,
    /// How long the files were then.
    lengths: Lengths,
}

struct Writer {
    dice: Dice,
    holder: Holder,
    open: Vec<(Attempt, i64)>,
}

/// Writes a journal of `records` and cuts it.
pub(crate) fn everywhere(folder: &Path, seed: u64, records: usize) -> anyhow::Result<Cuts> {
    let whole = folder.join("whole");
    let written = write(&whole, seed, records)?;
    let mut cuts = Cuts { records: written.len() as u64, ..Cuts::default() };
    let begun = Instant::now();
    let mut before = Lengths::new();
    for (place, Written { lengths, .. }) in written.iter().enumerate() {
        let Some((file, length)) = lengths.last_key_value() else { continue };
        let start = before.get(file).copied().unwrap_or(0);
        for cut in [start + 1, start.midpoint(*length), length - 1, *length] {
            let is_whole = cut == *length;
            let known = written.get(..place + usize::from(is_whole)).unwrap_or_default();
            let copy = folder.join("copy");
            copy_until(&whole, &copy, lengths, cut)?;
            let took =
                recover(&copy, known).with_context(|| format!("cut in record {place}, at byte {cut}"))?;
            fs::remove_dir_all(&copy)?;
            cuts.recovered += 1;
            cuts.slowest = cuts.slowest.max(took);
        }
        before.clone_from(lengths);
    }
    cuts.total = begun.elapsed();
    Ok(cuts)
}

fn write(data: &Path, seed: u64, records: usize) -> anyhow::Result<Vec<Written>> {
    let dir = DataDir::claim(data, NOW, 1)?;
    let mut writer = Writer { dice: Dice::new(seed), holder: dir.holder(), open: Vec::new() };
    let (journal, _) = FileJournal::open(Arc::new(dir), SETTINGS, &FixedClock::new(NOW))?;
    let mut written = Vec::new();
    for _ in 0..records {
        let record = writer.next();
        journal.append(&record)?;
        written.push(Written { record, lengths: disk::lengths(data)? });
    }
    Ok(written)
}

impl Writer {
    fn next(&mut self) -> Record {
        let which = self.dice.place(MOST_OPEN);
        let Some((attempt, streamed)) = self.open.get_mut(which) else { return self.reserve() };
        if self.dice.percent(40) {
            *streamed = self.dice.between(*streamed, truth(attempt));
            let progress = Progress { usage: TokenUsage::default(), streamed: Pico::new(*streamed) };
            return Record::Progress(attempt.id, progress);
        }
        let (attempt, streamed) = self.open.swap_remove(which);
        if self.dice.percent(10) {
            return Record::Void(attempt.id);
        }
        let overruns = vec![Amount::ZERO; attempt.draws.len()];
        let cost = truth(&attempt);
        Record::Settled(Arc::new(event(attempt, Outcome::Answered, (cost, streamed, 0), overruns)))
    }

    fn reserve(&mut self) -> Record {
        let mut attempt = sample::attempt(0);
        attempt.id = EventId { request: RequestId::new(NOW, self.dice.wide()), attempt: 1 };
        attempt.holder = self.holder;
        attempt.reserved = Pico::new(self.dice.between(2, LARGEST));
        self.open.push((attempt.clone(), 0));
        Record::Reserved(Arc::new(attempt))
    }
}

/// What an attempt costs: half of what it could.
fn truth(attempt: &Attempt) -> i64 {
    attempt.reserved.get() / 2
}

/// Copies the data directory as it was when its files had these `lengths`, the last of them only until byte `cut`.
fn copy_until(whole: &Path, copy: &Path, lengths: &Lengths, cut: u64) -> anyhow::Result<()> {
    let last = lengths.last_key_value().map(|(path, _)| path);
    let mut files: BTreeMap<_, u64> = lengths.clone();
    files.insert(whole.join("node"), u64::MAX);
    for (path, length) in &files {
        let to = copy.join(path.strip_prefix(whole)?);
        fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        let mut bytes = fs::read(path)?;
        let length = if Some(path) == last { cut } else { *length };
        bytes.truncate(usize::try_from(length)?);
        fs::write(to, bytes)?;
    }
    Ok(())
}

/// Opens the copy in which `known` is whole, and compares; how long opening took.
fn recover(data: &Path, known: &[Written]) -> anyhow::Result<Duration> {
    let meter = bills(known);
    let begun = Instant::now();
    let first = entries(data)?;
    let took = begun.elapsed();
    meter.audit(&first).map_err(anyhow::Error::msg)?;
    if entries(data)? != first {
        bail!("recovering twice is not recovering once");
    }
    Ok(took)
}

/// What the provider billed of what `known` says it may have got.
fn bills(known: &[Written]) -> Meter {
    let mut meter = Meter::default();
    for Written { record, .. } in known {
        match record {
            Record::Reserved(attempt) => {
                let event = attempt.id.to_string();
                meter.admit(&event, Vec::new(), attempt.reserved.get().into());
                meter.bill(&event, truth(attempt).into());
            }
            Record::Settled(event) => meter.settled(&event.attempt.id.to_string()),
            Record::Void(event) => meter.void(&event.to_string()),
            Record::Progress(..) => {}
        }
    }
    meter
}

fn entries(data: &Path) -> anyhow::Result<Vec<Entry>> {
    let dir = Arc::new(DataDir::claim(data, NOW, 1)?);
    let (journal, _) = FileJournal::open(dir, SETTINGS, &FixedClock::new(NOW))?;
    let unshipped = journal.unshipped(usize::MAX)?;
    Ok(unshipped.iter().map(|(_, event)| Entry::of(event)).collect())
}
