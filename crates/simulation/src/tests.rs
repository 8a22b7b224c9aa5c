use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// `make sim` runs many more.
const SAMPLE: u64 = 300;

#[test]
fn a_sample_of_seeds_never_overspends_and_never_refuses_wrongly() {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (stage, mut figures) = (Stage::new().unwrap(), Figures::default());
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SAMPLE {
                        return figures.verdict().unwrap();
                    }
                    figures.count(stage.run(Plan::of(seed)).unwrap());
                }
            });
        }
    });
}

#[test]
fn one_seed_does_the_same_twice() {
    let stage = Stage::new().unwrap();
    for seed in [3, 4] {
        let verdict = stage.run(Plan::of(seed)).unwrap();
        assert_eq!(verdict, stage.run(Plan::of(seed)).unwrap());
    }
}

#[test]
fn a_journal_that_is_cut_anywhere_comes_back() {
    let cuts = Stage::new().unwrap().cut_a_journal(1, 120).unwrap();
    assert_eq!((cuts.records, cuts.recovered), (120, 480));
}

/// With the guard the seed is as it should be; without it something is wrong, which this names.
fn wrong_without(guard: Guard, seed: u64) -> String {
    let stage = Stage::new().unwrap();
    let with = stage.run(Plan { without: None, ..Plan::without(guard, seed) }).unwrap();
    assert_eq!(with.problem, None);
    stage.run(Plan::without(guard, seed)).unwrap().problem.expect("without the guard nothing is wrong")
}

#[test]
fn without_lease_of_one_life_seed_1_keeps_money_for_ever() {
    let wrong = wrong_without(Guard::LeaseOfOneLife, 1);
    assert!(wrong.contains("stay in escrow"), "{wrong}");
}

#[test]
fn without_give_back_once_seed_73_loses_what_was_spent() {
    let wrong = wrong_without(Guard::GiveBackOnce, 73);
    assert!(wrong.contains("says"), "{wrong}");
}

#[test]
fn without_unknown_return_is_gone_seed_1306_overspends() {
    let wrong = wrong_without(Guard::UnknownReturnIsGone, 1306);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_unknown_grant_is_nothing_seed_29_overspends() {
    let wrong = wrong_without(Guard::UnknownGrantIsNothing, 29);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_first_found_seed_1178_loses_what_was_spent() {
    let wrong = wrong_without(Guard::FirstFound, 1178);
    assert!(wrong.contains("says"), "{wrong}");
}

#[test]
fn without_hello_before_grant_seed_55_overspends() {
    let wrong = wrong_without(Guard::HelloBeforeGrant, 55);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_journal_before_hello_seed_2_overspends() {
    let wrong = wrong_without(Guard::JournalBeforeHello, 2);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_watermark_seed_57_overspends() {
    let wrong = wrong_without(Guard::Watermark, 57);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_boot_seed_6_overspends() {
    let wrong = wrong_without(Guard::Boot, 6);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_journal_before_dispatch_seed_1_overspends() {
    let wrong = wrong_without(Guard::JournalBeforeDispatch, 1);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_commit_before_drop_seed_3_overspends() {
    let wrong = wrong_without(Guard::CommitBeforeDrop, 3);
    assert!(wrong.contains("more than it allows"), "{wrong}");
}

#[test]
fn without_event_once_seed_4_bills_twice() {
    let wrong = wrong_without(Guard::EventOnce, 4);
    assert!(wrong.contains("never made"), "{wrong}");
}
