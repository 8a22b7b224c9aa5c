//! The link passes the same suite as the ports in process, refuses whoever is not a node, and never hangs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Amount, Holder, OrgId, Secret, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use metering::conformance::{self, Ledgers};
use metering::memory::MemoryLeases;
use metering::ports::{
    Hello, HelloError, KeyUsage, KeyUsageRequest, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource, Nodes,
    ReadError, Reads, Sequence, UsageSink, Welcome,
};
use metering::sample;
use metering::usage::Draw;
use nodelink::client::{Link, Settings};
use nodelink::server::{ControlPlane, serve};
use policy::feed::{
    Ack, Acks, Call, CallOutcome, Calls, Contact, FeedError, Heartbeat, OrgUpdate, PolicySource, Wanted,
};
use policy::record::PlatformRecords;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wire::Wire;

const TOKEN: &str = "a node token";

/// A control plane in memory: what is not about leases says what it was asked.
struct Plane {
    leases: Arc<MemoryLeases>,
    made: AtomicU32,
    link: Link,
}

struct Answers;

#[async_trait]
impl PolicySource for Answers {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        Ok(policy::sample::platform())
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        Ok(vec![(policy::sample::org_id(), 7)])
    }

    async fn orgs(&self, wanted: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        Ok(wanted.iter().map(|wanted| OrgUpdate::Gone(wanted.org)).collect())
    }
}

#[async_trait]
impl Nodes for Answers {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        match hello.name.as_str() {
            "stranger" => Err(HelloError::Refused("this node was retired".to_owned())),
            "early" => Err(HelloError::Unreachable("the database is busy".to_owned())),
            _ => Ok(Welcome { now: hello.now, freed: true }),
        }
    }
}

#[async_trait]
impl Acks for Answers {
    async fn ack(&self, _: Holder, acks: Vec<Ack>) -> Result<Contact, FeedError> {
        let orgs = u64::try_from(acks.len()).unwrap();
        let heartbeat = Heartbeat { epoch: 1, orgs, revisions: 2, platform: 3 };
        Ok(Contact { heartbeat, nodes: 2, now: sample::ADMITTED_AT })
    }
}

#[async_trait]
impl Reads for Answers {
    async fn key_usage(&self, _: KeyUsageRequest) -> Result<KeyUsage, ReadError> {
        Err(ReadError("the database is away".to_owned()))
    }
}

#[async_trait]
impl Calls for Answers {
    async fn next(&self, _: Holder, done: Vec<CallOutcome>) -> Result<Vec<Call>, FeedError> {
        assert_eq!(done, []);
        Ok(Vec::new())
    }
}

/// Leases of which nobody knows whether they were granted.
struct Doubtful;

#[async_trait]
impl LeaseSource for Doubtful {
    async fn grant(&self, _: Holder, _: Vec<LeaseRequest>) -> Result<Vec<LeaseAnswer>, LeaseError> {
        Err(LeaseError::Unknown("the commit was not answered".to_owned()))
    }

    async fn give_back(&self, _: Holder, _: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        Err(LeaseError::NotDone("the database is busy".to_owned()))
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[expect(clippy::disallowed_methods, reason = "it lives as long as its test")]
fn start(
    listener: TcpListener,
    leases: Arc<dyn LeaseSource>,
    sink: Arc<dyn UsageSink>,
    stop: CancellationToken,
) {
    let answers = Arc::new(Answers);
    let plane = ControlPlane {
        source: answers.clone(),
        leases,
        sink,
        nodes: answers.clone(),
        acks: answers.clone(),
        reads: answers.clone(),
        calls: answers,
    };
    tokio::spawn(serve(listener, None, Secret::new(TOKEN.to_owned()), plane, stop));
}

fn link(urls: &[&str], token: &str) -> Link {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    let token = Secret::new(token.to_owned());
    Link::new(Settings { urls, tls: None, token, timeout: Duration::from_secs(5) }).unwrap()
}

async fn plane(lease: i128) -> Plane {
    let leases = Arc::new(MemoryLeases::new(Amount::from_pico(lease)));
    let (listener, url) = listen().await;
    start(listener, leases.clone(), leases.clone(), CancellationToken::new());
    Plane { leases, made: AtomicU32::new(1), link: link(&[&url], TOKEN) }
}

#[async_trait]
impl Ledgers for Plane {
    fn leases(&self) -> &dyn LeaseSource {
        &self.link
    }

    fn sink(&self) -> &dyn UsageSink {
        &self.link
    }

    async fn budget(&self, limit: Amount) -> (OrgId, Draw) {
        let number = u128::from(self.made.fetch_add(1, Ordering::SeqCst));
        let draw = sample::draw(number);
        self.leases.set_limit(draw, limit);
        (OrgId::new(sample::ADMITTED_AT, number), draw)
    }

    async fn remove(&self, _: OrgId, draw: Draw) {
        self.leases.remove(draw);
    }
}

fn hello(name: &str) -> Hello {
    Hello {
        holder: sample::holder(1),
        name: name.to_owned(),
        version: "1".to_owned(),
        boot: "b".to_owned(),
        journal_end: Sequence(3),
        now: sample::ADMITTED_AT,
        contact_every_ms: 1_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_and_usage_conform_over_the_link() {
    for lease in [0, 64] {
        conformance::leases(&plane(lease).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_port_answers_over_the_link_as_it_does_in_process() {
    let Plane { link, .. } = plane(0).await;
    let org = policy::sample::org_id();
    assert_eq!(link.platform().await.unwrap(), policy::sample::platform());
    assert_eq!(link.index().await.unwrap(), [(org, 7)]);
    assert_eq!(link.orgs(&[Wanted { org, held: None }]).await.unwrap(), [OrgUpdate::Gone(org)]);
    assert!(link.hello(hello("node")).await.unwrap().freed);
    assert_eq!(link.ack(sample::holder(1), Vec::new()).await.unwrap().nodes, 2);
    assert_eq!(link.next(sample::holder(1), Vec::new()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_an_absence_stay_what_they_are() {
    let Plane { link, .. } = plane(0).await;
    let error = link.hello(hello("stranger")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Refused(text) if text.contains("retired")), "{error}");
    let error = link.hello(hello("early")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Unreachable(text) if text.contains("busy")), "{error}");
    let request = KeyUsageRequest {
        org: OrgId::new(sample::ADMITTED_AT, 1),
        key: domain::KeyId::new(sample::ADMITTED_AT, 1),
        budgets: Vec::new(),
        now: Timestamp::from_micros(0),
    };
    let error = link.key_usage(request).await.unwrap_err().to_string();
    assert!(error.contains("the database is away"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_may_have_moved_is_told_from_money_that_did_not() {
    let (listener, url) = listen().await;
    let leases = Arc::new(MemoryLeases::new(Amount::ZERO));
    start(listener, Arc::new(Doubtful), leases, CancellationToken::new());
    let up = link(&[&url], TOKEN);
    assert!(matches!(up.grant(sample::holder(1), Vec::new()).await, Err(LeaseError::Unknown(_))));
    assert!(matches!(up.give_back(sample::holder(1), Vec::new()).await, Err(LeaseError::NotDone(_))));
    let (closed, url) = listen().await;
    drop(closed);
    let down = link(&[&url], TOKEN);
    let error = down.grant(sample::holder(1), Vec::new()).await.unwrap_err();
    assert!(matches!(&error, LeaseError::NotDone(text) if text.contains(&url)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_answers_is_given_up_and_the_money_counts_as_moved() {
    let (silent, url) = listen().await;
    let began = Instant::now();
    let error = link(&[&url], TOKEN).grant(sample::holder(1), Vec::new()).await.unwrap_err();
    assert!(matches!(error, LeaseError::Unknown(_) | LeaseError::NotDone(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30), "it hung");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_control_plane_is_asked_when_one_is_dead() {
    let (closed, dead) = listen().await;
    drop(closed);
    let (listener, alive) = listen().await;
    let leases = Arc::new(MemoryLeases::new(Amount::ZERO));
    start(listener, leases.clone(), leases, CancellationToken::new());
    let link = link(&[&dead, &alive], TOKEN);
    assert!(link.grant(sample::holder(1), Vec::new()).await.unwrap().is_empty());
    assert!(link.hello(hello("node")).await.unwrap().freed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_comes_back_is_used_again() {
    let (listener, url) = listen().await;
    let address = listener.local_addr().unwrap();
    let (stop, leases) = (CancellationToken::new(), Arc::new(MemoryLeases::new(Amount::ZERO)));
    start(listener, leases.clone(), leases.clone(), stop.clone());
    let link = link(&[&url], TOKEN);
    assert!(link.index().await.is_ok());
    stop.cancel();
    while link.index().await.is_ok() {}
    start(TcpListener::bind(address).await.unwrap(), leases.clone(), leases, CancellationToken::new());
    assert!(link.index().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_calls_share_one_connection() {
    let Plane { link, .. } = plane(0).await;
    let link = Arc::new(link);
    let calls = (0..300).map(|_| {
        let link = Arc::clone(&link);
        async move { link.index().await.unwrap().len() }
    });
    let answered: usize = futures::future::join_all(calls).await.into_iter().sum();
    assert_eq!(answered, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_refused_in_a_sentence() {
    let (listener, url) = listen().await;
    let leases = Arc::new(MemoryLeases::new(Amount::ZERO));
    start(listener, leases.clone(), leases, CancellationToken::new());
    let error = link(&[&url], "another").hello(hello("node")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Refused(text) if text.contains("master key")), "{error}");
}

/// Sends bytes past the client; answers status and text.
async fn raw(url: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let mut request = http::Request::post(format!("{url}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_refused_and_never_panics() {
    let (listener, url) = listen().await;
    let leases = Arc::new(MemoryLeases::new(Amount::ZERO));
    start(listener, leases.clone(), leases, CancellationToken::new());
    let bearer = format!("Bearer {TOKEN}");
    let known = [("authorization", bearer.as_str()), ("weir-link-version", "1")];
    let sound = hello("node").to_bytes();

    let (status, text) = raw(&url, "/weir.node.v1/Hello", &known[..1], sound.clone()).await;
    assert_eq!(status, 426, "{text}");
    let newer = [known[0], ("weir-link-version", "2")];
    let (status, text) = raw(&url, "/weir.node.v1/Hello", &newer, sound.clone()).await;
    assert!(status == 426 && text.contains("version 2"), "{status} {text}");
    assert_eq!(raw(&url, "/weir.node.v1/Hello", &known[1..], sound.clone()).await.0, 401);
    assert_eq!(raw(&url, "/weir.node.v1/Nothing", &known, sound.clone()).await.0, 404);
    let (status, text) = raw(&url, "/weir.node.v1/Hello", &known, vec![0xff; 40]).await;
    assert_eq!(status, 400, "{text}");
    let (status, text) = raw(&url, "/weir.node.v1/Usage", &known, Vec::new()).await;
    assert!(status == 400 && text.contains("shipment.holder"), "{status} {text}");
    assert_eq!(raw(&url, "/weir.node.v1/Hello", &known, vec![0; 200 * 1024]).await.0, 413);

    // A field of the next release, number 99, is skipped.
    let mut newer = sound;
    newer.extend_from_slice(&[0x98, 0x06, 0x01]);
    assert_eq!(raw(&url, "/weir.node.v1/Hello", &known, newer).await.0, 200);
}
