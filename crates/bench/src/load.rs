//! A load generator: closed loop for cost at saturation, constant rate for latency.
//!
//! Invariant: at a constant rate a request that had to wait for a connection is timed from when it was due, so a target
//! that stalls is charged for everyone who waited.

mod process;
mod seen;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Args;
use http::uri::{Authority, Scheme};
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;

use self::process::Process;
use self::seen::{Events, Seen};

const AFTER_FAILURE: Duration = Duration::from_millis(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// What to ask, how often, and of whom.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("pace").required(true).args(["rate", "closed"]))]
pub(crate) struct Plan {
    /// `http://host:port` of the target.
    #[arg(long)]
    pub(crate) base: Uri,
    /// Sent as a bearer.
    #[arg(long)]
    pub(crate) key: String,
    /// The model to ask.
    #[arg(long)]
    pub(crate) model: String,
    /// Ask for streams.
    #[arg(long)]
    pub(crate) stream: bool,
    /// Requests a second, whatever the target does.
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// The next request when the last one is answered.
    #[arg(long)]
    pub(crate) closed: bool,
    /// Connections.
    #[arg(long, default_value_t = 16)]
    pub(crate) conns: u32,
    /// Seconds that count.
    #[arg(long, default_value_t = 6)]
    pub(crate) duration: u64,
    /// Seconds before, in the first half of which the connections are opened one after the other.
    #[arg(long, default_value_t = 2)]
    pub(crate) warmup: u64,
    /// The target's process, whose CPU and memory are read.
    #[arg(long)]
    pub(crate) pid: u32,
    /// What the mock is told in the prompt.
    #[arg(long, default_value = "")]
    pub(crate) mock: String,
}

/// What all connections share.
struct Work {
    place: Authority,
    request: Request<Full<Bytes>>,
    interval: Option<Duration>,
    start: Instant,
    /// How many requests have been taken by a connection.
    taken: Cell<u32>,
    seen: Seen,
    tasks: TaskTracker,
}

/// Asks as planned; what was seen while it counted.
///
/// # Errors
/// When the plan cannot be followed, the target's process is gone, or nothing succeeded.
pub(crate) async fn run(plan: Plan) -> anyhow::Result<Value> {
    ensure!(plan.base.scheme() == Some(&Scheme::HTTP), "--base is not of the form http://host:port");
    ensure!(plan.rate != Some(0) && plan.conns > 0 && plan.duration > 0, "nothing would be asked");
    LocalSet::new().run_until(measure(&plan)).await
}

async fn measure(plan: &Plan) -> anyhow::Result<Value> {
    let process = Process::of(plan.pid);
    let before_kib = process.memory_kib()?;
    let work = Rc::new(Work {
        place: plan.base.authority().cloned().context("--base names no host")?,
        request: request(plan)?,
        interval: plan.rate.map(|rate| Duration::from_secs(1) / rate),
        start: Instant::now(),
        taken: Cell::new(0),
        seen: Seen::default(),
        tasks: TaskTracker::new(),
    });
    let warmup = Duration::from_secs(plan.warmup);
    for number in 0..plan.conns {
        let begin = work.start + warmup / 2 * number / plan.conns;
        work.tasks.spawn_local(connection(Rc::clone(&work), begin));
    }
    sleep_until(work.start + warmup).await;
    work.seen.clear();
    let (cpu, began) = (process.cpu()?, Instant::now());
    let mut most_kib = process.memory_kib()?;
    while began.elapsed() < Duration::from_secs(plan.duration) {
        sleep(BETWEEN_LOOKS).await;
        most_kib = most_kib.max(process.memory_kib()?);
    }
    let cpu = process.cpu()?.saturating_sub(cpu);
    let mut told = work.seen.report(cpu, began.elapsed());
    told["rss_before_kb"] = json!(before_kib);
    told["rss_max_kb"] = json!(most_kib);
    ensure!(work.seen.has_succeeded(), "nothing succeeded: {told}");
    Ok(told)
}

fn request(plan: &Plan) -> anyhow::Result<Request<Full<Bytes>>> {
    let prompt = if plan.mock.is_empty() { String::new() } else { format!("[[mock {}]] ", plan.mock) };
    let mut body = json!({
        "model": plan.model,
        "max_tokens": if plan.stream { 32_768 } else { 256 },
        "messages": [
            { "role": "system", "content": "You are a helpful assistant." },
            { "role": "user", "content": format!("{prompt}Say something about foxes, in one sentence.") },
        ],
    });
    if plan.stream {
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    Request::post("/v1/chat/completions")
        .header(header::HOST, plan.base.authority().map_or("", Authority::as_str))
        .header(header::AUTHORIZATION, format!("Bearer {}", plan.key))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .context("the key cannot be sent in a header")
}

/// One connection's requests, one after the other, until the run ends.
async fn connection(work: Rc<Work>, begin: Instant) {
    sleep_until(begin).await;
    let mut open = None;
    loop {
        let began = work.due().await;
        let done = match open.take() {
            Some(sender) => work.ask(sender).await,
            None => match work.connect().await {
                Ok(sender) => work.ask(sender).await,
                Err(error) => Err(error),
            },
        };
        match done {
            Ok(sender) => {
                work.seen.answered(began.elapsed());
                open = Some(sender);
            }
            Err(_) => {
                work.seen.failed();
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

impl Work {
    /// Waits until the next request is due. The moment from which it counts: when it was due where it is late, and now
    /// where this connection waited for it, because the timer's own millisecond is not the target's.
    async fn due(&self) -> Instant {
        let Some(interval) = self.interval else { return Instant::now() };
        let number = self.taken.get();
        self.taken.set(number.saturating_add(1));
        let due = self.start + interval * number;
        if due <= Instant::now() {
            return due;
        }
        sleep_until(due).await;
        Instant::now()
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.place.as_str()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        self.tasks.spawn_local(connection);
        Ok(sender)
    }

    /// One exchange; the connection, while it may be used again.
    async fn ask(&self, mut sender: SendRequest<Full<Bytes>>) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        sender.ready().await?;
        let response = sender.send_request(self.request.clone()).await?;
        if !response.status().is_success() {
            self.seen.refused();
            anyhow::bail!("status {}", response.status());
        }
        let mut events = Events::default();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                self.seen.streamed(events.ended_in(&data));
            }
        }
        Ok(sender)
    }
}
