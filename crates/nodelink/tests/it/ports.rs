//! Every port, by the same bodies in process and over the link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::{Amount, BudgetId, KeyId, OrgId, RequestId};
use metering::conformance::{self, Ledgers};
use metering::memory::MemoryLeases;
use metering::ports::{GenerationRequest, HelloError, KeyUsageRequest, LeaseSource, UsageSink};
use metering::sample;
use metering::usage::Draw;
use nodelink::client::Link;
use nodelink::server::ControlPlane;
use policy::Version;
use policy::feed::{Ack, CallOutcome};

use crate::world::{Heard, Memory, Serving, far, hello, link, plane, start, start_any, two_attempts};

/// Leases in memory, asked over the link.
struct Leases {
    memory: Arc<MemoryLeases>,
    made: AtomicU32,
    link: Link,
    _serving: Serving,
}

impl Leases {
    async fn new(lease: i128) -> Self {
        let memory = Arc::new(MemoryLeases::new(Amount::from_pico(lease)));
        let mut plane = plane(&Memory::new(), memory.clone());
        plane.sink = memory.clone();
        let serving = start(plane).await;
        Self { memory, made: AtomicU32::new(1), link: link(&[&serving.url]), _serving: serving }
    }
}

#[async_trait]
impl Ledgers for Leases {
    fn leases(&self) -> &dyn LeaseSource {
        &self.link
    }

    fn sink(&self) -> &dyn UsageSink {
        &self.link
    }

    async fn budget(&self, limit: Amount) -> (OrgId, Draw) {
        let number = u128::from(self.made.fetch_add(1, Ordering::SeqCst));
        let draw = sample::draw(number);
        self.memory.set_limit(draw, limit);
        (OrgId::new(sample::ADMITTED_AT, number), draw)
    }

    async fn remove(&self, _: OrgId, draw: Draw) {
        self.memory.remove(draw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_and_usage_conform_over_the_link() {
    for lease in [0, 64] {
        conformance::leases(&Leases::new(lease).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_port_does_the_same_in_process_and_over_the_link() {
    let memory = Memory::new();
    let near = plane(&memory, Arc::new(MemoryLeases::new(Amount::ZERO)));
    all_ports(&near, &memory).await;

    let memory = Memory::new();
    let serving = start(plane(&memory, Arc::new(MemoryLeases::new(Amount::ZERO)))).await;
    let far = far(Arc::new(link(&[&serving.url])));
    all_ports(&far, &memory).await;
}

async fn all_ports(ports: &ControlPlane, memory: &Memory) {
    policy::conformance::source(&*ports.source, OrgId::from_bits(99)).await.unwrap();
    assert_eq!(ports.source.platform().await.unwrap(), policy::sample::platform());
    what_is_said_arrives_whole(ports, memory).await;
    a_refusal_and_an_absence_stay_what_they_are(ports).await;
}

async fn what_is_said_arrives_whole(ports: &ControlPlane, memory: &Memory) {
    let holder = sample::holder(2);
    let welcome = ports.nodes.hello(hello("node")).await.unwrap();
    assert!(welcome.freed && welcome.now == sample::ADMITTED_AT.plus_seconds(1), "{welcome:?}");

    let version = Version { epoch: 1, revision: 7 };
    let refused = Some("the credential cannot be opened".to_owned());
    let acks = vec![
        Ack { org: None, version, refused: None },
        Ack { org: Some(OrgId::from_bits(1)), version, refused },
    ];
    let complete_to = Some(sample::ADMITTED_AT.plus_micros(7));
    let contact = ports.acks.ack(holder, acks.clone(), complete_to).await.unwrap();
    assert!(contact.nodes == 2 && contact.heartbeat.revisions == u64::MAX, "{contact:?}");

    let (org, key) = (OrgId::from_bits(1), KeyId::from_bits(2));
    let budgets = vec![BudgetId::from_bits(3)];
    let request = KeyUsageRequest { org, key, budgets, now: sample::ADMITTED_AT };
    let usage = ports.reads.key_usage(request.clone()).await.unwrap();
    assert_eq!(usage.month, Amount::from_pico(3));
    assert_eq!(usage.budgets.first().unwrap().1.limit, Amount::from_pico(10_i128.pow(24)));

    let known = GenerationRequest { org, request: RequestId::new(sample::ADMITTED_AT, 1) };
    assert_eq!(ports.reads.generation(known).await.unwrap(), two_attempts());
    let unknown = GenerationRequest { org, request: RequestId::new(sample::ADMITTED_AT, 2) };
    assert_eq!(ports.reads.generation(unknown).await.unwrap(), []);

    let problem = Some("no answer".to_owned());
    let done = vec![
        CallOutcome { id: 1, status: Some(200), models: vec!["a".to_owned()], problem: None },
        CallOutcome { id: 2, status: None, models: Vec::new(), problem },
    ];
    let calls = ports.calls.next(holder, done.clone()).await.unwrap();
    assert!(matches!(calls.as_slice(), [call] if call.id == u64::MAX && call.org.is_none()), "{calls:?}");

    let said = [
        Heard::Hello(hello("node")),
        Heard::Acks(holder, acks, complete_to),
        Heard::Read(request),
        Heard::Generation(known),
        Heard::Generation(unknown),
        Heard::Done(holder, done),
    ];
    assert_eq!(*memory.heard.lock(), said);
}

async fn a_refusal_and_an_absence_stay_what_they_are(ports: &ControlPlane) {
    let error = ports.nodes.hello(hello("stranger")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Refused(text) if text.contains("retired")), "{error}");
    let error = ports.nodes.hello(hello("early")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Unreachable(text) if text.contains("busy")), "{error}");
    let error = ports.acks.ack(sample::holder(99), Vec::new(), None).await.unwrap_err().to_string();
    assert!(error.contains("say hello"), "{error}");
    let (org, key) = (OrgId::from_bits(1), KeyId::from_bits(2));
    let request = KeyUsageRequest { org, key, budgets: Vec::new(), now: sample::ADMITTED_AT };
    let error = ports.reads.key_usage(request).await.unwrap_err().to_string();
    assert!(error.contains("the database is away"), "{error}");
    let request = GenerationRequest { org: OrgId::from_bits(99), request: RequestId::from_bits(1) };
    let error = ports.reads.generation(request).await.unwrap_err().to_string();
    assert!(error.contains("the database is away"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_calls_share_one_connection() {
    let serving = start_any().await;
    let wire = crate::peers::Wire::to(&serving.url).await;
    let link = link(&[&wire.url]);
    let calls = (0..500).map(|_| async { policy::feed::PolicySource::index(&link).await.unwrap().len() });
    let answered: usize = futures::future::join_all(calls).await.into_iter().sum();
    assert_eq!(answered, 1_500);
    assert_eq!(wire.connections(), 1);
}
