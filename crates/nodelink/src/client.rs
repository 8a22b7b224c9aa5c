//! The node's end: every port of the control plane, over one kept HTTP/2 connection.
//!
//! Invariants: what moves budget money is sent at most once, and after a failure it says `NotDone` only where nothing can
//! have been sent, or the control plane says so. Everything else is idempotent: it is asked of each control plane in turn
//! and of the first once more, while its time lasts. Calls share one connection and have no order among each other; whoever
//! needs one awaits the first answer. A control plane that fails is not the first to be asked next time.

mod connection;
mod ports;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::Secret;
use http::{HeaderValue, Method as HttpMethod, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::Wire;

use self::connection::{Connection, Gone, Peer};
use crate::failure::Kind;
use crate::method::{Method, PREFIX};
use crate::{CONTENT_TYPE, FAILURE_HEADER, NEWEST, VERSION_HEADER};

/// Where control planes are, and how a node proves itself.
pub struct Settings {
    /// `http://host:port` or `https://host:port`, at least one; tried in turn.
    pub urls: Vec<String>,
    /// How TLS is spoken where a URL asks for it; a connection keeps what this was when it was made.
    pub tls: Option<watch::Receiver<Arc<rustls::ClientConfig>>>,
    /// The node token.
    pub token: Secret<String>,
    /// How long an answer may take where a method has no limit of its own.
    pub timeout: Duration,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no URL.
    #[error("there is no URL of a control plane")]
    NoUrl,
    /// Neither `http://host:port` nor `https://host:port`.
    #[error("{0:?} is neither http://host:port nor https://host:port")]
    Url(String),
    /// The token cannot stand in a header.
    #[error("the node token has characters that cannot be sent")]
    Token,
}

/// The node link. Cheap to share.
pub struct Link {
    connections: Vec<Connection>,
    /// The one that last answered.
    current: AtomicUsize,
    authorization: HeaderValue,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(String),
    /// It was sent, and what came of it is not known.
    #[error("{0}")]
    Broken(String),
    /// The control plane says what the matter is.
    #[error("{text}")]
    Failed { kind: Kind, status: StatusCode, text: String },
}

impl NoAnswer {
    /// Whether another control plane, or the same one again, may know better.
    fn is_worth_another_try(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Broken(_) => true,
            Self::Failed { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

const MOST_OF_A_SENTENCE: usize = 4 * 1024;

impl Link {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        if settings.urls.is_empty() {
            return Err(SettingsError::NoUrl);
        }
        let connect = |url: &String| {
            let peer = Peer::parse(url).ok_or_else(|| SettingsError::Url(url.clone()))?;
            Ok(Connection::new(peer, settings.tls.clone()))
        };
        let connections = settings.urls.iter().map(connect).collect::<Result<_, SettingsError>>()?;
        let authorization = HeaderValue::from_str(&format!("Bearer {}", settings.token.expose()));
        let mut authorization = authorization.map_err(|_| SettingsError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self { connections, current: AtomicUsize::new(0), authorization, timeout: settings.timeout })
    }

    /// Asks something that may be asked twice: of each control plane in turn, and of the first once more.
    async fn ask<M: Method>(&self, ask: &M::Ask, timeout: Duration) -> Result<M::Answer, NoAnswer> {
        self.in_turn::<M>(ask, timeout, NoAnswer::is_worth_another_try).await
    }

    /// Asks something that must not be done twice: on to the next turn only where nothing was sent in the last.
    async fn ask_once<M: Method>(&self, ask: &M::Ask, timeout: Duration) -> Result<M::Answer, NoAnswer> {
        self.in_turn::<M>(ask, timeout, |error| matches!(error, NoAnswer::NotSent(_))).await
    }

    async fn in_turn<M: Method>(
        &self,
        ask: &M::Ask,
        timeout: Duration,
        may_go_on: fn(&NoAnswer) -> bool,
    ) -> Result<M::Answer, NoAnswer> {
        let body = Bytes::from(ask.to_bytes());
        let deadline = Instant::now() + timeout;
        let mut which = self.current.load(Ordering::Relaxed);
        let mut left = u32::try_from(self.connections.len() + 1).unwrap_or(u32::MAX);
        loop {
            // A peer that swallows connections leaves the others their share of the time.
            let connect_by = Instant::now() + deadline.saturating_duration_since(Instant::now()) / left;
            let next = (which + 1) % self.connections.len();
            match self.ask_of::<M>(which, body.clone(), connect_by, deadline).await {
                Ok(answer) => {
                    self.current.store(which, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => {
                    if !matches!(error, NoAnswer::Failed { .. }) {
                        // Others may have gone on to another one already.
                        let _ =
                            self.current.compare_exchange(which, next, Ordering::Relaxed, Ordering::Relaxed);
                    }
                    left -= 1;
                    if left == 0 || !may_go_on(&error) || Instant::now() >= deadline {
                        return Err(error);
                    }
                }
            }
            which = next;
        }
    }

    async fn ask_of<M: Method>(
        &self,
        which: usize,
        body: Bytes,
        connect_by: Instant,
        deadline: Instant,
    ) -> Result<M::Answer, NoAnswer> {
        let Some(connection) = self.connections.get(which) else {
            return Err(NoAnswer::NotSent("there is no control plane to ask".to_owned()));
        };
        let peer = connection.peer();
        let mut open = connection.open(connect_by).await.map_err(NoAnswer::NotSent)?;
        let request = self.request::<M>(peer, body).map_err(|error| NoAnswer::NotSent(error.to_string()))?;
        let answering = async {
            let response = open.send(request).await.map_err(|gone| match gone {
                Gone::NotSent(reason) => {
                    NoAnswer::NotSent(format!("the control plane at {peer} has hung up: {reason}"))
                }
                Gone::Broken(reason) => {
                    NoAnswer::Broken(format!("the control plane at {peer} broke the connection: {reason}"))
                }
            })?;
            read::<M>(response, peer).await
        };
        let answer = tokio::time::timeout_at(deadline, answering).await;
        let late = |_| NoAnswer::Broken(format!("the control plane at {peer} does not answer in time"));
        let answer = answer.map_err(late).flatten();
        if matches!(answer, Err(NoAnswer::NotSent(_) | NoAnswer::Broken(_))) {
            connection.forget(&open);
        }
        answer
    }

    fn request<M: Method>(&self, peer: &Peer, body: Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
        let path = format!("{PREFIX}{}", M::NAME);
        let uri =
            Uri::builder().scheme(peer.scheme()).authority(peer.authority()).path_and_query(path).build()?;
        Request::builder()
            .method(HttpMethod::POST)
            .uri(uri)
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(VERSION_HEADER, NEWEST)
            .body(Full::new(body))
    }
}

async fn read<M: Method>(
    response: http::Response<hyper::body::Incoming>,
    peer: &Peer,
) -> Result<M::Answer, NoAnswer> {
    let (head, body) = response.into_parts();
    let limit = if head.status == StatusCode::OK { M::Answer::MAX_BYTES } else { MOST_OF_A_SENTENCE };
    let body = Limited::new(body, limit).collect().await;
    let broken = |what: &str| NoAnswer::Broken(format!("the answer of the control plane at {peer} {what}"));
    let body = body.map_err(|_| broken("broke off"))?.to_bytes();
    if head.status != StatusCode::OK {
        return Err(NoAnswer::Failed {
            kind: Kind::named(head.headers.get(FAILURE_HEADER)),
            status: head.status,
            text: format!("{peer}: {}", String::from_utf8_lossy(&body)),
        });
    }
    M::Answer::from_bytes(&body).map_err(|error| broken(&format!("is not understood: {error}")))
}
