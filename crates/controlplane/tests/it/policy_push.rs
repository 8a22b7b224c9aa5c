//! What is committed is published: changes, the platform, heartbeats.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use controlplane::Source;
use controlplane::publish::{Publisher, run};
use domain::org::Org;
use domain::{Clock, OrgId};
use parking_lot::Mutex;
use policy::feed::{FeedError, OrgUpdate, PolicyMessage, PolicyPublisher, PolicySource, Wanted};
use policy::record::{ObjectRef, OrgChange};
use policy::{Outcome, SnapshotCell};
use store::Author;
use tokio::sync::mpsc;

use crate::world::World;

/// Collects what is published, but for the changes of organizations it is told to refuse.
struct Collector {
    sent: mpsc::UnboundedSender<PolicyMessage>,
    refuses: Mutex<Option<OrgId>>,
}

#[async_trait]
impl PolicyPublisher for Collector {
    async fn publish(&self, message: PolicyMessage) -> Result<(), FeedError> {
        let refused = *self.refuses.lock();
        if matches!(&message, PolicyMessage::Change(change) if Some(change.org) == refused) {
            return Err(FeedError("refused".to_owned()));
        }
        self.sent.send(message).map_err(|error| FeedError(error.to_string()))
    }
}

fn publisher(world: &World) -> (Publisher, Arc<Collector>, mpsc::UnboundedReceiver<PolicyMessage>) {
    let (sent, received) = mpsc::unbounded_channel();
    let collector = Arc::new(Collector { sent, refuses: Mutex::new(None) });
    let deps = &world.deps;
    let feed = Arc::clone(&collector) as Arc<dyn PolicyPublisher>;
    (Publisher::new(deps.store.clone(), feed, deps.clock.clone(), deps.metrics.clone()), collector, received)
}

fn changes(received: &mut mpsc::UnboundedReceiver<PolicyMessage>) -> Vec<OrgChange> {
    let messages = std::iter::from_fn(|| received.try_recv().ok());
    messages
        .filter_map(|message| if let PolicyMessage::Change(change) = message { Some(change) } else { None })
        .collect()
}

async fn revision(world: &World, org: OrgId) -> u64 {
    let index = Source::new(world.deps.store.clone()).index().await.unwrap();
    index.into_iter().find(|(id, _)| *id == org).unwrap().1
}

#[tokio::test]
async fn a_change_is_published_once_with_the_objects_it_touched() {
    let world = World::new().await;
    let (mut publisher, _, mut received) = publisher(&world);
    publisher.publish_dirty().await.unwrap();
    changes(&mut received);
    let before = revision(&world, world.org).await;
    let team = world.team("Search").await;
    publisher.publish_dirty().await.unwrap();
    publisher.publish_dirty().await.unwrap();
    let published = changes(&mut received);
    let [change] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!((change.org, change.previous, change.revision), (world.org, before, before + 1));
    let touched: Vec<_> = change.put.iter().map(policy::record::OrgObject::reference).collect();
    assert_eq!(touched, [ObjectRef::Team(team.parse().unwrap())]);
}

#[tokio::test]
async fn what_could_not_be_sent_is_sent_later_in_one_piece() {
    let world = World::new().await;
    let (mut publisher, collector, mut received) = publisher(&world);
    publisher.publish_dirty().await.unwrap();
    changes(&mut received);
    let before = revision(&world, world.org).await;
    *collector.refuses.lock() = Some(world.org);
    world.team("One").await;
    publisher.publish_dirty().await.unwrap_err();
    world.team("Two").await;
    *collector.refuses.lock() = None;
    publisher.publish_dirty().await.unwrap();
    let published = changes(&mut received);
    let [change] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!((change.previous, change.revision, change.put.len()), (before, before + 2, 2));
}

#[tokio::test]
async fn an_organization_that_cannot_be_published_holds_up_no_other() {
    let world = World::new().await;
    let (mut publisher, collector, mut received) = publisher(&world);
    let now = world.clock.now();
    let other = Org { id: OrgId::new(now, 1), name: "Other".to_owned() };
    world.deps.store.create_org(&other, Author::system(), now).await.unwrap().commit().await.unwrap();
    for (refused, published) in [(world.org, other.id), (other.id, world.org)] {
        *collector.refuses.lock() = Some(refused);
        publisher.publish_dirty().await.unwrap_err();
        let orgs: Vec<OrgId> = changes(&mut received).iter().map(|change| change.org).collect();
        assert_eq!(orgs, [published]);
        world.team("Again").await;
        let mut tx = world.deps.store.scope(other.id).begin(Author::system(), now).await.unwrap();
        tx.update_org(&other).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_heartbeat_is_the_sum_of_what_the_source_says() {
    let world = World::new().await;
    let (publisher, _, mut received) = publisher(&world);
    publisher.heartbeat().await.unwrap();
    let Some(PolicyMessage::Heartbeat(beat)) = received.recv().await else { panic!("no heartbeat") };
    let source = Source::new(world.deps.store.clone());
    let platform = source.platform().await.unwrap();
    assert_eq!((beat.epoch, beat.platform), (platform.epoch, platform.revision));
    assert_eq!((beat.orgs, beat.revisions), (1, revision(&world, world.org).await));
    let nobody = OrgId::from_bits(0);
    let updates = source.orgs(&[Wanted { org: nobody, held: None }]).await.unwrap();
    assert_eq!(updates, [OrgUpdate::Gone(nobody)]);
}

/// Takes over a message as a node does: after a gap it asks.
async fn follow(world: &World, cell: &SnapshotCell, message: PolicyMessage) {
    if !matches!(cell.apply(message), Outcome::Gap(_) | Outcome::Behind) {
        return;
    }
    let held = cell.load().unwrap().org(world.org).map(policy::OrgPolicy::version);
    let updates =
        Source::new(world.deps.store.clone()).orgs(&[Wanted { org: world.org, held }]).await.unwrap();
    for update in updates {
        match update {
            OrgUpdate::Whole(records) => cell.apply_org(records),
            OrgUpdate::Change(change) => cell.apply_change(change),
            OrgUpdate::Gone(_) => panic!("gone"),
        };
    }
}

#[tokio::test]
async fn control_planes_that_publish_at_once_and_late_heartbeats_do_no_harm() {
    let world = World::new().await;
    let (mut one, _, mut ones) = publisher(&world);
    let (mut two, _, mut twos) = publisher(&world);
    let cell = SnapshotCell::new();
    let source = Source::new(world.deps.store.clone());
    let whole = world.deps.store.load_records(world.org).await.unwrap().unwrap();
    cell.install(source.platform().await.unwrap(), vec![whole]);
    one.heartbeat().await.unwrap();
    let late = ones.try_recv().unwrap();
    for team in ["One", "Two", "Three"] {
        world.team(team).await;
        let (first, second) = tokio::join!(one.publish_dirty(), two.publish_dirty());
        first.unwrap();
        second.unwrap();
    }
    assert!(world.deps.store.dirty_orgs().await.unwrap().is_empty());
    let held = || cell.load().unwrap().org(world.org).unwrap().version().revision;
    let mut before = held();
    for received in [&mut twos, &mut ones] {
        while let Ok(message) = received.try_recv() {
            follow(&world, &cell, message).await;
            assert!(held() >= before);
            before = held();
        }
    }
    assert_eq!(held(), revision(&world, world.org).await);
    follow(&world, &cell, late).await;
    assert_eq!(held(), revision(&world, world.org).await, "an older heartbeat takes nothing back");
    two.heartbeat().await.unwrap();
    assert_eq!(cell.apply(twos.try_recv().unwrap()), Outcome::InStep);
}

#[tokio::test]
async fn a_mutation_wakes_the_publisher() {
    let world = World::new().await;
    let (publisher, _, mut received) = publisher(&world);
    let deps = world.deps.clone();
    deps.tasks.spawn(run(publisher, Arc::clone(&deps.committed), deps.shutdown.clone()));
    let team: domain::TeamId = world.team("Search").await.parse().unwrap();
    let seen = async {
        loop {
            let message = received.recv().await.unwrap();
            let PolicyMessage::Change(change) = message else { continue };
            if change.put.iter().any(|object| object.reference() == ObjectRef::Team(team)) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), seen).await.unwrap();
    world.deps.shutdown.cancel();
    world.deps.tasks.close();
    tokio::time::timeout(Duration::from_secs(10), world.deps.tasks.wait()).await.unwrap();
}
