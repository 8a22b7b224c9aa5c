//! A Redis server of a test's own, and a way to talk to it that is not the one under test.
//!
//! Invariant: it is gone when it is dropped, and keeps nothing.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use backplane::redis::{Redis, Settings};
use futures::StreamExt;
use futures::stream::BoxStream;
use policy::feed::PolicyMessage;

const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    pub(crate) port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut server = Self::not_started(arguments);
        server.go();
        server
    }

    /// Knows its port, but does not listen yet.
    pub(crate) fn not_started(arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { port, arguments: Vec::new(), process: None };
        server.arguments(arguments);
        server
    }

    pub(crate) fn arguments(&mut self, more: &[&str]) {
        self.arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    }

    pub(crate) fn go(&mut self) {
        let port = self.port.to_string();
        // A later argument wins, so a test may ask for a port with TLS only.
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let spawned = command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(match spawned {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("redis-server is not installed; on Debian: apt-get install -y redis-server")
            }
            Err(error) => panic!("redis-server cannot be started: {error}"),
        });
        eventually("redis-server listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// As `kill -9` would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// `STOP` lets it hang, `CONT` go on.
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &process]).status().unwrap().success());
    }

    /// What it answers to `command`, by a connection of its own.
    pub(crate) fn tell(&self, command: &[&[u8]]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for word in command {
            request.extend(format!("${}\r\n", word.len()).bytes());
            request.extend(*word);
            request.extend(b"\r\n");
        }
        stream.write_all(&request).unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).trim_end().to_owned()
    }

    /// The same, in words.
    pub(crate) fn say(&self, command: &str) -> String {
        self.tell(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    pub(crate) fn redis(&self) -> Redis {
        self.redis_at("")
    }

    /// With `login`, such as `:password@`.
    pub(crate) fn redis_at(&self, login: &str) -> Redis {
        let mut url = String::new();
        write!(url, "redis://{login}127.0.0.1:{}", self.port).unwrap();
        Redis::connect(Settings { url, ca_pem: None, prefix: "test".to_owned() }).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for `holds`.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::yield_now();
    }
}

/// The next message, within a deadline.
pub(crate) async fn next(messages: &mut BoxStream<'static, PolicyMessage>) -> PolicyMessage {
    let next = tokio::time::timeout(DEADLINE, messages.next()).await;
    next.expect("a message within the deadline").expect("the feed goes on")
}
