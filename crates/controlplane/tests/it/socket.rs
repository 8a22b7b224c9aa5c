//! GraphQL over a WebSocket: who is let in, what is answered, when it ends.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::nodes::Node;
use crate::world::{EMAIL, PASSWORD, World, code};

const PROTOCOL: &str = "graphql-transport-ws";
const SOON: Duration = Duration::from_secs(10);

/// A client of `graphql-transport-ws`.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

/// The end of a connection.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed(u16),
    Refused(StatusCode),
}

impl Socket {
    /// A connection on which `bearer` is accepted.
    pub(crate) async fn open(world: &World, bearer: &str) -> Self {
        let mut socket = Self::connect(world, &[("sec-websocket-protocol", PROTOCOL)]).await.unwrap();
        socket.init(json!({ "authorization": format!("Bearer {bearer}") })).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// A connection before `connection_init`, over a listener of its own.
    async fn connect(world: &World, headers: &[(&'static str, &str)]) -> Result<Self, End> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = world.router.clone();
        world.deps.tasks.spawn(async move { axum::serve(listener, router).await });
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let host = address.to_string();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.replace("HOST", &host).parse().unwrap());
        }
        match client_async(request, TcpStream::connect(address).await.unwrap()).await {
            Ok((stream, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], PROTOCOL);
                Ok(Self(stream))
            }
            Err(Error::Http(answer)) => Err(End::Refused(answer.status())),
            Err(other) => panic!("{other}"),
        }
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn init(&mut self, payload: Value) {
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// Ends an operation, and takes what was still on its way.
    pub(crate) async fn complete(&mut self, id: &str) {
        self.send(json!({ "type": "complete", "id": id })).await;
        self.send(json!({ "type": "ping" })).await;
        while self.next().await["type"] != "pong" {}
    }

    async fn receive(&mut self) -> Result<Value, End> {
        loop {
            match tokio::time::timeout(SOON, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Err(End::Closed(frame.unwrap().code.into())),
                _ => {}
            }
        }
    }

    /// The next message of the server.
    pub(crate) async fn next(&mut self) -> Value {
        self.receive().await.unwrap()
    }

    async fn end(&mut self) -> End {
        self.receive().await.unwrap_err()
    }
}

const NODES: &str = "subscription($o: ID!) { nodes(organizationId: $o) { id state heldRevision } }";

fn this(world: &World) -> Value {
    json!({ "o": world.org.to_string() })
}

#[tokio::test]
async fn nothing_is_answered_without_a_token_that_is_accepted() {
    let world = World::new().await;
    let protocol = [("sec-websocket-protocol", PROTOCOL)];
    for payload in [
        json!(null),
        json!({}),
        json!({ "authorization": 7 }),
        json!({ "authorization": "Bearer wrong" }),
        json!({ "authorization": format!("Bearer {}", world.api_key) }),
        json!({ "authorization": world.owner }),
    ] {
        let mut socket = Socket::connect(&world, &protocol).await.unwrap();
        socket.init(payload.clone()).await;
        assert_eq!(socket.end().await, End::Closed(4401), "{payload}");
    }
    let mut socket = Socket::connect(&world, &protocol).await.unwrap();
    socket.subscribe("1", NODES, this(&world)).await;
    assert_eq!(socket.end().await, End::Closed(4401), "before connection_init");
    let mut socket = Socket::open(&world, &world.owner).await;
    socket.send(json!({ "type": "nonsense" })).await;
    assert_eq!(socket.end().await, End::Closed(4400));
    let mut socket = Socket::open(&world, &world.owner).await;
    socket.init(json!({})).await;
    assert_eq!(socket.end().await, End::Closed(4429), "twice");
}

#[tokio::test]
async fn a_foreign_page_and_another_protocol_are_refused_before_the_upgrade() {
    let world = World::new().await;
    let foreign = [("sec-websocket-protocol", PROTOCOL), ("origin", "http://evil.example")];
    let refused = |status| Some(End::Refused(status));
    assert_eq!(Socket::connect(&world, &foreign).await.err(), refused(StatusCode::FORBIDDEN));
    assert_eq!(Socket::connect(&world, &[]).await.err(), refused(StatusCode::BAD_REQUEST));
    let old = [("sec-websocket-protocol", "graphql-ws")];
    assert_eq!(Socket::connect(&world, &old).await.err(), refused(StatusCode::BAD_REQUEST));
    let own = [("sec-websocket-protocol", PROTOCOL), ("origin", "http://HOST")];
    assert!(Socket::connect(&world, &own).await.is_ok());
}

#[tokio::test]
async fn an_operation_over_a_socket_runs_under_the_limits_of_a_request() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.owner).await;
    socket.subscribe("q", "query($o: ID!) { organization(id: $o) { name } }", this(&world)).await;
    let answer = socket.next().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("next"), &json!("q")));
    assert_eq!(answer["payload"]["data"]["organization"]["name"], "Acme");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "q" }));

    let aliases = (0..16).map(|n| format!("a{n}: __typename ")).collect::<String>();
    let two =
        "subscription($o: ID!) { nodes(organizationId: $o) { id } b: nodes(organizationId: $o) { id } }";
    let nested = format!("subscription {}{}", "{ nodes ".repeat(60), "}".repeat(60));
    for (query, expected) in [
        (format!("{{ viewer {{ {aliases} }} }}"), "TOO_COMPLEX"),
        (nested, "TOO_COMPLEX"),
        (two.to_owned(), "TOO_COMPLEX"),
    ] {
        socket.subscribe("x", &query, this(&world)).await;
        let answer = socket.next().await;
        assert_eq!(code(&answer["payload"]), expected, "{query}: {answer}");
        assert_eq!(socket.next().await["type"], "complete");
    }
    let watch = "subscription($o: ID!) { propagation(organizationId: $o, revision: 99) { revision } }";
    socket.subscribe("y", watch, this(&world)).await;
    assert_eq!(code(&socket.next().await["payload"]), "BAD_USER_INPUT", "a revision that is not there yet");
}

#[tokio::test]
async fn a_connection_carries_a_bounded_number_of_operations() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.owner).await;
    for n in 0..20 {
        socket.subscribe(&n.to_string(), NODES, this(&world)).await;
        assert_eq!(socket.next().await["payload"]["data"], json!({ "nodes": [] }));
    }
    socket.subscribe("one more", NODES, this(&world)).await;
    assert_eq!(code(&socket.next().await["payload"]), "TOO_COMPLEX");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "one more" }));
    socket.complete("7").await;
    socket.subscribe("again", NODES, this(&world)).await;
    assert_eq!(socket.next().await["payload"]["data"], json!({ "nodes": [] }));
}

#[tokio::test]
async fn a_change_is_watched_until_every_node_has_said() {
    let world = World::new().await;
    let (one, two) = (Node::hello(&world, 1).await, Node::hello(&world, 2).await);
    one.acks(&world, 1).await;
    let watch = "subscription($o: ID!) { propagation(organizationId: $o, revision: 1) {
        revision acked { node { id } } pending { id } unreachable { id } } }";
    let mut socket = Socket::open(&world, &world.owner).await;
    socket.subscribe("1", watch, this(&world)).await;
    let state = socket.next().await["payload"]["data"]["propagation"].clone();
    assert_eq!(
        state,
        json!({ "revision": 1, "acked": [{ "node": { "id": one.id() } }], "pending": [{ "id": two.id() }],
            "unreachable": [] })
    );
    two.acks(&world, 1).await;
    let state = socket.next().await["payload"]["data"]["propagation"].clone();
    assert_eq!((state["acked"].as_array().unwrap().len(), &state["pending"]), (2, &json!([])));
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
}

#[tokio::test]
async fn nodes_are_watched_as_they_come_and_hold_revisions() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.owner).await;
    socket.subscribe("1", NODES, this(&world)).await;
    assert_eq!(socket.next().await["payload"]["data"], json!({ "nodes": [] }));
    let node = Node::hello(&world, 1).await;
    let shown =
        |held: Value| json!({ "nodes": [{ "id": node.id(), "state": "REACHABLE", "heldRevision": held }] });
    assert_eq!(socket.next().await["payload"]["data"], shown(json!(null)));
    node.acks(&world, 1).await;
    assert_eq!(socket.next().await["payload"]["data"], shown(json!(1)));
}

#[tokio::test]
async fn a_revoked_key_ends_what_it_watches_before_anything_more_is_shown() {
    let world = World::new().await;
    let (member, key) = world.member("AUDITOR", None).await;
    let mut socket = Socket::open(&world, &key).await;
    socket.subscribe("1", NODES, this(&world)).await;
    assert_eq!(socket.next().await["payload"]["data"], json!({ "nodes": [] }));
    let remove = "mutation($i: RemoveMemberInput!) { removeMember(input: $i) { revision } }";
    world.ask(remove, json!({ "i": { "organizationId": world.org.to_string(), "id": member } })).await;
    Node::hello(&world, 1).await;
    let answer = socket.next().await;
    assert_eq!((code(&answer["payload"]), &answer["payload"]["data"]), ("UNAUTHENTICATED", &json!(null)));
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
}

#[tokio::test]
async fn a_subscription_ends_when_the_token_expires() {
    let world = World::new().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let login = http::Request::post("/auth/login").header("content-type", "application/json");
    let answer = world.send(login.body(axum::body::Body::from(body)).unwrap()).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let mut socket = Socket::open(&world, &token).await;
    socket.subscribe("1", NODES, this(&world)).await;
    assert_eq!(socket.next().await["payload"]["data"], json!({ "nodes": [] }));
    world.clock.set(domain::Clock::now(&*world.clock).plus_seconds(300));
    assert_eq!(code(&socket.next().await["payload"]), "UNAUTHENTICATED");
    assert_eq!(socket.next().await["type"], "complete");
    socket.subscribe("2", NODES, this(&world)).await;
    assert_eq!(code(&socket.next().await["payload"]), "UNAUTHENTICATED", "each operation is looked at anew");
}

#[tokio::test]
async fn a_control_plane_that_stops_says_goodbye() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.owner).await;
    world.deps.shutdown.cancel();
    assert_eq!(socket.end().await, End::Closed(1001));
}

#[tokio::test]
async fn a_subscription_is_not_answered_by_post() {
    let world = World::new().await;
    let answer = world.graphql(&world.owner, NODES, this(&world)).await;
    assert_eq!(code(&answer), "BAD_USER_INPUT", "{answer}");
    let plain = http::Request::get("/graphql").body(axum::body::Body::empty()).unwrap();
    assert_eq!(world.send(plain).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
