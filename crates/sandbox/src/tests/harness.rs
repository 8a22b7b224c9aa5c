//! A running sandbox and a client that can leave at any moment.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::{Config, serve};

/// Longer than anything here takes, shorter than a person's patience.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Stand {
    address: SocketAddr,
    tasks: TaskTracker,
    _stop: DropGuard,
}

/// A response read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// Whether the body ended as the protocol says.
    pub(super) is_whole: bool,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The JSON data of every event.
    pub(super) fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

/// A response still being read.
pub(super) struct Ongoing {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    read: String,
    connection: JoinHandle<()>,
}

impl Ongoing {
    /// Reads until this text has come.
    pub(super) async fn read_to(&mut self, text: &str) {
        while !self.read.contains(text) {
            let frame =
                tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("the text comes in time");
            self.take(frame.expect("the body goes on").expect("the body is sound").into_data().unwrap());
        }
    }

    async fn read_all(mut self) -> Reply {
        let is_whole = loop {
            match tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("the body ends in time") {
                Some(Ok(frame)) => self.take(frame.into_data().unwrap()),
                Some(Err(_)) => break false,
                None => break true,
            }
        };
        Reply { status: self.status, headers: self.headers, text: self.read, is_whole }
    }

    fn take(&mut self, data: Bytes) {
        self.read.push_str(&String::from_utf8_lossy(&data));
    }

    /// Closes the connection.
    pub(super) fn leave(self) {
        self.connection.abort();
    }
}

impl Stand {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let served = serve(listener, Config::default(), stop.clone());
        tasks.spawn(async move { served.await.unwrap() });
        Self { address, tasks, _stop: stop.drop_guard() }
    }

    /// Stops the sandbox; every task of this stand ends.
    pub(super) fn stop(self) -> TaskTracker {
        self.tasks.close();
        self.tasks
    }

    /// Opens a connection of its own for this request and hands back the head's arrival as a future task.
    pub(super) fn begin(&self, request: Request<Full<Bytes>>) -> JoinHandle<Ongoing> {
        let (address, tasks) = (self.address, self.tasks.clone());
        self.tasks.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            let connection = tasks.spawn(async move { drop(connection.await) });
            let guard = AbortOnDrop(Some(connection));
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            let connection = guard.keep();
            Ongoing { status: parts.status, headers: parts.headers, body, read: String::new(), connection }
        })
    }

    pub(super) async fn open(&self, request: Request<Full<Bytes>>) -> Ongoing {
        tokio::time::timeout(PATIENCE, self.begin(request)).await.expect("the head comes in time").unwrap()
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.open(request).await.read_all().await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.send(request(Method::GET, path, &[], "")).await.json()
    }

    pub(super) async fn delete(&self, path: &str) {
        let reply = self.send(request(Method::DELETE, path, &[], "")).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
    }

    pub(super) async fn set_knobs(&self, knobs: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        self.send(request(Method::PUT, "/_sandbox/knobs", &headers, &knobs.to_string())).await
    }

    /// The call that the meter saw last.
    pub(super) async fn last_call(&self) -> Value {
        let meter = self.get("/_sandbox/meter").await;
        meter["calls"].as_array().unwrap().last().cloned().unwrap()
    }

    /// The last call, once it is in this state.
    pub(super) async fn last_call_when(&self, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let call = self.last_call().await;
            if call["state"] == state {
                return call;
            }
            assert!(Instant::now() < deadline, "waited for {state}, saw {call}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Closes the connection of a request that is given up before its head came.
struct AbortOnDrop(Option<JoinHandle<()>>);

impl AbortOnDrop {
    fn keep(mut self) -> JoinHandle<()> {
        self.0.take().unwrap()
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.abort();
        }
    }
}

pub(super) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(path).header("host", "sandbox");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::from(body.to_owned())).unwrap()
}

const OPENAI_HEADERS: [(&str, &str); 2] =
    [("authorization", "Bearer sk-test"), ("content-type", "application/json")];

pub(super) fn post(path: &str, body: &Value) -> Request<Full<Bytes>> {
    request(Method::POST, path, &OPENAI_HEADERS, &body.to_string())
}

pub(super) fn chat(site: &str, body: &Value) -> Request<Full<Bytes>> {
    post(&format!("/{site}/v1/chat/completions"), body)
}

pub(super) fn messages(body: &Value) -> Request<Full<Bytes>> {
    let headers = [("x-api-key", "sk-ant-test"), ("anthropic-version", "2023-06-01")];
    request(Method::POST, "/anthropic/v1/messages", &headers, &body.to_string())
}

/// A one-message request; `extra` adds or replaces fields.
pub(super) fn ask(model: &str, prompt: &str, extra: &Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": prompt}]});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}
