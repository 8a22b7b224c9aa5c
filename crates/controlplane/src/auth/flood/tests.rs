use async_trait::async_trait;
use metering::rate::RateError;

use super::*;

/// What control planes count together; its window never ends.
#[derive(Default)]
struct Together {
    counts: Mutex<HashMap<String, u64>>,
    is_away: Mutex<bool>,
}

impl Together {
    fn answers(&self) -> Result<(), RateError> {
        if *self.is_away.lock() { Err(RateError("away".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl SharedCounter for Together {
    async fn count(&self, name: &str, window_s: u32) -> Result<u64, RateError> {
        self.answers()?;
        assert_eq!(window_s, SPAN_SECONDS);
        let mut counts = self.counts.lock();
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn forget(&self, name: &str) -> Result<(), RateError> {
        self.answers()?;
        self.counts.lock().remove(name);
        Ok(())
    }
}

/// Two control planes that count together.
fn two() -> ([AccountGuard; 2], Arc<Together>) {
    let together = Arc::new(Together::default());
    ([0, 1].map(|_| AccountGuard::new(Some(together.clone()))), together)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

#[tokio::test]
async fn the_sixth_try_in_a_minute_is_refused_and_told_when_to_come_back() {
    let guard = AccountGuard::default();
    for second in 0..5 {
        guard.count("ada@example.com", at(1_000 + second)).await.unwrap();
    }
    let refused = guard.count("ada@example.com", at(1_010)).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many tries; wait 50 s");
    assert!(guard.count("grace@example.com", at(1_010)).await.is_ok(), "others are not held up");
    assert!(guard.count("ada@example.com", at(1_060)).await.is_ok());
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones() {
    let guard = AccountGuard::default();
    for _ in 0..5 {
        guard.count("ada@example.com", at(1_000)).await.unwrap();
    }
    guard.forgive("ada@example.com").await;
    assert!(guard.count("ada@example.com", at(1_001)).await.is_ok());
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let guard = AccountGuard::default();
    for n in 0..=ACCOUNTS {
        guard.count(&format!("{n}@example.com"), at(i64::try_from(n).unwrap())).await.unwrap();
    }
    let remembered = guard.tries.lock();
    assert_eq!(remembered.len(), ACCOUNTS);
    assert!(!remembered.contains_key(&digest("0@example.com")), "the one tried longest ago was forgotten");
}

#[tokio::test]
async fn tries_spread_over_control_planes_count_as_one() {
    let ([one, two], together) = two();
    for turn in 0..5 {
        let guard = if turn % 2 == 0 { &one } else { &two };
        guard.count("ada@example.com", at(1_000)).await.unwrap();
    }
    for guard in [&one, &two] {
        let refused = guard.count("ada@example.com", at(1_001)).await.unwrap_err();
        assert_eq!(refused.to_string(), "too many tries; wait 60 s");
    }
    assert!(one.count("grace@example.com", at(1_001)).await.is_ok(), "others are not held up");
    assert!(together.counts.lock().keys().all(|name| !name.contains("example")), "nobody's address is told");
}

#[tokio::test]
async fn a_right_password_at_one_control_plane_forgives_what_all_counted() {
    let ([one, two], _together) = two();
    for _ in 0..4 {
        one.count("ada@example.com", at(1_000)).await.unwrap();
    }
    two.count("ada@example.com", at(1_000)).await.unwrap();
    two.forgive("ada@example.com").await;
    assert!(two.count("ada@example.com", at(1_001)).await.is_ok());
    assert!(one.count("ada@example.com", at(1_001)).await.is_ok());
}

#[tokio::test]
async fn what_is_counted_together_and_away_neither_opens_nor_locks() {
    let ([one, _], together) = two();
    *together.is_away.lock() = true;
    for _ in 0..5 {
        one.count("ada@example.com", at(1_000)).await.unwrap();
    }
    assert!(one.count("ada@example.com", at(1_001)).await.is_err(), "its own count holds");
    one.forgive("ada@example.com").await;
    assert!(one.count("ada@example.com", at(1_002)).await.is_ok());
}
