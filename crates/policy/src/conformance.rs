//! What any pair of [`PolicyPublisher`] and [`PolicyFeed`], and any [`PolicySource`], must do (feature `conformance`).
//!
//! Invariant: the same bodies for every adapter; a case needs nothing but a fresh pair. An adapter's test gives each
//! case a deadline, since a message that never comes would be waited for for ever.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::OrgId;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::feed::{
    FeedError, Heartbeat, OrgUpdate, PolicyFeed, PolicyMessage, PolicyPublisher, PolicySource, Wanted,
};
use crate::record::{OrgChange, OrgRecords};
use crate::snapshot::Version;

/// A publisher and a feed of one fresh backplane.
pub struct Pair {
    /// Where messages go in.
    pub publisher: Arc<dyn PolicyPublisher>,
    /// Where they come out.
    pub feed: Arc<dyn PolicyFeed>,
    /// More messages than a follower that reads nothing is kept.
    pub beyond_capacity: u64,
}

/// Messages arrive whole, in the order they were published.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn messages_arrive_in_order(pair: Pair) -> Result<(), FeedError> {
    let mut messages = pair.feed.follow().await?;
    for revision in 1..=3 {
        pair.publisher.publish(change(revision)).await?;
    }
    expect(&mut messages, 1..=3).await;
    Ok(())
}

/// A late follower sees only what comes after it, and so must load.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn a_late_follower_sees_only_what_comes_after(pair: Pair) -> Result<(), FeedError> {
    pair.publisher.publish(change(1)).await?;
    let mut messages = pair.feed.follow().await?;
    pair.publisher.publish(change(2)).await?;
    expect(&mut messages, 2..=2).await;
    Ok(())
}

/// A slow follower is told that it lost messages and sees the newest; the publisher does not wait for it.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn a_slow_follower_is_told_that_it_lagged(pair: Pair) -> Result<(), FeedError> {
    let mut messages = pair.feed.follow().await?;
    let last = pair.beyond_capacity;
    for revision in 1..=last {
        pair.publisher.publish(change(revision)).await?;
    }
    let (mut seen, mut lagged) = (0, false);
    while seen < last {
        match messages.next().await {
            Some(PolicyMessage::Lagged) => lagged = true,
            Some(PolicyMessage::Change(change)) => {
                assert!(
                    change.revision == seen + 1 || lagged,
                    "lost {} to {}, unsaid",
                    seen + 1,
                    change.revision
                );
                assert!(change.revision > seen, "in order");
                seen = change.revision;
            }
            other => assert_eq!(other, Some(change(last)), "nothing else was published"),
        }
    }
    assert!(lagged, "{last} messages are more than a follower is kept");
    Ok(())
}

/// Two followers both see everything, and one that leaves takes nothing from the other.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn two_followers_both_see_everything(pair: Pair) -> Result<(), FeedError> {
    let mut one = pair.feed.follow().await?;
    let mut other = pair.feed.follow().await?;
    for revision in 1..=3 {
        pair.publisher.publish(change(revision)).await?;
    }
    expect(&mut one, 1..=3).await;
    drop(one);
    pair.publisher.publish(change(4)).await?;
    expect(&mut other, 1..=4).await;
    Ok(())
}

/// A heartbeat is carried between changes.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn a_heartbeat_is_carried(pair: Pair) -> Result<(), FeedError> {
    let mut messages = pair.feed.follow().await?;
    let heartbeat =
        PolicyMessage::Heartbeat(Heartbeat { epoch: 1, orgs: 2, revisions: u64::MAX, platform: 4 });
    pair.publisher.publish(heartbeat.clone()).await?;
    pair.publisher.publish(change(1)).await?;
    assert_eq!(messages.next().await, Some(heartbeat));
    expect(&mut messages, 1..=1).await;
    Ok(())
}

/// Nobody listening is no error.
///
/// # Errors
/// [`FeedError`] from the pair.
pub async fn nobody_listening_is_no_error(pair: Pair) -> Result<(), FeedError> {
    pair.publisher.publish(change(1)).await?;
    drop(pair.feed.follow().await?);
    pair.publisher.publish(change(2)).await
}

async fn expect(messages: &mut BoxStream<'static, PolicyMessage>, revisions: std::ops::RangeInclusive<u64>) {
    for revision in revisions {
        assert_eq!(messages.next().await, Some(change(revision)));
    }
}

fn change(revision: u64) -> PolicyMessage {
    let previous = revision.saturating_sub(1);
    let org = OrgId::from_bits(1);
    PolicyMessage::Change(OrgChange {
        epoch: 1,
        org,
        revision,
        previous,
        put: Vec::new(),
        removed: Vec::new(),
    })
}

/// What any [`PolicySource`] must do, whichever organizations it holds; `missing` is none of them.
///
/// # Errors
/// [`FeedError`] from the source.
pub async fn source(source: &dyn PolicySource, missing: OrgId) -> Result<(), FeedError> {
    let index = source.index().await?;
    let ids: BTreeSet<OrgId> = index.iter().map(|(org, _)| *org).collect();
    assert_eq!(ids.len(), index.len(), "each organization once");
    assert!(!ids.contains(&missing) && !ids.is_empty(), "a suite about nothing");
    assert_eq!(source.orgs(&[]).await?, [], "nothing asked, nothing answered");

    let mut wanted: Vec<_> = ids.into_iter().map(|org| Wanted { org, held: None }).collect();
    wanted.push(Wanted { org: missing, held: None });
    let mut left = wanted.as_slice();
    while !left.is_empty() {
        let updates = source.orgs(left).await?;
        assert!((1..=left.len()).contains(&updates.len()), "{} answers to {}", updates.len(), left.len());
        let (now, later) = left.split_at(updates.len());
        for (wanted, update) in now.iter().zip(updates) {
            match update {
                OrgUpdate::Whole(records) => {
                    assert_eq!(records.org, wanted.org, "in the order they were asked for");
                    let indexed = index.iter().find(|(org, _)| *org == records.org);
                    assert!(indexed.is_some_and(|(_, revision)| records.revision >= *revision));
                    newer_than_what_is_held(source, &records).await?;
                }
                other => assert_eq!(other, OrgUpdate::Gone(missing), "all of it, where nothing is held"),
            }
        }
        left = later;
    }
    Ok(())
}

/// What is held, or is held of another epoch, is answered by what leads to `whole` or a newer revision.
async fn newer_than_what_is_held(source: &dyn PolicySource, whole: &OrgRecords) -> Result<(), FeedError> {
    let org = whole.org;
    for epoch in [whole.epoch, whole.epoch.wrapping_add(1)] {
        let held = Version { epoch, revision: whole.revision.saturating_sub(1) };
        match source.orgs(&[Wanted { org, held: Some(held) }]).await?.as_slice() {
            [OrgUpdate::Whole(records)] => {
                assert!(records.org == org && records.revision >= whole.revision);
            }
            [OrgUpdate::Change(change)] => {
                assert_eq!(epoch, whole.epoch, "there is no change from another epoch");
                assert!(change.org == org && change.revision >= whole.revision);
                assert_eq!((change.epoch, change.previous), (held.epoch, held.revision));
            }
            other => assert_eq!(other, [], "one answer about an organization that is there"),
        }
    }
    Ok(())
}
