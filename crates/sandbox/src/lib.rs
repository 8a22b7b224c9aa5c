//! Simulated providers with their own meter: what Weir is tested against, and what it is tried out with.
//!
//! Invariant: a witness, not a mirror. This crate depends on no other crate of Weir's, has its own price file
//! (`prices.toml`) and its own arithmetic, so that its bill and Weir's can disagree.
//!
//! # Sites
//!
//! A path prefix is a provider account; any non-empty key opens it.
//!
//! | site | dialect | routes |
//! |---|---|---|
//! | `/openai` | OpenAI | `/v1/chat/completions`, `/v1/embeddings`, `/v1/models` |
//! | `/zdr` | OpenAI, retains nothing | the same |
//! | `/anthropic` | Anthropic | `/v1/messages`, `/v1/models` |
//!
//! Unscripted, a model answers `You said: …`; if a tool is forced it calls it with arguments made of the
//! schema's property names, and after a tool result it answers with text. If JSON is asked for, it answers
//! with JSON of that schema. How tokens are counted: `script.rs`.
//!
//! # Knobs
//!
//! Sources, the later wins: [`Config`]; `PUT /_sandbox/knobs` with `{site or "*": {knob: value}}` (replaces
//! what was set; `GET` shows, `DELETE` clears); header `x-sandbox: knob=value; …`; directives in the last
//! user message (or the input of an embedding), `[[sandbox knob=value …]]`, which survive any gateway and are
//! not echoed. Values may be `"quoted"` or a JSON object. An unknown knob is answered with 400.
//!
//! | knob | meaning |
//! |---|---|
//! | `reply` | the answer's text |
//! | `prompt_tokens` | the whole prompt, cached tokens included; never more than the request body has bytes |
//! | `completion_tokens` | the whole answer, reasoning included; never more than `max_tokens` |
//! | `cached_tokens` | of the prompt, read from a cache |
//! | `cache_write_5m` | of the prompt, written to a cache for 5 minutes |
//! | `cache_write_1h` | of the prompt, written to a cache for an hour |
//! | `reasoning_tokens` | of the answer, spent on reasoning |
//! | `uncapped` | `true` lifts both caps: a provider that bills beyond the bound it was sent |
//! | `bills_on` | `true` bills a stream to its end also where the client leaves before |
//! | `tool` | the tool to call |
//! | `tool_args` | its arguments |
//! | `finish` | the finish reason, word for word |
//! | `latency_ms` | wait before the head of the response |
//! | `chunks` | chunks with content; the default answer grows to as many words |
//! | `chunk_ms` | wait before each of them but the first |
//! | `status` | an error status, 400 to 599, in the dialect's own body |
//! | `retry_after` | seconds, in the header of that refusal |
//! | `message` | its message, or that of `error_in_stream` |
//! | `stall_after` | after N chunks send nothing more and keep the connection open |
//! | `reset_after` | after N chunks close the connection in the middle of the body |
//! | `error_in_stream` | after N chunks (`true`: 1) an error event in the dialect's form, then the end |
//! | `usage` | `none`: report none; `negative`, `huge` (beyond 2⁵³), `words`, `absurd` (a bit of each): report such counts. The meter keeps the truth |
//! | `malformed` | `json`, `sse` (undecodable), `html` (a proxy's page) or `truncated` (no closing event) |
//! | `site` | in a header or a directive only: it counts on this site alone |
//! | `times` | in a `PUT` only: it counts for the next N calls on that site |
//!
//! A chunk is one with content: N counts text, thinking and tool argument fragments, not openings, pings or
//! closings; N beyond the last chunk does nothing. An answer that is not streamed sends its head for N = 0,
//! half its body for more. Lists of models are never scripted.
//!
//! # Meter
//!
//! `GET /_sandbox/meter[?id=…][&since=SEQ]` lists the calls in order of arrival and the sum of their true
//! costs; `DELETE` clears. `id` is the `X-Client-Request-Id` received. A call is
//!
//! * `open` while it lasts;
//! * `answered` when its last byte was handed over: billed in full;
//! * `cut` when the client left before: a stream is billed for the prompt and the chunks sent (output in
//!   proportion, rounded down; all reasoning with the first), any other call in full;
//! * `refused` (4xx) or `failed` (5xx): billed nothing. An answer that was begun with status 200 and broken
//!   by the provider (`reset_after`, `error_in_stream`, `malformed`) is `failed` too, billed like a cut one;
//!   only `html`, which no model wrote, is free.
//!
//! `GET /_sandbox/stats` counts calls by state and the streams open now. `GET /_sandbox/requests[?id=…]`
//! shows the last 1000 requests as they came in, secrets masked to their last four characters; `DELETE` clears.
//! `GET /policies/{site}` is the site's data policy, `GET /healthz` says that it runs.

mod anthropic;
mod ask;
mod body;
mod call;
mod directive;
mod embeddings;
mod example;
mod knobs;
mod meter;
mod openai;
mod play;
mod prices;
mod received;
mod refusal;
mod router;
mod runs;
mod script;
mod sites;
mod tokens;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause after a connection could not be accepted, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How every simulated provider behaves where no knob says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Wait before the head of each response, in milliseconds.
    pub latency_ms: u64,
    /// Wait before each chunk of a stream but the first, in milliseconds.
    pub chunk_ms: u64,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Sandbox {
    config: Config,
    prices: prices::PriceList,
    meter: Arc<meter::Meter>,
    runs: runs::Runs,
    received: received::ReceivedLog,
}

/// Serves all sites over HTTP/1.1 until `stop` is cancelled, then drops every connection where it stands.
///
/// # Errors
///
/// `InvalidData` when the price file compiled into the sandbox cannot be read.
pub async fn serve(listener: TcpListener, config: Config, stop: CancellationToken) -> io::Result<()> {
    let prices =
        prices::PriceList::embedded().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let sandbox = Sandbox {
        config,
        prices,
        meter: Arc::default(),
        runs: runs::Runs::default(),
        received: received::ReceivedLog::default(),
    };
    let router = router::routes(Arc::new(sandbox));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, router.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "sandbox could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "sandbox could not set TCP_NODELAY");
    }
    let served =
        http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        () = stop.cancelled() => {}
        ended = served => {
            if let Err(error) = ended {
                tracing::debug!(%error, "sandbox connection ended");
            }
        }
    }
}

#[cfg(test)]
mod tests;
