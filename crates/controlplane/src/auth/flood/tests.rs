use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

#[test]
fn the_sixth_try_in_a_minute_is_refused_and_told_when_to_come_back() {
    let guard = AccountGuard::default();
    for second in 0..5 {
        guard.count("ada@example.com", at(1_000 + second)).unwrap();
    }
    let refused = guard.count("ada@example.com", at(1_010)).unwrap_err();
    assert_eq!(refused.to_string(), "too many tries; wait 50 s");
    assert!(guard.count("grace@example.com", at(1_010)).is_ok(), "others are not held up");
    assert!(guard.count("ada@example.com", at(1_060)).is_ok());
}

#[test]
fn a_right_password_forgives_the_wrong_ones() {
    let guard = AccountGuard::default();
    for _ in 0..5 {
        guard.count("ada@example.com", at(1_000)).unwrap();
    }
    guard.forgive("ada@example.com");
    assert!(guard.count("ada@example.com", at(1_001)).is_ok());
}

#[test]
fn what_is_remembered_is_bounded() {
    let guard = AccountGuard::default();
    for n in 0..=ACCOUNTS {
        guard.count(&format!("{n}@example.com"), at(i64::try_from(n).unwrap())).unwrap();
    }
    let remembered = guard.tries.lock();
    assert_eq!(remembered.len(), ACCOUNTS);
    assert!(!remembered.contains_key(&digest("0@example.com")), "the one tried longest ago was forgotten");
}
