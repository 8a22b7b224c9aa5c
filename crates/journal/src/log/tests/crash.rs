//! What a stop at any moment, or damage at any byte, does to the log.

use super::*;

/// Writes a little of everything; returns what was written with the file's length after each.
fn written(node: &Node) -> Vec<(u64, Record)> {
    let (journal, _) = node.open();
    let mut records = vec![Record::Reserved(attempt(1)), Record::Reserved(attempt(2))];
    let usage = TokenUsage::default().with(TokenClass::Output, 9);
    records.push(Record::Progress(id(2), Progress { usage, streamed: Pico::new(9) }));
    records.push(Record::Settled(Arc::new(settled(1))));
    records.extend([Record::Reserved(attempt(3)), Record::Void(id(3)), Record::Reserved(attempt(4))]);
    records.extend([Record::Settled(Arc::new(settled(4))), Record::Settled(Arc::new(settled(2)))]);
    let append = |record: Record| {
        journal.append(&record).unwrap();
        (journal.used_bytes(), record)
    };
    records.into_iter().map(append).collect()
}

/// Whether each attempt of `records` was settled, and whether it was left open.
fn outcome_of<'a>(records: impl Iterator<Item = &'a Record>) -> (BTreeSet<EventId>, BTreeSet<EventId>) {
    let (mut done, mut open) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        match record {
            Record::Reserved(attempt) => {
                open.insert(attempt.id);
            }
            Record::Progress(..) => {}
            Record::Settled(event) => {
                open.remove(&event.attempt.id);
                done.insert(event.attempt.id);
            }
            Record::Void(event) => {
                open.remove(event);
            }
        }
    }
    (done, open)
}

#[test]
fn cut_at_any_byte_every_whole_event_is_there_once_and_every_open_attempt_is_interrupted_once() {
    let node = Node::large();
    let records = written(&node);
    let file = node.only_file();
    let bytes = fs::read(&file).unwrap();
    for cut in 0..=bytes.len() {
        fs::write(&file, &bytes[..cut]).unwrap();
        let whole = records.iter().take_while(|(end, _)| *end <= cut as u64);
        let whole_bytes = whole.clone().last().map_or(0, |(end, _)| *end);
        let (done, open) = outcome_of(whole.map(|(_, record)| record));

        let (journal, recovered) = node.open();
        let interrupted: BTreeSet<_> = ids(&recovered.interrupted).into_iter().collect();
        assert_eq!((&interrupted, recovered.torn_bytes), (&open, cut as u64 - whole_bytes), "cut at {cut}");
        assert_eq!(recovered.interrupted.len(), open.len());
        let events = waiting(&journal);
        assert_eq!(events.len(), done.len() + open.len(), "each once, cut at {cut}");
        assert_eq!(ids(&events).into_iter().collect::<BTreeSet<_>>(), &done | &open);
    }
}

#[test]
fn a_recovery_that_is_itself_cut_at_any_byte_still_interrupts_every_open_attempt_once() {
    let node = Node::large();
    let (journal, _) = node.open();
    let open: BTreeSet<_> =
        (1..=3).map(|number| reserve(&journal, number)).zip(1..=3).map(|(_, n)| id(n)).collect();
    drop(journal);
    let file = node.only_file();
    let before = fs::read(&file).unwrap();
    node.open();
    let after = fs::read(&file).unwrap();
    for cut in before.len()..=after.len() {
        fs::write(&file, &after[..cut]).unwrap();
        let (journal, _) = node.open();
        let events = waiting(&journal);
        assert_eq!(events.len(), 3, "cut at {cut}");
        assert_eq!(ids(&events).into_iter().collect::<BTreeSet<_>>(), open);
    }
}

#[test]
fn damage_that_whole_records_follow_is_an_error_naming_file_and_byte() {
    let node = Node::large();
    let records = written(&node);
    let file = node.only_file();
    let bytes = fs::read(&file).unwrap();
    let last_begins = records[records.len() - 2].0;
    for position in 0..usize::try_from(last_begins).unwrap() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        fs::write(&file, damaged).unwrap();
        let begins = records.iter().map(|(end, _)| *end).take_while(|end| *end <= position as u64).last();
        let expected = format!("{} at byte {}: ", file.display(), begins.unwrap_or(0));
        match node.try_open() {
            Err(JournalError::Damaged(what)) => {
                assert!(what.starts_with(&expected), "{what}, not {expected}")
            }
            other => panic!("byte {position}: {other:?}"),
        }
    }
}

#[test]
fn zeros_at_the_end_as_after_a_loss_of_power_are_cut_off() {
    let node = Node::large();
    let (journal, _) = node.open();
    reserve(&journal, 1);
    settle(&journal, 1);
    drop(journal);
    let file = node.only_file();
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend([0; 4096]);
    fs::write(&file, bytes).unwrap();
    let (journal, recovered) = node.open();
    assert_eq!(recovered.torn_bytes, 4096);
    assert_eq!(ids(&waiting(&journal)), [id(1)]);
    settle(&journal, 2);
    drop(journal);
    assert_eq!(ids(&waiting(&node.open().0)), [id(1), id(2)]);
}

#[test]
fn a_torn_record_in_any_file_but_the_last_is_damage() {
    let node = Node::new(1 << 20, 1);
    let (journal, _) = node.open();
    settle(&journal, 1);
    settle(&journal, 2);
    drop(journal);
    let first = &node.files()[0];
    let bytes = fs::read(first).unwrap();
    fs::write(first, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(node.try_open(), Err(JournalError::Damaged(_))));
}

#[test]
fn a_missing_file_in_the_middle_is_damage() {
    let node = Node::new(1 << 20, 1);
    let (journal, _) = node.open();
    for number in 1..=3 {
        settle(&journal, number);
    }
    drop(journal);
    fs::remove_file(&node.files()[1]).unwrap();
    let Err(JournalError::Damaged(what)) = node.try_open() else { panic!("a gap was accepted") };
    assert!(what.contains("record 2 was expected here"), "{what}");
}
