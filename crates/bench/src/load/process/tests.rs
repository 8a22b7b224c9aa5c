use std::time::Duration;

use super::{Process, ticks};

#[test]
fn user_and_system_time_are_added_whatever_the_name() {
    let stat = "17 (a) S (b c)) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0";
    assert_eq!(ticks(stat), Some(150));
}

#[test]
fn work_shows_in_the_cpu_of_its_process() {
    let me = Process::of(std::process::id());
    let before = me.cpu().unwrap();
    let mut sum = 0_u64;
    let began = std::time::Instant::now();
    while me.cpu().unwrap() < before + Duration::from_millis(50) {
        assert!(began.elapsed() < Duration::from_secs(30), "no CPU was counted ({sum})");
        sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
    }
    assert!(me.memory_kib().unwrap() > 0);
}

#[test]
fn a_process_that_is_gone_is_an_error() {
    assert!(Process::of(u32::MAX).cpu().is_err());
}
