//! One connection to one control plane: made when it is needed, kept, made anew when it is gone.
//!
//! Invariant: a peer that is dead is noticed within seconds, by HTTP/2 pings; whoever waits for a connection waits for the
//! same attempt, shares its failure, and waits no longer than it may.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// A dead peer is noticed this soon.
const PING_EVERY: Duration = Duration::from_secs(2);
const PONG_WITHIN: Duration = Duration::from_secs(3);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Where a control plane is.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    is_tls: bool,
    host: String,
    port: u16,
}

impl Peer {
    /// Reads `http://host:port` or `https://host:port`; the port may be left out.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.trim_end_matches('/').parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return None;
        }
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        Some(Self { is_tls, host, port: uri.port_u16().unwrap_or(8082) })
    }

    pub(super) const fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

pub(super) struct Connection {
    peer: Peer,
    tls: Option<watch::Receiver<Arc<rustls::ClientConfig>>>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    open: Option<Open>,
    made: u64,
    /// When the last attempt failed, and why.
    failed: Option<(Instant, String)>,
}

/// One that was made. Cheap to clone.
#[derive(Clone)]
pub(super) struct Open {
    /// Which of those that were made.
    serial: u64,
    sender: SendRequest<Full<Bytes>>,
    /// Why it ended, where there is a reason.
    ended: watch::Receiver<Option<String>>,
    /// Whether a peer that may want a certificate has let it in: whom TLS does not let in learns that only afterwards, and
    /// sometimes not in TLS's own words.
    is_let_in: Arc<AtomicBool>,
}

/// Why a request has no response.
pub(super) enum Gone {
    /// The connection was gone before the request was handed to it.
    NotSent(String),
    /// The connection broke under it.
    Broken(String),
}

impl Open {
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Gone> {
        match self.sender.send_request(request).await {
            Ok(response) => {
                self.is_let_in.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(error) if error.is_canceled() => {
                // A TLS alert, say, is known only where the connection was driven.
                let ended = self.ended.wait_for(Option::is_some).await;
                let reason = ended.ok().and_then(|reason| reason.clone());
                Err(Gone::NotSent(self.hinted(reason.unwrap_or_else(|| error.to_string()))))
            }
            Err(error) => Err(Gone::Broken(self.hinted(reasons(&error)))),
        }
    }

    fn hinted(&self, mut reason: String) -> String {
        if !self.is_let_in.load(Ordering::Relaxed) {
            reason.push_str(
                " (before any answer: does the control plane ask for a certificate that link.tls.cert_file should have?)",
            );
        }
        reason
    }
}

/// An error with what caused it, which is where HTTP/2 names the socket's error or the TLS alert.
fn reasons(error: &hyper::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Connection {
    pub(super) fn new(peer: Peer, tls: Option<watch::Receiver<Arc<rustls::ClientConfig>>>) -> Self {
        Self { peer, tls, line: Mutex::default() }
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The next request gets a new connection, if that one is still the last.
    pub(super) fn forget(&self, gone: &Open) {
        // Where somebody else has the line, it is being made anew.
        let Ok(mut line) = self.line.try_lock() else { return };
        if line.open.as_ref().is_some_and(|open| open.serial == gone.serial) {
            line.open = None;
        }
    }

    /// A connection that can take a request.
    ///
    /// # Errors
    /// A sentence; nothing was sent.
    pub(super) async fn open(&self, deadline: Instant) -> Result<Open, String> {
        let since = Instant::now();
        let deadline = deadline.min(since + CONNECT_WITHIN);
        let late = |_| format!("the control plane at {} does not take a connection in time", self.peer);
        let mut line = tokio::time::timeout_at(deadline, self.line.lock()).await.map_err(late)?;
        if let Some(open) = line.open.as_ref()
            && open.sender.is_ready()
            && !open.sender.is_closed()
        {
            return Ok(open.clone());
        }
        if let Some((at, reason)) = line.failed.as_ref()
            && *at >= since
        {
            return Err(reason.clone());
        }
        line.made += 1;
        let connected = tokio::time::timeout_at(deadline, self.connect(line.made)).await;
        match connected.map_err(late).flatten() {
            Ok(open) => Ok(line.open.insert(open).clone()),
            Err(reason) => {
                line.failed = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    async fn connect(&self, serial: u64) -> Result<Open, String> {
        let peer = &self.peer;
        let socket = TcpStream::connect((peer.host.as_str(), peer.port))
            .await
            .map_err(|error| format!("the control plane at {peer} cannot be reached: {error}"))?;
        let _ = socket.set_nodelay(true);
        if !peer.is_tls {
            return self.handshake(socket, serial).await;
        }
        let config = self.tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
        let config = config.ok_or_else(|| format!("{peer} asks for TLS, and none is configured"))?;
        let name =
            ServerName::try_from(peer.host.clone()).map_err(|_| format!("{peer} is no name for TLS"))?;
        let stream = TlsConnector::from(config).connect(name, socket).await.map_err(|error| {
            format!(
                "TLS with the control plane at {peer} failed (link.tls.ca_file says whom to trust): {error}"
            )
        })?;
        self.handshake(stream, serial).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it ends when the link is dropped, and has nothing to finish"
    )]
    async fn handshake<S>(&self, stream: S, serial: u64) -> Result<Open, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .adaptive_window(true)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .keep_alive_while_idle(true);
        let (sender, connection) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("{} does not speak HTTP/2, as a node link does: {error}", self.peer))?;
        let (ending, ended) = watch::channel(None);
        let peer = self.peer.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                let reason = reasons(&error);
                tracing::debug!(reason, %peer, "the node link's connection ended");
                ending.send_replace(Some(reason));
            }
        });
        let is_let_in = Arc::new(AtomicBool::new(!self.peer.is_tls));
        Ok(Open { serial, sender, ended, is_let_in })
    }
}
