//! A control plane in memory, real listeners, and links to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Amount, Holder, OrgId, Pico, Secret, Timestamp};
use metering::memory::MemoryLeases;
use metering::ports::{
    BudgetState, GenerationRequest, Hello, HelloError, KeyUsage, KeyUsageRequest, LeaseAnswer, LeaseError,
    LeaseRequest, LeaseSource, Nodes, ReadError, Reads, Sequence, Welcome,
};
use metering::sample;
use metering::usage::{Draw, Outcome, UsageEvent};
use nodelink::client::{Link, Settings};
use nodelink::server::{ControlPlane, serve};
use parking_lot::Mutex;
use policy::feed::{
    Ack, Acks, Call, CallOutcome, Calls, Contact, FeedError, Heartbeat, OrgUpdate, PolicySource, Wanted,
};
use policy::record::{OrgChange, OrgRecords, PlatformRecords};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = "a node token";

/// What reached the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Hello(Hello),
    Acks(Holder, Vec<Ack>, Option<Timestamp>),
    Read(KeyUsageRequest),
    Generation(GenerationRequest),
    Done(Holder, Vec<CallOutcome>),
}

/// What is not about leases; it notes what it is asked.
pub(crate) struct Memory {
    pub(crate) orgs: BTreeMap<OrgId, OrgRecords>,
    pub(crate) heard: Mutex<Vec<Heard>>,
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        let orgs = (1..=3).map(|number| {
            let org = OrgId::from_bits(number);
            (org, OrgRecords { org, revision: 7, ..policy::sample::org() })
        });
        Arc::new(Self { orgs: orgs.collect(), heard: Mutex::default() })
    }
}

#[async_trait]
impl PolicySource for Memory {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        Ok(policy::sample::platform())
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        Ok(self.orgs.values().map(|records| (records.org, records.revision)).collect())
    }

    async fn orgs(&self, wanted: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        let update = |wanted: &Wanted| match (self.orgs.get(&wanted.org), wanted.held) {
            (None, _) => OrgUpdate::Gone(wanted.org),
            (Some(records), Some(held)) if held.epoch == records.epoch => OrgUpdate::Change(OrgChange {
                epoch: records.epoch,
                org: records.org,
                revision: records.revision,
                previous: held.revision,
                put: records.objects.clone(),
                removed: Vec::new(),
            }),
            (Some(records), _) => OrgUpdate::Whole(records.clone()),
        };
        // Some at a time, as any source may.
        Ok(wanted.iter().take(2).map(update).collect())
    }
}

#[async_trait]
impl Nodes for Memory {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        let welcome = Welcome { now: hello.now.plus_seconds(1), freed: hello.boot == "b" };
        let answer = match hello.name.as_str() {
            "stranger" => Err(HelloError::Refused("this node was retired".to_owned())),
            "early" => Err(HelloError::Unreachable("the database is busy".to_owned())),
            _ => Ok(welcome),
        };
        self.heard.lock().push(Heard::Hello(hello));
        answer
    }
}

#[async_trait]
impl Acks for Memory {
    async fn ack(
        &self,
        holder: Holder,
        acks: Vec<Ack>,
        complete_to: Option<Timestamp>,
    ) -> Result<Contact, FeedError> {
        if holder == sample::holder(99) {
            return Err(FeedError("this life of the node is not known; say hello".to_owned()));
        }
        self.heard.lock().push(Heard::Acks(holder, acks, complete_to));
        let heartbeat = Heartbeat { epoch: 1, orgs: 3, revisions: u64::MAX, platform: 3 };
        Ok(Contact { heartbeat, nodes: 2, now: sample::ADMITTED_AT, recalled: Vec::new() })
    }
}

#[async_trait]
impl Reads for Memory {
    async fn key_usage(&self, request: KeyUsageRequest) -> Result<KeyUsage, ReadError> {
        let Some(budget) = request.budgets.first().copied() else {
            return Err(ReadError("the database is away".to_owned()));
        };
        self.heard.lock().push(Heard::Read(request));
        let state = BudgetState { limit: Amount::from_pico(10_i128.pow(24)), ..BudgetState::default() };
        Ok(KeyUsage {
            total: Amount::from_pico(4),
            day: Amount::from_pico(1),
            week: Amount::from_pico(2),
            month: Amount::from_pico(3),
            budgets: vec![(budget, state)],
        })
    }

    async fn generation(&self, request: GenerationRequest) -> Result<Vec<UsageEvent>, ReadError> {
        if request.org == OrgId::from_bits(99) {
            return Err(ReadError("the database is away".to_owned()));
        }
        self.heard.lock().push(Heard::Generation(request));
        let all = two_attempts().into_iter();
        Ok(all.filter(|event| event.attempt.id.request == request.request).collect())
    }
}

#[async_trait]
impl Calls for Memory {
    async fn next(&self, holder: Holder, done: Vec<CallOutcome>) -> Result<Vec<Call>, FeedError> {
        self.heard.lock().push(Heard::Done(holder, done));
        let credential = domain::CredentialId::from_bits(5);
        Ok(vec![Call { id: u64::MAX, org: None, credential }])
    }
}

/// What is in the ledger of request 1: one attempt that failed, and one that was answered.
pub(crate) fn two_attempts() -> Vec<UsageEvent> {
    let mut failed = sample::answered(sample::attempt(1), Pico::ZERO);
    failed.settlement.outcome = Outcome::Failed;
    let mut answered = sample::answered(sample::attempt(1), Pico::new(7));
    answered.attempt.id.attempt = 2;
    vec![failed, answered]
}

/// Leases that answer when they are let, if ever, and count who asks.
pub(crate) struct Slow {
    pub(crate) asked: AtomicU32,
    pub(crate) let_go: Semaphore,
}

impl Slow {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { asked: AtomicU32::new(0), let_go: Semaphore::new(0) })
    }

    /// Waits until so many have asked.
    pub(crate) async fn asked(&self, times: u32) {
        while self.asked.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl LeaseSource for Slow {
    async fn grant(&self, _: Holder, requests: Vec<LeaseRequest>) -> Result<Vec<LeaseAnswer>, LeaseError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.let_go.acquire().await.unwrap().forget();
        Ok(vec![LeaseAnswer::Gone; requests.len()])
    }

    async fn give_back(&self, _: Holder, _: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        Ok(())
    }
}

/// A control plane of what is in memory.
pub(crate) fn plane(memory: &Arc<Memory>, leases: Arc<dyn LeaseSource>) -> ControlPlane {
    ControlPlane {
        source: memory.clone(),
        leases,
        sink: Arc::new(MemoryLeases::new(Amount::ZERO)),
        nodes: memory.clone(),
        acks: memory.clone(),
        reads: memory.clone(),
        calls: memory.clone(),
    }
}

/// The same ports, over the link.
pub(crate) fn far(link: Arc<Link>) -> ControlPlane {
    ControlPlane {
        source: link.clone(),
        leases: link.clone(),
        sink: link.clone(),
        nodes: link.clone(),
        acks: link.clone(),
        reads: link.clone(),
        calls: link,
    }
}

/// Something that serves until it is dropped.
pub(crate) struct Serving {
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A URL where nobody listens.
pub(crate) async fn nowhere() -> String {
    listen().await.1
}

pub(crate) async fn start(plane: ControlPlane) -> Serving {
    let (listener, url) = listen().await;
    start_on(listener, url, None, plane)
}

#[expect(clippy::disallowed_methods, reason = "it lives as long as its test")]
pub(crate) fn start_on(
    listener: TcpListener,
    url: String,
    tls: Option<watch::Receiver<Arc<rustls::ServerConfig>>>,
    plane: ControlPlane,
) -> Serving {
    let stop = CancellationToken::new();
    let serving = serve(listener, tls, Secret::new(TOKEN.to_owned()), plane, stop.clone());
    Serving { url, stop, task: tokio::spawn(serving) }
}

/// A control plane with nothing that is slow or refused.
pub(crate) async fn start_any() -> Serving {
    start(plane(&Memory::new(), Arc::new(MemoryLeases::new(Amount::ZERO)))).await
}

pub(crate) fn link(urls: &[&str]) -> Link {
    link_as(urls, TOKEN, None)
}

pub(crate) fn link_as(
    urls: &[&str],
    token: &str,
    tls: Option<watch::Receiver<Arc<rustls::ClientConfig>>>,
) -> Link {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    let token = Secret::new(token.to_owned());
    Link::new(Settings { urls, tls, token, timeout: Duration::from_secs(10) }).unwrap()
}

pub(crate) fn hello(name: &str) -> Hello {
    Hello {
        holder: sample::holder(1),
        name: name.to_owned(),
        version: "1".to_owned(),
        boot: "b".to_owned(),
        journal_found: Sequence(3),
        journal_end: Sequence(3),
        now: sample::ADMITTED_AT,
        contact_every_ms: 1_000,
    }
}

/// Asks for something; what it is does not matter.
pub(crate) async fn grant(link: &Link) -> Result<Vec<LeaseAnswer>, LeaseError> {
    let (org, draw) = (OrgId::new(sample::ADMITTED_AT, 1), sample::draw(1));
    link.grant(sample::holder(1), vec![LeaseRequest { org, draw, at_least: Amount::from_pico(1) }]).await
}
