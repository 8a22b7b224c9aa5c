use std::future::{pending, ready};

use super::*;

const LONG: Duration = Duration::from_secs(3600);

fn drains(most: usize, longest: Duration) -> Drains {
    Drains::new(most, longest, ["ours".to_owned()])
}

#[tokio::test]
async fn only_who_bills_on_is_read_on() {
    let drains = drains(4, LONG);
    assert!(drains.begin("groq").is_some() && drains.begin("ours").is_some());
    assert!(drains.begin("openai").is_none());
}

#[tokio::test]
async fn there_are_never_more_than_the_most() {
    let drains = drains(2, LONG);
    let (first, _second) = (drains.begin("groq"), drains.begin("groq"));
    assert!(drains.begin("groq").is_none());
    drop(first);
    assert!(drains.begin("groq").is_some());
}

#[tokio::test]
async fn one_ends_when_its_time_is_up() {
    let drain = drains(1, Duration::from_millis(5)).begin("groq").expect("a place");
    assert_eq!(drain.within(ready(1)).await, Some(1));
    assert_eq!(drain.within(pending::<()>()).await, None);
}

#[tokio::test]
async fn all_end_when_the_process_is_asked_to() {
    let drains = drains(1, LONG);
    let drain = drains.begin("groq").expect("a place");
    let (waited, ()) = tokio::join!(drain.within(pending::<()>()), async { drains.end() });
    drop(drain);
    assert!(waited.is_none() && drains.begin("groq").is_none());
}
