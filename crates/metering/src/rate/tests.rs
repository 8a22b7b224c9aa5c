use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_000_020_000);

fn key(number: u128) -> RateSubject {
    RateSubject::Key(KeyId::new(NOON, number))
}

/// Takes until it is refused, with a source that grants up to `limit`; answers how many were admitted.
fn admitted(book: &mut RateBook, limit: u32, now: Timestamp, mut left: u32) -> u32 {
    let mut count = 0;
    loop {
        match book.take(key(1), limit, 1, now) {
            Rated::Admitted => count += 1,
            Rated::NeedsSlice { minute, want } => {
                let granted = want.min(left);
                left -= granted;
                book.granted(key(1), minute, want, granted);
            }
            Rated::Refused(_) => return count,
        }
    }
}

#[test]
fn exactly_the_limit_is_admitted_in_a_minute() {
    for limit in [1, 7, 60, 1_000] {
        assert_eq!(admitted(&mut RateBook::default(), limit, NOON, limit), limit);
    }
}

#[test]
fn the_next_minute_begins_anew() {
    let mut book = RateBook::default();
    assert_eq!(admitted(&mut book, 5, NOON, 5), 5);
    let Rated::Refused(resets_at) = book.take(key(1), 5, 1, NOON) else { panic!("the limit is used up") };
    assert_eq!(admitted(&mut book, 5, resets_at, 5), 5);
}

#[test]
fn keys_do_not_share_a_limit() {
    let mut book = RateBook::default();
    assert_eq!(admitted(&mut book, 5, NOON, 5), 5);
    assert!(matches!(book.take(key(2), 5, 1, NOON), Rated::NeedsSlice { .. }));
}

#[test]
fn without_a_source_nodes_share_the_limit_and_exceed_it_by_less_than_one_each() {
    let (limit, nodes) = (10, 3);
    let mut sum = 0;
    for _ in 0..nodes {
        let mut book = RateBook::default();
        let Rated::NeedsSlice { minute, .. } = book.take(key(1), limit, 1, NOON) else {
            panic!("nothing is held")
        };
        book.alone(key(1), minute, limit, nodes);
        sum += admitted(&mut book, limit, NOON, 0);
    }
    assert!((limit..limit + nodes).contains(&sum), "{sum}");
}

#[test]
fn a_slice_of_a_minute_that_is_over_is_not_used() {
    let mut book = RateBook::default();
    let Rated::NeedsSlice { minute, want } = book.take(key(1), 5, 1, NOON) else { panic!("nothing is held") };
    let later = NOON.plus_seconds(60);
    assert!(matches!(book.take(key(1), 5, 1, later), Rated::NeedsSlice { .. }));
    book.granted(key(1), minute, want, want);
    assert!(matches!(book.take(key(1), 5, 1, later), Rated::NeedsSlice { .. }));
}

#[test]
fn many_requests_without_a_source_add_the_share_once() {
    let mut book = RateBook::default();
    let Rated::NeedsSlice { minute, .. } = book.take(key(1), 10, 1, NOON) else { panic!("nothing is held") };
    for _ in 0..5 {
        book.alone(key(1), minute, 10, 2);
    }
    assert_eq!(admitted(&mut book, 10, NOON, 10), 5);
}

#[test]
fn what_was_granted_before_the_source_went_away_is_part_of_the_share() {
    let (limit, mut book) = (100, RateBook::default());
    let Rated::NeedsSlice { minute, want } = book.take(key(1), limit, 1, NOON) else {
        panic!("nothing is held")
    };
    book.granted(key(1), minute, want, want);
    book.alone(key(1), minute, limit, 4);
    assert_eq!(admitted(&mut book, limit, NOON, 0), 25);
}

#[test]
fn a_raised_limit_is_asked_for_in_the_same_minute() {
    let mut book = RateBook::default();
    assert_eq!(admitted(&mut book, 5, NOON, 5), 5);
    assert_eq!(admitted(&mut book, 8, NOON, 3), 3);
    assert!(matches!(book.take(key(1), 8, 1, NOON), Rated::Refused(_)));
}

#[test]
fn a_request_that_read_the_clock_just_before_the_minute_ended_drops_nothing() {
    let mut book = RateBook::default();
    let Rated::NeedsSlice { minute, .. } = book.take(key(1), 5, 1, NOON) else { panic!("nothing is held") };
    book.granted(key(1), minute, 2, 2);
    assert_eq!(book.take(key(1), 5, 1, NOON.plus_seconds(-1)), Rated::Admitted);
    assert_eq!(book.take(key(1), 5, 1, NOON), Rated::Admitted);
}

#[test]
fn a_clock_that_was_ahead_and_is_set_back_refuses_nobody() {
    let mut book = RateBook::default();
    assert_eq!(admitted(&mut book, 5, NOON.plus_seconds(3_600), 5), 5);
    assert!(matches!(book.take(key(1), 5, 1, NOON), Rated::NeedsSlice { .. }));
}

#[test]
fn only_keys_of_the_current_minute_are_remembered() {
    let mut book = RateBook::default();
    for number in 0..1_000 {
        book.take(key(number), 5, 1, NOON);
    }
    book.take(key(1), 5, 1, NOON.plus_seconds(60));
    assert_eq!(book.subjects.len(), 1);
}

#[test]
fn tokens_are_counted_when_they_are_known_and_what_no_slice_covered_is_made_good_first() {
    let (limit, mut book) = (1_000, RateBook::default());
    let Rated::NeedsSlice { minute, want } = book.take(key(1), limit, 0, NOON) else {
        panic!("nothing is held")
    };
    book.granted(key(1), minute, want, want);
    assert_eq!(want, 50);
    assert_eq!(book.take(key(1), limit, 0, NOON), Rated::Admitted);
    assert_eq!(book.take(key(1), limit, 0, NOON), Rated::Admitted, "nothing is known to be used yet");
    book.spend(key(1), 700, NOON);
    let Rated::NeedsSlice { want, .. } = book.take(key(1), limit, 0, NOON) else { panic!("650 too many") };
    assert_eq!(want, 651);
    book.granted(key(1), minute, want, want);
    assert_eq!(book.take(key(1), limit, 0, NOON), Rated::Admitted);
    book.spend(key(1), 1_000, NOON);
    let Rated::NeedsSlice { want, .. } = book.take(key(1), limit, 0, NOON) else { panic!("it is overdrawn") };
    book.granted(key(1), minute, want, 299);
    assert!(matches!(book.take(key(1), limit, 0, NOON), Rated::Refused(_)), "the limit is used up");
    assert!(matches!(book.take(key(1), limit, 0, NOON.plus_seconds(60)), Rated::NeedsSlice { want: 50, .. }));
}
