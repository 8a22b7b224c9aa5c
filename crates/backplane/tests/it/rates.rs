//! What is counted together over a Redis that is there.

use domain::KeyId;
use metering::rate::{RateSource, RateSubject, SharedCounter, conformance};

use crate::server::{Server, eventually};

#[tokio::test]
async fn slices_over_redis_conform() {
    let server = Server::start();
    conformance::rates(&server.redis()).await.unwrap();
}

#[tokio::test]
async fn two_nodes_share_one_limit() {
    let server = Server::start();
    let (one, other) = (server.redis(), server.redis());
    let key = RateSubject::Key(KeyId::from_bits(1));
    assert_eq!(one.slice(key, 7, 10, 6).await.unwrap(), 6);
    assert_eq!(other.slice(key, 7, 10, 6).await.unwrap(), 4);
}

#[tokio::test]
async fn a_slice_is_forgotten_two_minutes_later() {
    let server = Server::start();
    let key = RateSubject::Key(KeyId::from_bits(1));
    server.redis().slice(key, 7, 10, 6).await.unwrap();
    let left = server.say(&format!("TTL test:rate:{key}:7"));
    assert!((110..=120).contains(&left.trim_start_matches(':').parse::<u32>().unwrap()), "{left}");
}

#[tokio::test]
async fn tries_are_counted_over_all_processes() {
    let server = Server::start();
    let (one, other) = (server.redis(), server.redis());
    assert_eq!(one.count("somebody", 60).await.unwrap(), 1);
    assert_eq!(other.count("somebody", 60).await.unwrap(), 2);
    assert_eq!(other.count("somebody else", 60).await.unwrap(), 1);
    one.forget("somebody").await.unwrap();
    assert_eq!(other.count("somebody", 60).await.unwrap(), 1);
}

#[tokio::test]
async fn the_first_try_decides_when_all_are_forgotten() {
    let server = Server::start();
    let redis = server.redis();
    redis.count("somebody", 100).await.unwrap();
    server.say("EXPIRE test:count:somebody 50");
    redis.count("somebody", 100).await.unwrap();
    let left = server.say("TTL test:count:somebody");
    assert!((40..=50).contains(&left.trim_start_matches(':').parse::<u32>().unwrap()), "{left}");
    redis.count("other", 1).await.unwrap();
    eventually("the second has passed", || server.say("GET test:count:other") == "$-1");
}

#[tokio::test]
async fn losing_all_data_harms_nobody() {
    let server = Server::start();
    let (redis, key) = (server.redis(), RateSubject::Key(KeyId::from_bits(1)));
    assert_eq!(redis.slice(key, 7, 10, 10).await.unwrap(), 10);
    redis.count("somebody", 60).await.unwrap();
    assert_eq!(server.say("FLUSHALL"), "+OK");
    assert_eq!(server.say("SCRIPT FLUSH"), "+OK");
    assert_eq!(redis.slice(key, 7, 10, 10).await.unwrap(), 10);
    assert_eq!(redis.count("somebody", 60).await.unwrap(), 1);
}
