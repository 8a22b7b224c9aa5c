use async_trait::async_trait;
use domain::time::SystemClock;
use domain::{Holder, Pico};
use futures::StreamExt;
use futures::stream::BoxStream;
use metering::memory::{MemoryJournal, MemoryLeases};
use metering::ports::{Record, ShipError, Shipment, UsageSink};
use metering::sample;
use parking_lot::Mutex;
use policy::feed::{Heartbeat, OrgUpdate, PolicyFeed, PolicySource, Wanted};
use policy::record::PlatformRecords;
use tokio_util::task::TaskTracker;

use super::*;
use crate::lease::Leases;
use crate::outstanding::Outstanding;

/// What the control plane was told, in its order.
#[derive(Default)]
struct Heard {
    said: Mutex<Vec<String>>,
    deaf: Mutex<bool>,
}

impl Heard {
    fn hears(&self, what: String) -> Result<(), String> {
        if *self.deaf.lock() {
            return Err("away".to_owned());
        }
        self.said.lock().push(what);
        Ok(())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock())
    }
}

#[async_trait]
impl Nodes for Heard {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        self.hears(format!("hello, journal at {}", hello.journal_end.0)).map_err(HelloError::Unreachable)?;
        Ok(Welcome { now: hello.now, freed: true })
    }
}

#[async_trait]
impl UsageSink for Heard {
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError> {
        self.hears(format!("{} events", shipment.events.len())).map_err(ShipError)
    }
}

#[async_trait]
impl Acks for Heard {
    async fn ack(&self, _: Holder, acks: Vec<Ack>, _: Option<Timestamp>) -> Result<Contact, FeedError> {
        let revisions: Vec<_> = acks.iter().map(|ack| ack.version.revision).collect();
        self.hears(format!("acks {revisions:?}")).map_err(FeedError)?;
        let heartbeat = Heartbeat { epoch: 1, orgs: 0, revisions: 0, platform: 1 };
        Ok(Contact { heartbeat, nodes: 3, now: SystemClock.now(), recalled: Vec::new() })
    }
}

#[async_trait]
impl PolicySource for Heard {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        Err(FeedError("not asked here".to_owned()))
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        Err(FeedError("not asked here".to_owned()))
    }

    async fn orgs(&self, _: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        Err(FeedError("not asked here".to_owned()))
    }
}

#[async_trait]
impl PolicyFeed for Heard {
    async fn follow(&self) -> Result<BoxStream<'static, PolicyMessage>, FeedError> {
        Ok(futures::stream::pending().boxed())
    }
}

struct World {
    heard: Arc<Heard>,
    journal: Arc<MemoryJournal>,
    cell: Arc<SnapshotCell>,
    member: Membership,
    _task: PolicyTask,
}

fn world() -> World {
    let (heard, journal, cell) =
        (Arc::new(Heard::default()), Arc::new(MemoryJournal::new()), Arc::new(SnapshotCell::new()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let shipper = Arc::new(Shipper {
        holder: sample::holder(1),
        journal: journal.clone(),
        sink: heard.clone(),
        outstanding: Arc::new(Outstanding::new(Arc::clone(&clock))),
        settled: Arc::default(),
        metrics: metrics.clone(),
    });
    let source = Arc::new(MemoryLeases::new(domain::Amount::ZERO));
    let leases = Leases::new(source, sample::holder(1), Duration::from_secs(1), TaskTracker::new());
    let task =
        PolicyTask::new(cell.clone(), heard.clone(), heard.clone(), Arc::new(leases), Arc::clone(&clock));
    let identity = Identity {
        name: "n".into(),
        version: "0".into(),
        boot: "b".into(),
        contact_every: Duration::from_secs(1),
    };
    let member = Membership::new(
        identity,
        (heard.clone(), heard.clone()),
        (shipper, journal.clone()),
        (clock, metrics),
        &task,
    );
    World { heard, journal, cell, member, _task: task }
}

fn install(cell: &SnapshotCell, revision: u64) {
    cell.install(PlatformRecords { epoch: 1, revision, ..policy::sample::platform() }, Vec::new());
}

#[tokio::test]
async fn hello_comes_after_everything_that_waited_was_committed() {
    let mut world = world();
    for number in 0..3 {
        let event = sample::answered(sample::attempt(number), Pico::new(1));
        world.journal.append(&Record::Settled(Arc::new(event))).unwrap();
    }
    *world.heard.deaf.lock() = true;
    assert!(world.member.introduce().await.is_err());
    *world.heard.deaf.lock() = false;
    world.member.introduce().await.unwrap();
    assert_eq!(world.heard.take(), ["3 events", "hello, journal at 3"]);
    assert!(world.journal.unshipped(9).unwrap().is_empty());
}

#[tokio::test]
async fn each_revision_is_told_once() {
    let mut world = world();
    install(&world.cell, 1);
    world.member.tell().await.unwrap();
    world.member.tell().await.unwrap();
    install(&world.cell, 2);
    world.member.tell().await.unwrap();
    assert_eq!(world.heard.take(), ["acks [1]", "acks []", "acks [2]"]);
    assert_eq!(world.member.peers().load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_control_plane_that_was_away_hears_hello_and_everything_again() {
    let mut world = world();
    install(&world.cell, 4);
    let mut introduced = false;
    world.member.turn(&mut introduced).await.unwrap();
    *world.heard.deaf.lock() = true;
    assert!(world.member.turn(&mut introduced).await.is_err());
    *world.heard.deaf.lock() = false;
    world.member.turn(&mut introduced).await.unwrap();
    let once = ["hello, journal at 0", "acks [4]"];
    assert_eq!(world.heard.take(), [once, once].concat());
}

#[tokio::test]
async fn a_heartbeat_of_something_else_sends_policy_to_the_source() {
    let mut world = world();
    install(&world.cell, 7);
    world.member.tell().await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(5), world.member.behind.notified()).await;
    assert!(told.is_ok(), "the heartbeat says revision 1, the node holds 7");
}
