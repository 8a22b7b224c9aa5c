//! The push of policy over a Redis that is there.

use std::sync::Arc;
use std::time::Duration;

use policy::conformance::{self, Pair};
use policy::feed::{Heartbeat, PolicyFeed, PolicyMessage, PolicyPublisher};

use crate::server::{Server, next};

fn pair(server: &Server) -> Pair {
    // Two processes, as it were; far more messages than a follower is kept, since they arrive while others are sent.
    Pair { publisher: Arc::new(server.redis()), feed: Arc::new(server.redis()), beyond_capacity: 3_000 }
}

pub(crate) fn heartbeat(platform: u64) -> PolicyMessage {
    PolicyMessage::Heartbeat(Heartbeat { epoch: 1, orgs: 2, revisions: 3, platform })
}

/// One test per case of the suite, each with a server and a deadline.
macro_rules! conforms {
    ($($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let server = Server::start();
            let case = conformance::$case(pair(&server));
            tokio::time::timeout(Duration::from_secs(20), case).await.unwrap().unwrap();
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
async fn that_messages_were_lost_can_be_published() {
    let server = Server::start();
    let mut messages = server.redis().follow().await.unwrap();
    server.redis().publish(PolicyMessage::Lagged).await.unwrap();
    server.redis().publish(heartbeat(1)).await.unwrap();
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn a_body_that_is_not_understood_counts_as_lost_and_stops_nothing() {
    let server = Server::start();
    let mut messages = server.redis().follow().await.unwrap();
    assert_eq!(server.tell(&[b"PUBLISH", b"test:policy:v1", b"\xff\x00\xff"]), ":1");
    server.redis().publish(heartbeat(1)).await.unwrap();
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn another_prefix_hears_nothing() {
    let server = Server::start();
    let mut messages = server.redis().follow().await.unwrap();
    assert_eq!(server.tell(&[b"PUBLISH", b"other:policy:v1", b""]), ":0");
    server.redis().publish(heartbeat(1)).await.unwrap();
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    let server = Server::start();
    let redis = server.redis();
    let messages = redis.follow().await.unwrap();
    assert_eq!(subscribers(&server), 1);
    drop(messages);
    let closed = async {
        while subscribers(&server) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
}

fn subscribers(server: &Server) -> usize {
    server.say("CLIENT LIST TYPE pubsub").matches("cmd=subscribe").count()
}
