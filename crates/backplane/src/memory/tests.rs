use std::sync::Arc;
use std::time::Duration;

use policy::conformance::{self, Pair};

use super::*;

fn pair() -> Pair {
    let memory = Arc::new(Memory::new());
    let beyond_capacity = u64::try_from(CAPACITY).unwrap() + 10;
    Pair { publisher: Arc::<Memory>::clone(&memory), feed: memory, beyond_capacity }
}

/// One test per case of the suite, each with a deadline.
macro_rules! conforms {
    ($($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            tokio::time::timeout(Duration::from_secs(10), conformance::$case(pair())).await.unwrap().unwrap();
        })*
    };
}

conforms! {
    messages_arrive_in_order
    a_late_follower_sees_only_what_comes_after
    a_slow_follower_is_told_that_it_lagged
    two_followers_both_see_everything
    a_heartbeat_is_carried
    nobody_listening_is_no_error
}

#[tokio::test]
async fn the_stream_ends_when_the_channel_is_dropped() {
    let memory = Memory::new();
    let clone = memory.clone();
    let mut messages = memory.follow().await.unwrap();
    drop(memory);
    clone.publish(PolicyMessage::Lagged).await.unwrap();
    assert_eq!(messages.next().await, Some(PolicyMessage::Lagged));
    drop(clone);
    assert_eq!(messages.next().await, None);
}
