use std::collections::BTreeSet;

use domain::time::FixedClock;
use domain::{Timestamp, TokenClass, TokenUsage};
use metering::usage::{Flag, Outcome, Progress, UsageSource};
use metering::{conformance, sample};
use tempfile::TempDir;

use super::*;

mod crash;

const RESTARTED_AT: Timestamp = Timestamp::from_millis(1_795_000_999_000);

fn clock() -> FixedClock {
    FixedClock::new(RESTARTED_AT)
}

/// A data directory, claimed once for the whole test, and journals that are opened in it one after the other.
struct Node {
    folder: TempDir,
    dir: Arc<DataDir>,
    settings: Settings,
}

impl Node {
    fn new(cap_bytes: u64, segment_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = Arc::new(DataDir::claim(folder.path(), RESTARTED_AT, 1).unwrap());
        // The disk is not what is tested: what was written is there, synced or not.
        let settings = Settings { cap_bytes, segment_bytes, sync_interval: Duration::from_secs(3_600) };
        Self { folder, dir, settings }
    }

    fn large() -> Self {
        Self::new(1 << 30, 1 << 24)
    }

    fn try_open(&self) -> Result<(FileJournal, Recovered), JournalError> {
        FileJournal::open(Arc::clone(&self.dir), self.settings, &clock())
    }

    fn open(&self) -> (FileJournal, Recovered) {
        self.try_open().unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join(FOLDER)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1);
        files[0].clone()
    }
}

fn attempt(number: u128) -> Arc<metering::usage::Attempt> {
    let mut attempt = sample::attempt(number);
    attempt.reserved = Pico::new(1_000);
    attempt.draws = vec![sample::draw(1), sample::draw(2)];
    Arc::new(attempt)
}

fn id(number: u128) -> EventId {
    attempt(number).id
}

fn settled(number: u128) -> UsageEvent {
    sample::answered(Arc::unwrap_or_clone(attempt(number)), Pico::new(81))
}

fn reserve(journal: &FileJournal, number: u128) -> Sequence {
    journal.append(&Record::Reserved(attempt(number))).unwrap()
}

fn progress(journal: &FileJournal, number: u128, streamed: i64) {
    let usage = TokenUsage::default().with(TokenClass::Output, u64::try_from(streamed).unwrap());
    let progress = Progress { usage, streamed: Pico::new(streamed) };
    journal.append(&Record::Progress(id(number), progress)).unwrap();
}

fn settle(journal: &FileJournal, number: u128) -> Sequence {
    journal.append(&Record::Settled(Arc::new(settled(number)))).unwrap()
}

fn waiting(journal: &FileJournal) -> Vec<UsageEvent> {
    journal.unshipped(usize::MAX).unwrap().into_iter().map(|(_, event)| Arc::unwrap_or_clone(event)).collect()
}

fn ids(events: &[UsageEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.attempt.id).collect()
}

#[test]
fn a_journal_of_files_conforms() {
    let nodes = parking_lot::Mutex::new(Vec::new());
    conformance::journal(|| {
        let node = Node::new(1 << 20, 600);
        let (journal, _) = node.open();
        nodes.lock().push(node);
        journal
    });
}

#[test]
fn what_was_settled_is_there_in_the_next_life() {
    let node = Node::large();
    let (journal, recovered) = node.open();
    assert_eq!(recovered, Recovered { interrupted: Vec::new(), torn_bytes: 0 });
    reserve(&journal, 1);
    let last = settle(&journal, 1);
    drop(journal);
    let (journal, recovered) = node.open();
    assert_eq!(recovered, Recovered { interrupted: Vec::new(), torn_bytes: 0 });
    assert_eq!(journal.unshipped(9).unwrap(), [(last, Arc::new(settled(1)))]);
    assert!(reserve(&journal, 2) > last, "numbers rise over lives");
}

#[test]
fn what_a_life_found_that_nobody_welcomed_the_next_tells_of() {
    let node = Node::large();
    let (journal, _) = node.open();
    let first = (reserve(&journal, 1), settle(&journal, 1)).1;
    journal.welcomed().unwrap();
    drop(journal);
    let (journal, _) = node.open();
    assert_eq!(journal.found(), first);
    reserve(&journal, 2);
    drop(journal);
    let (journal, _) = node.open();
    assert_eq!(journal.found(), first, "nobody knows of the life between");
    journal.welcomed().unwrap();
    drop(journal);
    let (journal, _) = node.open();
    assert_eq!(journal.found(), journal.end());
}

#[test]
fn an_attempt_left_open_is_interrupted_with_what_was_seen_and_the_rest_in_suspense() {
    let node = Node::large();
    let (journal, _) = node.open();
    reserve(&journal, 1);
    progress(&journal, 1, 200);
    progress(&journal, 1, 300);
    reserve(&journal, 2);
    reserve(&journal, 3);
    journal.append(&Record::Void(id(3))).unwrap();
    let end = journal.end();
    journal.welcomed().unwrap();
    drop(journal);

    let (journal, recovered) = node.open();
    assert_eq!(
        (journal.found(), journal.end()),
        (end, Sequence(end.0 + 2)),
        "settling them adds two records"
    );
    assert_eq!(ids(&recovered.interrupted), [id(1), id(2)]);
    assert_eq!(waiting(&journal), recovered.interrupted);
    let [begun, silent] = recovered.interrupted.as_slice() else { panic!("two were open") };
    let settlement = &begun.settlement;
    assert_eq!(settlement.outcome, Outcome::Interrupted);
    assert_eq!(settlement.usage_source, UsageSource::Estimated);
    assert_eq!(settlement.usage, TokenUsage::default().with(TokenClass::Output, 300));
    assert_eq!((settlement.cost, settlement.streamed), (Pico::new(300), Pico::new(300)));
    assert_eq!(settlement.suspense, Pico::new(700));
    assert_eq!(settlement.overruns, [Amount::ZERO, Amount::ZERO]);
    assert_eq!(settlement.ended_at, RESTARTED_AT);
    assert_eq!((silent.settlement.cost, silent.settlement.suspense), (Pico::ZERO, Pico::new(1_000)));

    drop(journal);
    let (journal, again) = node.open();
    assert_eq!(again.interrupted, []);
    assert_eq!(waiting(&journal), recovered.interrupted);
}

#[test]
fn what_was_seen_beyond_the_reservation_is_an_overrun_and_not_suspense() {
    let node = Node::large();
    let (journal, _) = node.open();
    reserve(&journal, 1);
    progress(&journal, 1, 1_300);
    drop(journal);
    let (_, recovered) = node.open();
    let settlement = &recovered.interrupted[0].settlement;
    assert_eq!((settlement.cost, settlement.suspense), (Pico::new(1_300), Pico::ZERO));
    assert_eq!(settlement.overruns, [Amount::from_pico(300), Amount::from_pico(300)]);
    assert!(settlement.flags.has(Flag::Overrun));
}

#[test]
fn a_reservation_that_grew_is_what_an_interrupted_attempt_may_owe() {
    let node = Node::large();
    let (journal, _) = node.open();
    reserve(&journal, 1);
    progress(&journal, 1, 900);
    let mut grown = Arc::unwrap_or_clone(attempt(1));
    grown.reserved = Pico::new(5_000);
    journal.append(&Record::Reserved(Arc::new(grown))).unwrap();
    progress(&journal, 1, 1_300);
    drop(journal);
    let (_, recovered) = node.open();
    assert_eq!(ids(&recovered.interrupted), [id(1)]);
    let interrupted = &recovered.interrupted[0];
    assert_eq!(interrupted.attempt.reserved, Pico::new(5_000));
    assert_eq!(
        (interrupted.settlement.cost, interrupted.settlement.suspense),
        (Pico::new(1_300), Pico::new(3_700))
    );
}

#[test]
fn a_record_is_kept_until_its_watermark_is_committed() {
    let node = Node::new(1 << 20, 1);
    let (journal, _) = node.open();
    let sequences: Vec<_> = (1..=3).map(|number| settle(&journal, number)).collect();
    assert_eq!(node.files().len(), 3);
    journal.committed(sequences[0]).unwrap();
    assert_eq!(node.files().len(), 2);
    assert_eq!(ids(&waiting(&journal)), [id(2), id(3)]);
    drop(journal);

    let (journal, _) = node.open();
    assert_eq!(ids(&waiting(&journal)), [id(2), id(3)], "the watermark is remembered");
    journal.committed(sequences[2]).unwrap();
    assert_eq!(node.files().len(), 1, "the file being written stays");
    drop(journal);
    assert_eq!(waiting(&node.open().0), []);
}

#[test]
fn a_file_in_which_an_open_attempt_began_is_kept() {
    let node = Node::new(1 << 20, 1);
    let (journal, _) = node.open();
    reserve(&journal, 1);
    let watermark = settle(&journal, 2);
    settle(&journal, 3);
    journal.committed(watermark).unwrap();
    assert_eq!(node.files().len(), 3);
    let last = settle(&journal, 1);
    journal.committed(last).unwrap();
    assert_eq!(node.files().len(), 1);
}

#[test]
fn attempts_that_are_only_voided_do_not_fill_the_journal() {
    let node = Node::new(20_000, 2_000);
    let (journal, _) = node.open();
    for number in 0..500 {
        reserve(&journal, number);
        journal.append(&Record::Void(id(number))).unwrap();
    }
    assert!(journal.used_bytes() < 6_000);
}

#[test]
fn numbers_go_on_behind_a_watermark_that_the_log_has_lost() {
    let node = Node::large();
    let (journal, _) = node.open();
    settle(&journal, 1);
    let watermark = settle(&journal, 2);
    journal.committed(watermark).unwrap();
    drop(journal);
    let file = node.only_file();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (journal, _) = node.open();
    let next = settle(&journal, 3);
    assert!(next > watermark);
    drop(journal);
    assert_eq!(node.open().0.unshipped(9).unwrap(), [(next, Arc::new(settled(3)))]);
}

#[test]
fn a_watermark_beyond_the_log_swallows_nothing_that_comes_later() {
    let node = Node::large();
    let (journal, _) = node.open();
    settle(&journal, 1);
    journal.committed(Sequence(u64::MAX)).unwrap();
    settle(&journal, 2);
    assert_eq!(ids(&waiting(&journal)), [id(2)]);
    drop(journal);
    assert_eq!(ids(&waiting(&node.open().0)), [id(2)]);
}

#[test]
fn a_damaged_watermark_is_an_error() {
    let node = Node::large();
    for text in ["", "x", "-1", "18446744073709551615", "18446744073709551616"] {
        fs::write(node.folder.path().join(WATERMARK), text).unwrap();
        assert!(matches!(node.try_open(), Err(JournalError::Damaged(_))), "{text}");
    }
}

#[test]
fn at_ninety_percent_nothing_is_admitted_and_what_was_admitted_still_settles() {
    let node = Node::new(10_000, 1_000);
    let (journal, _) = node.open();
    let mut admitted = 0;
    let refused = loop {
        match journal.append(&Record::Reserved(attempt(admitted))) {
            Ok(_) => admitted += 1,
            Err(error) => break error,
        }
    };
    let JournalError::Full { used_bytes, cap_bytes } = refused else { panic!("{refused}") };
    assert_eq!(cap_bytes, 10_000);
    assert!(used_bytes <= 9_000 && used_bytes > 8_000, "{used_bytes}");
    for number in 0..admitted {
        settle(&journal, number);
    }
    assert_eq!(waiting(&journal).len(), usize::try_from(admitted).unwrap());
    let last = journal.unshipped(usize::MAX).unwrap().last().unwrap().0;
    journal.committed(last).unwrap();
    reserve(&journal, admitted);
}

#[test]
fn a_journal_smaller_than_one_file_is_usable_again_once_all_is_committed() {
    let node = Node::new(10_000, 1 << 24);
    let (journal, _) = node.open();
    for number in 0..200 {
        reserve(&journal, number);
        let sequence = settle(&journal, number);
        journal.committed(sequence).unwrap();
    }
    assert!(journal.used_bytes() < 4_000);
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_written() {
    let node = Node::large();
    let (journal, _) = node.open();
    let mut wrong = settled(1);
    wrong.settlement.overruns.clear();
    let mut negative = settled(1);
    negative.settlement.cost = Pico::new(-1);
    let mut huge = settled(1);
    huge.attempt.attribution.app = Some("x".repeat(2 << 20));
    for event in [wrong, negative, huge] {
        let refused = journal.append(&Record::Settled(Arc::new(event)));
        assert!(
            matches!(refused, Err(JournalError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput)
        );
    }
    assert_eq!(journal.used_bytes(), 0);
}

#[test]
fn many_threads_append_and_nothing_is_lost_or_doubled() {
    let node = Node::new(1 << 30, 10_000);
    let (journal, _) = node.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for number in 0..100 {
                    reserve(journal, thread * 1_000 + number);
                    settle(journal, thread * 1_000 + number);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..20 {
                journal.unshipped(10).unwrap();
            }
        });
    });
    let expected: BTreeSet<_> = (0..4).flat_map(|t| (0..100).map(move |n| id(t * 1_000 + n))).collect();
    drop(journal);
    let (journal, recovered) = node.open();
    assert_eq!(recovered.interrupted, []);
    let events = waiting(&journal);
    assert_eq!(events.len(), 400);
    assert_eq!(ids(&events).into_iter().collect::<BTreeSet<_>>(), expected);
}
