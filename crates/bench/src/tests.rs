use std::time::Duration;

use http::uri::Authority;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::load::Plan;
use crate::{floor, load, mock};

/// A mock with the floor before it; where each is.
async fn world() -> (Authority, Authority) {
    let tasks = TaskTracker::new();
    let (mocked, bare) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let place =
        |listener: &TcpListener| listener.local_addr().unwrap().to_string().parse::<Authority>().unwrap();
    let places = (place(&mocked), place(&bare));
    tasks.spawn(mock::run(mocked));
    tasks.spawn(floor::run(bare, places.0.clone()));
    places
}

fn plan(place: &Authority, mock: &str) -> Plan {
    Plan {
        base: format!("http://{place}").parse().unwrap(),
        key: "sk-bench".to_owned(),
        model: "mock".to_owned(),
        stream: false,
        rate: None,
        closed: true,
        conns: 4,
        duration: 1,
        warmup: 0,
        pid: std::process::id(),
        mock: mock.to_owned(),
    }
}

/// One exchange, as it comes over the wire.
async fn exchange(place: &Authority, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(place.as_str()).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn stats(place: &Authority) -> Value {
    let answer = exchange(place, "/stats", "").await;
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_floor_says_what_the_mock_says() {
    let (mocked, bare) = world().await;
    for path in ["/v1/chat/completions", "/_m/chunks=2/v1/messages"] {
        for body in ["{}", r#"{"stream":true}"#] {
            let direct = exchange(&mocked, path, body).await;
            let passed = exchange(&bare, path, body).await;
            let content = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
            assert!(direct.starts_with("HTTP/1.1 200"), "{direct}");
            assert_eq!(content(&passed), content(&direct));
        }
    }
}

#[tokio::test]
async fn a_long_body_passes_the_floor_whole() {
    let (_, bare) = world().await;
    let padding = " ".repeat(1 << 20);
    let asked = format!(r#"{{"stream":true,{padding}"messages":[{{"content":"[[mock chunks=3]]"}}]}}"#);
    let answer = exchange(&bare, "/v1/chat/completions", &asked).await;
    assert_eq!(answer.matches(r#""content":"word ""#).count(), 3, "{answer}");
}

#[tokio::test]
async fn the_mock_refuses_what_it_does_not_know() {
    let (mocked, bare) = world().await;
    for place in [&mocked, &bare] {
        let elsewhere = exchange(place, "/v1/embeddings", "{}").await;
        assert!(elsewhere.starts_with("HTTP/1.1 404"), "{elsewhere}");
        let garbage = exchange(place, "/v1/chat/completions", "{").await;
        assert!(garbage.starts_with("HTTP/1.1 400"), "{garbage}");
    }
    assert_eq!(stats(&mocked).await["requests"], 0);
}

#[tokio::test]
async fn a_stream_has_as_many_chunks_as_asked_and_ends_with_its_usage() {
    let (mocked, _) = world().await;
    for (path, chunk) in [("/v1/chat/completions", r#""content":"word ""#), ("/v1/messages", "text_delta")] {
        let asked = r#"{"stream":true,"messages":[{"content":"[[mock chunks=7]]"}]}"#;
        let answer = exchange(&mocked, path, asked).await;
        assert_eq!(answer.matches(chunk).count(), 7, "{answer}");
        assert!(answer.rfind("usage") > answer.rfind(chunk), "{answer}");
    }
}

#[tokio::test]
async fn every_event_of_every_stream_is_counted() {
    let (_, bare) = world().await;
    let plan = Plan { stream: true, conns: 2, ..plan(&bare, "chunks=7") };
    let seen = load::run(plan).await.unwrap();
    let count = |name: &str| seen[name].as_u64().unwrap();
    // An opening, seven chunks, and at the end the reason, the usage and the mark.
    let (events, per_stream) = (count("chunks"), 11);
    let cut_at_both_ends = 2 * 2 * per_stream;
    assert!(events.abs_diff(count("ok") * per_stream) < cut_at_both_ends, "{seen}");
    assert!(count("ok") > 10, "{seen}");
    assert_eq!((count("non2xx"), count("io_err")), (0, 0));
}

#[tokio::test]
async fn clients_that_leave_leave_no_stream_behind() {
    let (mocked, bare) = world().await;
    let plan = Plan { stream: true, ..plan(&bare, "chunks=100000;delay_ms=5") };
    let seen = load::run(plan).await.unwrap();
    assert!(seen["chunks"].as_u64() > Some(100), "{seen}");
    let began = std::time::Instant::now();
    loop {
        let now = stats(&mocked).await;
        let count = |name: &str| now[name].as_u64().unwrap();
        assert_eq!(count("streams_started"), 4);
        if count("streams_aborted") == 4 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{now}");
    }
}

#[tokio::test]
async fn a_target_that_is_slow_is_charged_for_those_who_waited() {
    let (mocked, _) = world().await;
    // Ten times as many are due as one connection can have answered.
    let overrun = Plan { conns: 1, closed: false, rate: Some(500), ..plan(&mocked, "latency_ms=20") };
    let seen = load::run(overrun).await.unwrap();
    assert!(seen["lat_us"]["p50"].as_u64() > Some(200_000), "{seen}");
    let unhurried = Plan { closed: false, rate: Some(20), ..plan(&mocked, "latency_ms=20") };
    let seen = load::run(unhurried).await.unwrap();
    assert!(seen["lat_us"]["p50"].as_u64() < Some(200_000), "{seen}");
}

#[tokio::test]
async fn a_run_in_which_nothing_succeeds_is_an_error() {
    let (mocked, _) = world().await;
    let base = format!("http://{mocked}").replace("127.0.0.1", "127.0.0.2");
    let nobody = Plan { base: base.parse().unwrap(), ..plan(&mocked, "") };
    assert!(load::run(nobody).await.unwrap_err().to_string().starts_with("nothing succeeded"));
}
