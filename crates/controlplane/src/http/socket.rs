//! `GET /graphql`: GraphQL over a WebSocket, by the sub-protocol `graphql-transport-ws`.
//!
//! Invariant: nothing is answered before `connection_init` brought a token or key that is accepted; each operation is
//! authenticated anew and runs under the limits of a request. A connection ends when its caller is not accepted any more,
//! when its peer is silent, and with the process.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use async_graphql::http::{ClientMessage, WebSocket, WebSocketProtocols, WsMessage};
use async_graphql::{Data, Executor, Request, Response};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::response::IntoResponse;
use domain::Secret;
use futures::stream::{BoxStream, once};
use futures::{Sink, SinkExt, Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval, sleep, timeout};

use super::graphql::{Prepared, run};
use crate::auth::cookie::refuse_foreign_origin;
use crate::auth::live::LiveActor;
use crate::deps::App;
use crate::error::AdminError;
use crate::graphql::error::{outcome, refuse, with_codes};
use crate::graphql::limits;

/// Operations of one connection at a time.
const OPERATIONS: usize = 20;
const PROTOCOL: &str = "graphql-transport-ws";
const INIT_WITHIN: Duration = Duration::from_secs(10);
/// A peer that does not answer two pings is gone.
const PING: Duration = Duration::from_secs(30);
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Why a connection is closed: the protocol's own codes.
const GOING_AWAY: (u16, &str) = (1001, "the control plane is stopping");
const INVALID: (u16, &str) = (4400, "not a message of graphql-transport-ws");
const UNAUTHORIZED: (u16, &str) = (4401, "send connection_init with an authorization first");
const INIT_TOO_LATE: (u16, &str) = (4408, "connection_init did not come in time");
const INIT_TWICE: (u16, &str) = (4429, "connection_init came twice");
const SILENT: (u16, &str) = (1001, "the client does not answer");
const TRY_AGAIN: (u16, &str) = (1013, "the caller cannot be looked up now");

/// Answers the upgrade.
pub(crate) async fn connect(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> axum::response::Response {
    let Ok(upgrade) = upgrade else { return StatusCode::METHOD_NOT_ALLOWED.into_response() };
    if let Err(error) = refuse_foreign_origin(&headers) {
        return error.into_response();
    }
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message = format!("does not offer {PROTOCOL}, the only one that is spoken here");
        return AdminError::bad_input("sec-websocket-protocol", message).into_response();
    }
    let Ok(place) = Arc::clone(&app.sockets).try_acquire_owned() else {
        return AdminError::RateLimited { retry_after_seconds: 30 }.into_response();
    };
    upgrade
        .max_message_size(limits::BODY_BYTES)
        .max_frame_size(limits::BODY_BYTES)
        .on_upgrade(move |socket| converse(app, socket, place))
}

/// What the operations of one connection share.
#[derive(Clone)]
struct Connection {
    app: Arc<App>,
    caller: Arc<OnceLock<Arc<LiveActor>>>,
    /// Why `connection_init` was not accepted.
    refused: Arc<OnceLock<(u16, &'static str)>>,
    operations: Arc<Semaphore>,
    heard: Arc<Mutex<Instant>>,
}

async fn converse<S>(app: Arc<App>, socket: S, _place: OwnedSemaphorePermit)
where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Send,
{
    let stop = app.deps.shutdown.clone();
    let connection = Connection {
        app,
        caller: Arc::default(),
        refused: Arc::default(),
        operations: Arc::new(Semaphore::new(OPERATIONS)),
        heard: Arc::new(Mutex::new(Instant::now())),
    };
    let (sink, incoming) = socket.split();
    let (mut sink, init) = (Box::pin(sink), connection.clone());
    let answers = WebSocket::from_message_stream(
        connection.clone(),
        connection.clone().messages(incoming).boxed(),
        WebSocketProtocols::GraphQLWS,
    )
    .on_connection_init(move |payload| async move { init.authenticate(&payload).await });
    let mut answers = Box::pin(answers);
    let (mut ping, too_late) = (interval(PING), sleep(INIT_WITHIN));
    let mut too_late = std::pin::pin!(too_late);
    let closing = loop {
        let message = tokio::select! {
            () = stop.cancelled() => break Some(GOING_AWAY),
            () = &mut too_late, if connection.caller.get().is_none() => break Some(INIT_TOO_LATE),
            _ = ping.tick() => match connection.why_not_on().await {
                None => Message::Ping(Vec::new().into()),
                why => break why,
            },
            answer = answers.next() => match answer {
                None => break None,
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                Some(WsMessage::Close(code, _)) => break Some(connection.closing(code)),
            },
        };
        if !matches!(timeout(SEND_WITHIN, sink.send(message)).await, Ok(Ok(()))) {
            return;
        }
    };
    let frame = closing.map(|(code, reason)| CloseFrame { code, reason: reason.into() });
    // A peer that is gone cannot be told.
    let _ = timeout(SEND_WITHIN, sink.send(Message::Close(frame))).await;
}

impl Connection {
    /// The client's messages, without what belongs to WebSockets themselves.
    fn messages(
        self,
        incoming: impl Stream<Item = Result<Message, axum::Error>> + Send,
    ) -> impl Stream<Item = serde_json::Result<ClientMessage>> + Send {
        let open = |message: &Result<Message, axum::Error>| {
            std::future::ready(!matches!(message, Ok(Message::Close(_)) | Err(_)))
        };
        incoming.take_while(open).filter_map(move |message| {
            *self.heard.lock() = Instant::now();
            std::future::ready(match message {
                Ok(Message::Text(text)) => Some(ClientMessage::from_bytes(text.as_bytes())),
                Ok(Message::Binary(_)) => Some(ClientMessage::from_bytes("")),
                _ => None,
            })
        })
    }

    /// Takes the token or key out of the payload of `connection_init`.
    async fn authenticate(self, payload: &serde_json::Value) -> async_graphql::Result<Data> {
        let authorization = payload.get("authorization").and_then(serde_json::Value::as_str);
        let authorization = Secret::new(authorization.unwrap_or_default().to_owned());
        let caller = LiveActor::new(Arc::clone(&self.app), authorization);
        if let Err(error) = caller.actor().await {
            let _ = self.refused.set(closing(&error));
            return Err(error.into());
        }
        // The protocol allows one `connection_init`: nobody was set before.
        let _ = self.caller.set(Arc::new(caller));
        Ok(Data::default())
    }

    /// Why the connection must end; `None`: it may go on.
    async fn why_not_on(&self) -> Option<(u16, &'static str)> {
        if self.heard.lock().elapsed() > PING * 2 {
            return Some(SILENT);
        }
        let refused = self.caller.get()?.actor().await.err()?;
        matches!(refused, AdminError::Unauthenticated(_)).then(|| closing(&refused))
    }

    /// The protocol's code for what the library calls otherwise.
    fn closing(&self, code: u16) -> (u16, &'static str) {
        if self.caller.get().is_none() {
            return self.refused.get().copied().unwrap_or(UNAUTHORIZED);
        }
        if code == INIT_TWICE.0 { INIT_TWICE } else { INVALID }
    }

    /// The answers to one operation.
    async fn answers(self, request: Request) -> BoxStream<'static, Response> {
        let prepared = self.prepare(request).await;
        let refused = |app: &App, operation, error: AdminError| {
            app.deps.metrics.graphql(operation, error.code());
            once(std::future::ready(refuse(&error))).boxed()
        };
        let (caller, prepared) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return refused(&self.app, "none", error),
        };
        let Ok(place) = Arc::clone(&self.operations).try_acquire_owned() else {
            let error =
                AdminError::TooComplex(format!("a connection carries at most {OPERATIONS} operations"));
            return refused(&self.app, prepared.operation(), error);
        };
        let (app, schemas) = (Arc::clone(&self.app), &self.app.schemas);
        match prepared.into_subscription() {
            Err(prepared) => {
                let answer = async move {
                    let (response, _place) = (run(&app, *prepared).await, place);
                    response
                };
                once(answer).boxed()
            }
            Ok(request) => {
                let answer = move |response| {
                    // The place is taken as long as the stream is there.
                    let _ = &place;
                    let response = with_codes(response);
                    app.deps.metrics.graphql("subscription", outcome(&response).unwrap_or("OK"));
                    response
                };
                schemas.subscribe(request.data(caller)).map(answer).boxed()
            }
        }
    }

    async fn prepare(&self, request: Request) -> Result<(Arc<LiveActor>, Prepared), AdminError> {
        let caller = self.caller.get().ok_or(AdminError::Unauthenticated(UNAUTHORIZED.1))?;
        let prepared = Prepared::check(&self.app, caller.actor().await?, request)?;
        Ok((Arc::clone(caller), prepared))
    }
}

/// Why a caller that is not accepted is sent away. Clients do not come back after 4401.
fn closing(error: &AdminError) -> (u16, &'static str) {
    match error {
        AdminError::Unauthenticated(reason) => (UNAUTHORIZED.0, reason),
        _ => TRY_AGAIN,
    }
}

impl Executor for Connection {
    async fn execute(&self, request: Request) -> Response {
        let mut answers = self.clone().answers(request).await;
        answers.next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        once(self.clone().answers(request)).flatten().boxed()
    }
}
