//! The control plane's end: one handler per method, each a call of a port.
//!
//! Invariants: token and version are checked before a body is read; a connection that does not show the token soon is
//! closed; a failure of a port travels as what it is, so that the node's end can tell "nothing was done" from "nobody
//! knows". Calls are answered as they come, side by side: nothing here keeps an order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Secret;
use http::{HeaderMap, Method as HttpMethod, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Collected, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metering::ports::{HelloError, LeaseError, LeaseSource, Nodes, Reads, UsageSink};
use policy::feed::{Acks, Calls, PolicySource};
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::link::{CallsWanted, Committed, Index, LeaseAnswers, Nothing, OrgUpdates};
use wire::{Wire, WireError};

use crate::failure::Failure;
use crate::method::{
    Acknowledge, ChangesSince, GiveBack, Grant, Method, NextCalls, PREFIX, Read, ReadGeneration, ReadIndex,
    SayHello, Snapshot, Usage,
};
use crate::{CONTENT_TYPE, NEWEST, OLDEST, VERSION_HEADER};

/// A connection that has not shown the token by then is closed; TLS has as much for itself.
const TOKEN_WITHIN: Duration = Duration::from_secs(5);
const BODY_WITHIN: Duration = Duration::from_secs(60);
/// When the process ends, calls that are being answered get this long.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
const MOST_AT_ONCE: u32 = 1_024;

/// What nodes ask.
pub struct ControlPlane {
    /// Policy.
    pub source: Arc<dyn PolicySource>,
    /// Budget money.
    pub leases: Arc<dyn LeaseSource>,
    /// Usage events.
    pub sink: Arc<dyn UsageSink>,
    /// Who introduces itself.
    pub nodes: Arc<dyn Nodes>,
    /// What is enforced where.
    pub acks: Arc<dyn Acks>,
    /// What apps ask about themselves.
    pub reads: Arc<dyn Reads>,
    /// What is wanted of nodes.
    pub calls: Arc<dyn Calls>,
}

struct Shared {
    plane: ControlPlane,
    expected: Secret<Vec<u8>>,
    /// No new calls.
    stop: CancellationToken,
    /// No calls at all.
    cut: CancellationToken,
}

/// Serves until `stop`; calls that are being answered then have five seconds more. Without `tls` HTTP/2 is spoken at once
/// (h2c), with it by ALPN; a connection keeps what `tls` was when it came.
pub async fn serve(
    listener: TcpListener,
    tls: Option<watch::Receiver<Arc<rustls::ServerConfig>>>,
    token: Secret<String>,
    plane: ControlPlane,
    stop: CancellationToken,
) {
    let expected = Secret::new(format!("Bearer {}", token.expose()).into_bytes());
    let shared = Arc::new(Shared { plane, expected, stop: stop.clone(), cut: CancellationToken::new() });
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) => {
                let tls = tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.borrow())));
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    shared.cut.run_until_cancelled(connection(socket, tls, &shared)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a node's connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Whoever calls now is refused by the kernel, and goes on to the next control plane.
    drop(listener);
    connections.close();
    if tokio::time::timeout(LAST_ANSWERS, connections.wait()).await.is_err() {
        shared.cut.cancel();
        connections.wait().await;
    }
}

async fn connection(socket: TcpStream, tls: Option<TlsAcceptor>, shared: &Arc<Shared>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let Some(tls) = tls else { return answer_all(socket, shared).await };
    match tokio::time::timeout(TOKEN_WITHIN, tls.accept(socket)).await {
        Ok(Ok(stream)) => answer_all(stream, shared).await,
        Ok(Err(error)) => tracing::warn!(%error, "a node's TLS handshake failed"),
        Err(_) => tracing::warn!("a node's TLS handshake did not end in time"),
    }
}

async fn answer_all<S>(stream: S, shared: &Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let known = CancellationToken::new();
    let service = service_fn({
        let (shared, known) = (Arc::clone(shared), known.clone());
        move |request| {
            let (shared, known) = (Arc::clone(&shared), known.clone());
            async move { Ok::<_, std::convert::Infallible>(answer(&shared, &known, request).await) }
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_AT_ONCE)
        .adaptive_window(true)
        .keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(10));
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = shared.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        () = is_a_stranger(&known) => {
            return tracing::debug!("a connection did not show the node token in time");
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a node's connection ended");
    }
}

/// Ends when nobody with the token has called in time, and never otherwise.
async fn is_a_stranger(known: &CancellationToken) {
    if tokio::time::timeout(TOKEN_WITHIN, known.cancelled()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

async fn answer(
    shared: &Shared,
    known: &CancellationToken,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    match handled(shared, known, request).await {
        Ok(body) => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        Err(failure) => failure.into_response(),
    }
}

async fn handled(
    shared: &Shared,
    known: &CancellationToken,
    request: Request<Incoming>,
) -> Result<Vec<u8>, Failure> {
    let (head, body) = request.into_parts();
    authorized(shared, &head.headers)?;
    known.cancel();
    speaks(&head.headers)?;
    let path = head.uri.path();
    let unknown = || Failure::new(StatusCode::NOT_FOUND, format!("{path} is no method of the node link"));
    if head.method != HttpMethod::POST {
        return Err(unknown());
    }
    let name = path.strip_prefix(PREFIX).ok_or_else(unknown)?;
    dispatch(&shared.plane, name, body).await.unwrap_or_else(|| Err(unknown()))
}

fn authorized(shared: &Shared, headers: &HeaderMap) -> Result<(), Failure> {
    let given = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(given.ct_eq(shared.expected.expose())) {
        return Ok(());
    }
    Err(Failure::refused(
        StatusCode::UNAUTHORIZED,
        "the node token is wrong: node and control plane need the same master key (or link.token)",
    ))
}

fn speaks(headers: &HeaderMap) -> Result<(), Failure> {
    let version = headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if version.is_some_and(|version| (OLDEST..=NEWEST).contains(&version)) {
        return Ok(());
    }
    let theirs = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    Err(Failure::refused(
        StatusCode::UPGRADE_REQUIRED,
        format!(
            "the node speaks version {theirs} of the node link, this control plane {OLDEST} to {NEWEST}: upgrade the \
             control planes first, then the nodes, one release at a time"
        ),
    ))
}

/// `None` where there is no such method.
async fn dispatch(plane: &ControlPlane, name: &str, body: Incoming) -> Option<Result<Vec<u8>, Failure>> {
    Some(match name {
        SayHello::NAME => {
            asked::<SayHello, _>(body, async |hello| {
                plane.nodes.hello(hello).await.map_err(|error| match error {
                    HelloError::Refused(reason) => Failure::refused(StatusCode::FORBIDDEN, reason),
                    HelloError::Unreachable(reason) => Failure::away(reason),
                })
            })
            .await
        }
        ReadIndex::NAME => {
            asked::<ReadIndex, _>(body, async |Nothing| {
                plane.source.index().await.map(Index).map_err(|error| Failure::away(error.0))
            })
            .await
        }
        Snapshot::NAME => {
            asked::<Snapshot, _>(body, async |Nothing| {
                plane.source.platform().await.map_err(|error| Failure::away(error.0))
            })
            .await
        }
        ChangesSince::NAME => {
            asked::<ChangesSince, _>(body, async |wanted| {
                plane.source.orgs(&wanted.0).await.map(OrgUpdates).map_err(|error| Failure::away(error.0))
            })
            .await
        }
        Grant::NAME => {
            asked::<Grant, _>(body, async |asked| {
                plane.leases.grant(asked.holder, asked.requests).await.map(LeaseAnswers).map_err(of_lease)
            })
            .await
        }
        GiveBack::NAME => {
            asked::<GiveBack, _>(body, async |unspent| {
                let given = plane.leases.give_back(unspent.holder, unspent.draws).await;
                given.map(|()| Nothing).map_err(of_lease)
            })
            .await
        }
        Usage::NAME => {
            asked::<Usage, _>(body, async |shipment| {
                let upto = shipment.upto;
                let committed = plane.sink.commit(shipment).await;
                committed.map(|()| Committed(upto)).map_err(|error| Failure::away(error.0))
            })
            .await
        }
        Acknowledge::NAME => {
            asked::<Acknowledge, _>(body, async |acks| {
                let contact = plane.acks.ack(acks.holder, acks.acks, acks.complete_to).await;
                contact.map_err(|error| Failure::away(error.0))
            })
            .await
        }
        Read::NAME => {
            asked::<Read, _>(body, async |request| {
                plane.reads.key_usage(request).await.map_err(|error| Failure::away(error.0))
            })
            .await
        }
        ReadGeneration::NAME => {
            asked::<ReadGeneration, _>(body, async |request| {
                plane.reads.generation(request).await.map_err(|error| Failure::away(error.0))
            })
            .await
        }
        NextCalls::NAME => {
            asked::<NextCalls, _>(body, async |done| {
                let next = plane.calls.next(done.holder, done.outcomes).await;
                next.map(CallsWanted).map_err(|error| Failure::away(error.0))
            })
            .await
        }
        _ => return None,
    })
}

fn of_lease(error: LeaseError) -> Failure {
    match error {
        LeaseError::NotDone(reason) => Failure::not_done(reason),
        LeaseError::Unknown(reason) => Failure::unknown(reason),
    }
}

/// Reads what is asked, has it answered, and writes the answer.
async fn asked<M: Method, F: Future<Output = Result<M::Answer, Failure>>>(
    body: Incoming,
    port: impl FnOnce(M::Ask) -> F,
) -> Result<Vec<u8>, Failure> {
    let body = whole(body, M::Ask::MAX_BYTES).await?;
    let ask = M::Ask::from_bytes(&body)
        .map_err(|error: WireError| Failure::new(StatusCode::BAD_REQUEST, format!("the body: {error}")))?;
    port(ask).await.map(|answer| answer.to_bytes())
}

async fn whole(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    let too_large =
        || Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes"));
    // What the content length says is there before the first byte of it.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let read = tokio::time::timeout(BODY_WITHIN, Limited::new(body, limit).collect()).await;
    let read =
        read.map_err(|_| Failure::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?;
    read.map(Collected::to_bytes).map_err(|error| match error.is::<LengthLimitError>() {
        true => too_large(),
        false => Failure::new(StatusCode::BAD_REQUEST, "the body broke off"),
    })
}
