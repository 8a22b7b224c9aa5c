//! A Redis that is away, goes away, comes back, or does not want us.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backplane::redis::{Redis, Settings};
use domain::KeyId;
use metering::rate::{RateSource, RateSubject, SharedCounter};
use parking_lot::Mutex;
use policy::feed::{PolicyFeed, PolicyMessage, PolicyPublisher};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::policy::heartbeat;
use crate::server::{Server, next};

const QUICKLY: Duration = Duration::from_millis(500);

/// Publishes until it works.
pub(crate) async fn publish(redis: &Redis, message: PolicyMessage) {
    let published = async {
        while redis.publish(message.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), published).await.expect("Redis is back");
}

#[tokio::test]
async fn what_is_published_during_an_outage_is_lost_and_said_to_be() {
    let mut server = Server::start();
    let redis = server.redis();
    let mut messages = redis.follow().await.unwrap();
    redis.publish(heartbeat(1)).await.unwrap();
    assert_eq!(next(&mut messages).await, heartbeat(1));
    server.stop();
    redis.publish(heartbeat(2)).await.unwrap_err();
    server.go();
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    publish(&redis, heartbeat(3)).await;
    assert_eq!(next(&mut messages).await, heartbeat(3));
}

#[tokio::test]
async fn a_subscription_that_is_cut_is_made_again_and_says_so() {
    let server = Server::start();
    let redis = server.redis();
    let mut messages = redis.follow().await.unwrap();
    assert_eq!(server.say("CLIENT KILL TYPE pubsub"), ":1");
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    redis.publish(heartbeat(1)).await.unwrap();
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn a_command_after_its_connection_was_cut_works() {
    let server = Server::start();
    let redis = server.redis();
    redis.publish(heartbeat(1)).await.unwrap();
    assert_eq!(server.say("CLIENT KILL TYPE normal"), ":1");
    redis.publish(heartbeat(2)).await.unwrap();
}

#[tokio::test]
async fn a_follower_does_not_need_redis_to_be_up() {
    let mut server = Server::not_started(&[]);
    let redis = server.redis();
    let begin = Instant::now();
    let mut messages = redis.follow().await.unwrap();
    assert!(begin.elapsed() < QUICKLY, "{:?}", begin.elapsed());
    server.go();
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    publish(&redis, heartbeat(1)).await;
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn without_redis_everything_fails_quickly_in_a_sentence() {
    let server = Server::not_started(&[]);
    let redis = server.redis_at("somebody:secret@");
    let begin = Instant::now();
    let published = redis.publish(heartbeat(1)).await.unwrap_err().to_string();
    let sliced = redis.slice(RateSubject::Key(KeyId::from_bits(1)), 1, 10, 1).await.unwrap_err().to_string();
    let counted = redis.count("somebody", 60).await.unwrap_err().to_string();
    assert!(begin.elapsed() < QUICKLY, "{:?}", begin.elapsed());
    let what =
        format!("Redis at 127.0.0.1:{} cannot be reached: Connection refused (os error 111)", server.port);
    assert_eq!(published, format!("policy cannot be carried: {what}"));
    assert_eq!(sliced, format!("rates cannot be shared now: {what}"));
    assert_eq!(counted, format!("rates cannot be shared now: {what}"));
}

#[tokio::test]
async fn a_redis_that_accepts_and_says_nothing_is_given_up_quickly() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let redis = Redis::connect(Settings { url, ca_pem: None, prefix: "test".to_owned() }).unwrap();
    let begin = Instant::now();
    let error = redis.publish(heartbeat(1)).await.unwrap_err().to_string();
    assert!(begin.elapsed() < QUICKLY, "{:?}", begin.elapsed());
    assert!(error.ends_with("does not answer in time"), "{error}");
    let begin = Instant::now();
    redis.publish(heartbeat(1)).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_millis(200), "nobody waits for it twice: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_frozen_redis_is_left_and_found_again() {
    let server = Server::start();
    let redis = server.redis();
    redis.publish(heartbeat(1)).await.unwrap();
    assert_eq!(server.say("CLIENT PAUSE 700 ALL"), "+OK");
    let begin = Instant::now();
    redis.publish(heartbeat(2)).await.unwrap_err();
    assert!(begin.elapsed() < QUICKLY, "{:?}", begin.elapsed());
    publish(&redis, heartbeat(3)).await;
}

#[tokio::test]
async fn a_subscription_to_a_redis_that_hangs_is_given_up_and_made_again() {
    let log = Log::default();
    let _logging = log.listen();
    let server = Server::start();
    let redis = server.redis();
    let mut messages = redis.follow().await.unwrap();
    server.signal("STOP");
    let noticed = async {
        while log.text().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.expect("silence is noticed");
    server.signal("CONT");
    assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
    publish(&redis, heartbeat(1)).await;
    assert_eq!(next(&mut messages).await, heartbeat(1));
}

#[tokio::test]
async fn a_redis_that_is_slow_to_connect_to_is_reached_in_the_end() {
    let server = Server::start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let mut slow = JoinSet::new();
    slow.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut here, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                tokio::time::sleep(Duration::from_millis(600)).await;
                let mut there = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
                tokio::io::copy_bidirectional(&mut here, &mut there).await
            });
        }
    });
    let redis = Redis::connect(Settings { url, ca_pem: None, prefix: "test".to_owned() }).unwrap();
    redis.publish(heartbeat(1)).await.unwrap_err();
    publish(&redis, heartbeat(1)).await;
}

#[tokio::test]
async fn a_wrong_password_is_a_sentence_and_can_be_corrected_while_running() {
    let server = Server::with(&["--requirepass", "right"]);
    for login in [":hunter2@", "somebody:hunter2@", ""] {
        let redis = server.redis_at(login);
        let error = redis.publish(heartbeat(1)).await.unwrap_err().to_string();
        let what = "refuses the user or the password in redis.url; correct it there";
        assert_eq!(
            error,
            format!("policy cannot be carried: Redis at 127.0.0.1:{} {what}", server.port),
            "{login}"
        );
    }
    let redis = server.redis_at(":hunter2@");
    redis.publish(heartbeat(1)).await.unwrap_err();
    server.redis_at(":right@").publish(heartbeat(1)).await.unwrap();
    let mut change = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    change.write_all(b"AUTH right\r\nCONFIG SET requirepass hunter2\r\n").unwrap();
    publish(&redis, heartbeat(2)).await;
}

#[test]
fn what_cannot_be_a_redis_url_is_said_without_showing_it() {
    let connect = |url: &str, ca_pem: Option<&[u8]>| {
        let settings =
            Settings { url: url.to_owned(), ca_pem: ca_pem.map(<[u8]>::to_vec), prefix: "test".to_owned() };
        Redis::connect(settings).err().map(|error| error.to_string()).expect("it is refused")
    };
    for error in [
        connect("http://user:secret@host", None),
        connect("redis://user:secret@", None),
        connect("redis://user:secret@host/not-a-number", None),
        connect("redis://user:secret@host", Some(b"")),
        connect("rediss://user:secret@host#nothing", None),
    ] {
        assert!(error.starts_with("redis.url or redis.ca_file is not usable: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn an_outage_is_two_lines_in_the_log() {
    let log = Log::default();
    let _logging = log.listen();
    let mut server = Server::start();
    let redis = server.redis();
    let mut messages = redis.follow().await.unwrap();
    publish(&redis, heartbeat(1)).await;
    assert_eq!(log.text(), "");
    for _ in 0..2 {
        server.stop();
        let away = Instant::now();
        while away.elapsed() < Duration::from_millis(700) {
            redis.publish(heartbeat(1)).await.unwrap_err();
            tokio::task::yield_now().await;
        }
        server.go();
        publish(&redis, heartbeat(2)).await;
        while next(&mut messages).await != PolicyMessage::Lagged {}
    }
    let text = log.text();
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(kinds, ["WARN", "INFO", "WARN", "INFO"], "{text}");
    assert!(text.contains(&format!("127.0.0.1:{}", server.port)), "{text}");
}

#[tokio::test]
async fn unreadable_messages_are_said_once_until_one_is_read_again() {
    let log = Log::default();
    let _logging = log.listen();
    let server = Server::start();
    let redis = server.redis();
    let mut messages = redis.follow().await.unwrap();
    for _ in 0..2 {
        for _ in 0..3 {
            server.tell(&[b"PUBLISH", b"test:policy:v1", b"\xff\x00\xff"]);
            assert_eq!(next(&mut messages).await, PolicyMessage::Lagged);
        }
        redis.publish(heartbeat(1)).await.unwrap();
        assert_eq!(next(&mut messages).await, heartbeat(1));
    }
    assert_eq!(log.text().lines().count(), 2, "{}", log.text());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false);
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
