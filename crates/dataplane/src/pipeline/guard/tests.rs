use super::*;

fn exactly(tokens: u64) -> Counted {
    Counted { tokens, source: UsageSource::Counted }
}

fn about(tokens: u64) -> Counted {
    Counted { tokens, source: UsageSource::Estimated }
}

#[test]
fn a_stream_within_its_cap_is_never_counted() {
    let guard = Guard::new(Some(100));
    assert!(!guard.is_due(100) && guard.is_due(101));
    assert!(!Guard::new(None).is_due(u64::MAX));
}

#[test]
fn long_words_are_counted_and_go_on_until_they_may_be_beyond() {
    let mut guard = Guard::new(Some(100));
    assert_eq!(guard.judge(101, exactly(50)), Verdict::Within);
    assert!(!guard.is_due(202) && guard.is_due(302));
}

#[test]
fn more_than_the_cap_has_to_be_reserved_for() {
    let mut guard = Guard::new(Some(100));
    assert_eq!(guard.judge(101, exactly(101)), Verdict::Beyond { tokens: 126, is_certain: true });
    guard.raised(126);
    assert!(!guard.is_due(126) && guard.is_due(127));
}

#[test]
fn a_stream_does_not_end_by_a_guess() {
    let mut guard = Guard::new(Some(100));
    let Verdict::Beyond { is_certain, .. } = guard.judge(150, about(150)) else { panic!("beyond") };
    assert!(!is_certain && !guard.is_due(180) && guard.is_due(200));
    let Verdict::Beyond { is_certain, .. } = guard.judge(210, about(210)) else { panic!("beyond") };
    assert!(is_certain);
}
