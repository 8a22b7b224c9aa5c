//! Control planes that are dead, die in the middle, hang, come back or end: never a hang, never money moved twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::Amount;
use metering::memory::MemoryLeases;
use metering::ports::{HelloError, LeaseError, Nodes};
use policy::feed::PolicySource;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::world::{Memory, Slow, grant, hello, link, listen, nowhere, plane, start, start_any, start_on};

/// A wire that can be cut.
pub(crate) struct Wire {
    pub(crate) url: String,
    taken: Arc<AtomicU32>,
    cut: CancellationToken,
}

impl Wire {
    pub(crate) async fn to(url: &str) -> Self {
        let (listener, here) = listen().await;
        Self::on(listener, here, url)
    }

    #[expect(clippy::disallowed_methods, reason = "it lives as long as its test")]
    fn on(listener: TcpListener, here: String, url: &str) -> Self {
        let there = url.trim_start_matches("http://").to_owned();
        let (taken, cut) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (counted, until) = (Arc::clone(&taken), cut.clone());
        let carry = async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (there, until) = (there.clone(), until.clone());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(there).await.unwrap();
                    until.run_until_cancelled(copy_bidirectional(&mut near, &mut far)).await
                });
            }
        };
        let until = cut.clone();
        tokio::spawn(async move { until.run_until_cancelled(carry).await });
        Self { url: here, taken, cut }
    }

    pub(crate) fn connections(&self) -> u32 {
        self.taken.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

/// Listens there again, as soon as the address is free.
async fn listen_again(url: &str) -> TcpListener {
    loop {
        match TcpListener::bind(url.trim_start_matches("http://")).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_nothing_was_moved() {
    let url = nowhere().await;
    let error = grant(&link(&[&url])).await.unwrap_err();
    assert!(matches!(&error, LeaseError::NotDone(text) if text.contains(&url)), "{error}");
    let error = link(&[&url]).hello(hello("node")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Unreachable(text) if text.contains("cannot be reached")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_connections_and_never_answers_is_given_up_and_the_money_counts_as_moved() {
    // The kernel takes connections for a process that is stopped.
    let (_stopped, url) = listen().await;
    let began = Instant::now();
    let error = grant(&link(&[&url])).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Unknown(text) if text.contains(&url)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_control_plane_is_asked_when_one_is_dead() {
    let alive = start_any().await;
    let link = link(&[&nowhere().await, &alive.url]);
    assert_eq!(grant(&link).await.unwrap().len(), 1);
    assert!(link.hello(hello("node")).await.unwrap().freed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_control_plane_is_asked_when_one_hangs_and_is_asked_first_from_then_on() {
    let (_stopped, hanging) = listen().await;
    let alive = start_any().await;
    let link = link(&[&hanging, &alive.url]);
    // Pings find out before the answer is overdue.
    assert!(timeout(Duration::from_secs(9), link.hello(hello("node"))).await.unwrap().unwrap().freed);
    assert_eq!(timeout(Duration::from_secs(1), grant(&link)).await.unwrap().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_one_control_plane_kept_waiting_for_is_asked_of_the_next_one_the_next_time() {
    let (_stopped, hanging) = listen().await;
    let alive = start_any().await;
    let link = link(&[&hanging, &alive.url]);
    assert!(matches!(grant(&link).await, Err(LeaseError::Unknown(_))));
    assert_eq!(timeout(Duration::from_secs(1), grant(&link)).await.unwrap().unwrap().len(), 1);
}

/// An address that neither takes nor refuses connections, as behind a firewall, while what is returned is kept.
async fn black_hole() -> (TcpListener, Vec<TcpStream>, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(taken) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queue.push(taken.unwrap());
    }
    (listener, queue, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_swallows_connections_leaves_the_next_its_share_of_the_time() {
    let (_listener, _queue, hole) = black_hole().await;
    let alive = start_any().await;
    let link = link(&[&hole, &alive.url]);
    let began = Instant::now();
    let granted = futures::future::join_all((0..100).map(|_| grant(&link))).await;
    assert!(granted.iter().all(Result::is_ok), "{granted:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    let error = grant(&crate::world::link(&[&hole])).await.unwrap_err();
    assert!(matches!(&error, LeaseError::NotDone(text) if text.contains("in time")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_is_cut_in_mid_call_leaves_the_money_unknown_and_asks_once() {
    let leases = Slow::new();
    let serving = start(plane(&Memory::new(), leases.clone())).await;
    let wire = Wire::to(&serving.url).await;
    let (link, url) = (link(&[&wire.url]), wire.url.clone());
    let cutting = async {
        leases.asked(1).await;
        drop(wire);
    };
    let began = Instant::now();
    let (error, ()) = tokio::join!(grant(&link), cutting);
    let error = error.unwrap_err();
    assert!(matches!(&error, LeaseError::Unknown(text) if text.contains("broke the connection")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(matches!(grant(&link).await, Err(LeaseError::NotDone(_))), "nobody listens now");

    let _mended = Wire::on(listen_again(&url).await, url.clone(), &serving.url);
    leases.let_go.add_permits(1);
    assert_eq!(grant(&link).await.unwrap().len(), 1);
    assert_eq!(leases.asked.load(Ordering::SeqCst), 2, "one for each grant that was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_be_repeated_survives_a_cut_wire() {
    let serving = start_any().await;
    let wire = Wire::to(&serving.url).await;
    let link = link(&[&wire.url]);
    assert!(link.index().await.is_ok());
    let url = wire.url.clone();
    drop(wire);
    let _mended = Wire::on(listen_again(&url).await, url.clone(), &serving.url);
    for _ in 0..3 {
        assert_eq!(link.index().await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_comes_back_is_used_again() {
    let mut first = start_any().await;
    let (link, url) = (link(&[&first.url]), first.url.clone());
    assert!(link.index().await.is_ok());
    first.stop.cancel();
    (&mut first.task).await.unwrap();
    assert!(link.index().await.is_err());
    let memory = plane(&Memory::new(), Arc::new(MemoryLeases::new(Amount::ZERO)));
    let _second = start_on(listen_again(&url).await, url.clone(), None, memory);
    assert_eq!(grant(&link).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_being_answered_at_the_end_is_answered_and_nobody_is_taken_on() {
    let leases = Slow::new();
    let mut serving = start(plane(&Memory::new(), leases.clone())).await;
    let ours = link(&[&serving.url]);
    let ending = async {
        leases.asked(1).await;
        serving.stop.cancel();
        // Only then nobody listens any more.
        while TcpStream::connect(serving.url.trim_start_matches("http://")).await.is_ok() {}
        leases.let_go.add_permits(1);
    };
    let (granted, ()) = tokio::join!(grant(&ours), ending);
    assert_eq!(granted.unwrap().len(), 1);
    timeout(Duration::from_secs(4), &mut serving.task).await.unwrap().unwrap();
    assert!(matches!(grant(&ours).await, Err(LeaseError::NotDone(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_ends_does_not_keep_a_control_plane_from_ending() {
    let leases = Slow::new();
    let mut serving = start(plane(&Memory::new(), leases.clone())).await;
    let wire = Wire::to(&serving.url).await;
    let link = link(&[&wire.url]);
    let ending = async {
        leases.asked(1).await;
        serving.stop.cancel();
        timeout(Duration::from_secs(8), &mut serving.task).await.unwrap().unwrap();
    };
    let (error, ()) = tokio::join!(grant(&link), ending);
    assert!(matches!(error, Err(LeaseError::Unknown(_))));
}
