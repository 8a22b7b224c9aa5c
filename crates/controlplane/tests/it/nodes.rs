//! Nodes say hello and tell what they enforce; a mutation waits for them, and everybody can see how far it has come.

use std::sync::Arc;
use std::time::Duration;

use controlplane::{Ingest, Leases, Registry};
use domain::{Amount, Clock, Holder, NodeId, Timestamp, Window};
use metering::ports::{
    Hello, HelloError, LeaseError, LeaseRequest, LeaseSource, Nodes, Sequence, Shipment, UsageSink, Welcome,
};
use metering::usage::Draw;
use policy::Version;
use policy::feed::{Ack, Acks, Propagation};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::world::{World, code};

/// Long enough for everything that happens at once, short enough to wait for what must not happen.
const A_MOMENT: Duration = Duration::from_millis(200);

/// A node of the data plane.
pub(crate) struct Node {
    holder: Holder,
}

impl Node {
    /// A node that has just begun its first life.
    pub(crate) async fn hello(world: &World, number: u128) -> Self {
        let holder = Holder { node: NodeId::new(world.clock.now(), number), incarnation: 1 };
        world.registry.hello(hello(world, holder)).await.unwrap();
        Self { holder }
    }

    pub(crate) fn id(&self) -> String {
        self.holder.node.to_string()
    }

    async fn says(&self, world: &World, registry: &Registry, revision: u64, refused: Option<&str>) {
        let epoch = world.deps.store.platform_version().await.unwrap().epoch;
        let version = Version { epoch, revision };
        let ack = Ack { org: Some(world.org), version, refused: refused.map(str::to_owned) };
        registry.ack(self.holder, vec![ack], None).await.unwrap();
    }

    /// Says that the usage of everything it admitted before `moment` is committed.
    pub(crate) async fn is_complete_to(&self, world: &World, moment: Timestamp) {
        world.registry.ack(self.holder, Vec::new(), Some(moment)).await.unwrap();
    }

    /// Says that it enforces a revision of the world's organization.
    pub(crate) async fn acks(&self, world: &World, revision: u64) {
        self.says(world, &world.registry, revision, None).await;
    }
}

pub(crate) fn hello(world: &World, holder: Holder) -> Hello {
    Hello {
        holder,
        name: format!("node-{}", holder.node.to_bits() & 0xf),
        version: "1.2.3".to_owned(),
        boot: "boot".to_owned(),
        journal_found: Sequence(0),
        journal_end: Sequence(0),
        now: world.clock.now(),
        contact_every_ms: 1_000,
    }
}

/// Another control plane on the same database.
fn beside(world: &World, patience: Duration) -> Registry {
    let deps = &world.deps;
    let metrics = controlplane::Metrics::register(&prometheus::Registry::new()).unwrap();
    Registry::new(deps.store.clone(), Arc::clone(&deps.clock), metrics, patience)
}

async fn revision(world: &World) -> u64 {
    let index = world.deps.store.index().await.unwrap();
    index.into_iter().find(|(org, _)| *org == world.org).unwrap().1
}

#[tokio::test]
async fn a_mutation_answers_as_soon_as_every_node_in_contact_has_said_so() {
    let world = World::new().await;
    let (one, two) = (Node::hello(&world, 1).await, Node::hello(&world, 2).await);
    let next = revision(&world).await + 1;
    let mut mutation = Box::pin(world.team("Search"));
    assert!(timeout(A_MOMENT, &mut mutation).await.is_err(), "nobody has said");
    one.acks(&world, next).await;
    two.acks(&world, next - 1).await;
    assert!(timeout(A_MOMENT, &mut mutation).await.is_err(), "one has not said");
    two.acks(&world, next + 3).await;
    timeout(Duration::from_secs(1), mutation).await.expect("a newer revision holds this one too");
}

#[tokio::test]
async fn what_a_node_says_to_another_control_plane_counts_here_too() {
    let world = World::new().await;
    let node = Node::hello(&world, 1).await;
    let there = beside(&world, Duration::from_secs(5));
    let next = revision(&world).await + 1;
    let (waited, ()) = tokio::join!(world.registry.reached(world.org, next), async {
        tokio::time::sleep(A_MOMENT).await;
        node.says(&world, &there, next, None).await;
    });
    assert!(waited);
}

#[tokio::test]
async fn a_mutation_is_answered_although_a_node_does_not_say() {
    let world = World::new().await;
    Node::hello(&world, 1).await;
    let registry = beside(&world, A_MOMENT);
    let began = Instant::now();
    assert!(!registry.reached(world.org, revision(&world).await).await);
    assert!(began.elapsed() >= A_MOMENT);
    world.clock.set(world.clock.now().plus_seconds(4));
    assert!(registry.reached(world.org, revision(&world).await).await, "out of contact: not waited for");
}

#[tokio::test]
async fn a_refused_revision_is_not_waited_for() {
    let world = World::new().await;
    let (one, two) = (Node::hello(&world, 1).await, Node::hello(&world, 2).await);
    let now = revision(&world).await;
    one.acks(&world, now).await;
    two.says(&world, &world.registry, now, Some("a rule is not known here")).await;
    let began = Instant::now();
    assert!(!world.registry.reached(world.org, now).await);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_acknowledgement_of_before_a_restored_backup_counts_for_nothing() {
    let world = World::new().await;
    let node = Node::hello(&world, 1).await;
    let (epoch, now) = (world.deps.store.platform_version().await.unwrap().epoch, revision(&world).await);
    let version = Version { epoch: epoch - 1, revision: now + 7 };
    let ack = Ack { org: Some(world.org), version, refused: None };
    world.registry.ack(node.holder, vec![ack], None).await.unwrap();
    assert!(!beside(&world, A_MOMENT).reached(world.org, now).await);
}

#[tokio::test]
async fn a_node_whose_clock_is_off_is_refused_with_both_clocks() {
    let world = World::new().await;
    let holder = metering::sample::holder(1);
    let off = |seconds| Hello { now: world.clock.now().plus_seconds(seconds), ..hello(&world, holder) };
    for seconds in [-31, 31] {
        let Err(HelloError::Refused(why)) = world.registry.hello(off(seconds)).await else {
            panic!("let in")
        };
        for clock in [off(seconds).now, world.clock.now()] {
            assert!(why.contains(&clock.to_string()), "{why}");
        }
    }
    for seconds in [-30, 30] {
        let welcome = world.registry.hello(off(seconds)).await.unwrap();
        assert_eq!(welcome, Welcome { now: world.clock.now(), freed: welcome.freed });
    }
}

#[tokio::test]
async fn an_earlier_life_and_a_retired_node_are_refused() {
    let world = World::new().await;
    let holder = metering::sample::holder(1);
    let later = Holder { incarnation: 2, ..holder };
    world.registry.hello(hello(&world, later)).await.unwrap();
    world.registry.hello(hello(&world, later)).await.expect("twice is harmless");
    let refused = world.registry.hello(hello(&world, holder)).await;
    assert!(matches!(refused, Err(HelloError::Refused(_))), "{refused:?}");
    world.registry.ack(holder, Vec::new(), None).await.expect_err("an earlier life says hello again");
    let now = world.clock.now();
    world.deps.store.retire_node(holder.node, store::Author::system(), now).await.unwrap();
    let refused = world.registry.hello(hello(&world, Holder { incarnation: 3, ..holder })).await;
    assert!(matches!(refused, Err(HelloError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn contact_tells_what_there_is_and_how_many_share_it() {
    let world = World::new().await;
    let unknown = metering::sample::holder(9);
    let error = world.registry.ack(unknown, Vec::new(), None).await.unwrap_err();
    assert!(error.to_string().contains("hello"), "{error}");
    let (one, _) = (Node::hello(&world, 1).await, Node::hello(&world, 2).await);
    let contact = world.registry.ack(one.holder, Vec::new(), None).await.unwrap();
    assert_eq!((contact.nodes, contact.now), (2, world.clock.now()));
    assert_eq!(contact.heartbeat, world.deps.store.heartbeat().await.unwrap());
    world.clock.set(world.clock.now().plus_seconds(4));
    assert_eq!(world.registry.ack(one.holder, Vec::new(), None).await.unwrap().nodes, 1);
}

#[tokio::test]
async fn a_life_with_less_in_its_journal_than_was_committed_frees_nothing() {
    let world = World::new().await;
    let make = "mutation($i: CreateBudgetInput!) { createBudget(input: $i) { budget { id } } }";
    let org = world.org.to_string();
    let input = json!({ "organizationId": org, "name": "B", "scope": "ORG", "limit": "10" });
    let budget = world.ask(make, json!({ "i": input })).await["createBudget"]["budget"]["id"].clone();
    let budget = budget.as_str().unwrap().parse().unwrap();
    let draw = Draw { budget, window: Window::MONTH.at(world.clock.now()) };
    let first = metering::sample::holder(1);
    world.registry.hello(hello(&world, first)).await.unwrap();
    let deps = &world.deps;
    let leases = Leases::new(deps.store.clone(), Arc::clone(&deps.clock));
    let ingest = Ingest::new(deps.store.clone(), Arc::clone(&deps.clock), deps.metrics.clone());
    for (incarnation, journal_found, is_freed) in [(2, 6, false), (3, 7, true)] {
        let earlier = Holder { incarnation: incarnation - 1, ..first };
        let lacking = LeaseRequest { org: world.org, draw, at_least: Amount::from_pico(1) };
        leases.grant(earlier, vec![lacking]).await.unwrap();
        for upto in [7, 5] {
            let shipment = Shipment { holder: earlier, upto: Sequence(upto), events: Vec::new() };
            ingest.commit(shipment).await.unwrap();
        }
        let holder = Holder { incarnation, ..first };
        let life = Hello { journal_found: Sequence(journal_found), ..hello(&world, holder) };
        assert_eq!(world.registry.hello(life).await.unwrap().freed, is_freed, "{incarnation}");
    }
}

#[tokio::test]
async fn only_a_life_that_said_hello_is_granted_money() {
    let world = World::new().await;
    let leases = Leases::new(world.deps.store.clone(), Arc::clone(&world.deps.clock));
    let holder = metering::sample::holder(1);
    let is_refused = async |holder| {
        let refused = leases.grant(holder, Vec::new()).await;
        matches!(refused, Err(LeaseError::NotDone(sentence)) if sentence.contains("hello"))
    };
    assert!(is_refused(holder).await);
    world.registry.hello(hello(&world, holder)).await.unwrap();
    assert!(!is_refused(holder).await);
    let next = Holder { incarnation: 2, ..holder };
    assert!(is_refused(next).await);
    world.registry.hello(hello(&world, next)).await.unwrap();
    assert!(is_refused(holder).await && !is_refused(next).await);
    let now = world.clock.now();
    world.deps.store.retire_node(holder.node, store::Author::system(), now).await.unwrap();
    assert!(is_refused(next).await);
}

const PROPAGATION: &str = "propagation { revision committedAt acked { node { id name } milliseconds }
    unreachable { id state } pending { id heldRevision } refused { node { id } reason } }";

#[tokio::test]
async fn the_propagation_of_a_change_names_every_node_once() {
    let world = World::new().await;
    let nodes = [Node::hello(&world, 1).await, Node::hello(&world, 2).await, Node::hello(&world, 3).await];
    let gone = Node::hello(&world, 4).await;
    let [acked, pending, refused] = &nodes;
    let now = revision(&world).await;
    pending.acks(&world, now - 1).await;
    world.clock.set(world.clock.now().plus_seconds(2));
    acked.acks(&world, now).await;
    refused.says(&world, &world.registry, now, Some("a rule is not known here")).await;
    world.clock.set(world.clock.now().plus_seconds(2));
    world.registry.ack(pending.holder, Vec::new(), None).await.unwrap();
    let query = format!("query($o: ID!) {{ organization(id: $o) {{ {PROPAGATION} }} }}");
    let seen = world.ask(&query, json!({ "o": world.org.to_string() })).await;
    let expected = json!({
        "revision": now, "committedAt": "2026-11-21T12:00:00Z",
        "acked": [{ "node": { "id": acked.id(), "name": "node-1" }, "milliseconds": 2_000 }],
        "unreachable": [{ "id": gone.id(), "state": "UNREACHABLE" }],
        "pending": [{ "id": pending.id(), "heldRevision": now - 1 }],
        "refused": [{ "node": { "id": refused.id() }, "reason": "a rule is not known here" }],
    });
    assert_eq!(seen["organization"]["propagation"], expected);
}

#[tokio::test]
async fn a_mutations_payload_says_who_obeys_it_and_keeps_its_secret_from_nobody_who_may_not_know() {
    let world = World::new().await;
    let node = Node::hello(&world, 1).await;
    node.acks(&world, revision(&world).await + 100).await;
    let make = format!(
        "mutation($i: CreateKeyInput!) {{ createKey(input: $i) {{ secret revision {PROPAGATION} }} }}"
    );
    let team = world.team("Search").await;
    let input = json!({ "i": { "organizationId": world.org.to_string(), "name": "K", "teamId": team } });
    let made = world.ask(&make, input.clone()).await["createKey"].clone();
    assert_eq!(made["propagation"]["revision"], made["revision"]);
    assert_eq!(made["propagation"]["acked"][0]["node"]["id"], node.id());
    let (_, admin) = world.member("TEAM_ADMIN", Some(&team)).await;
    let answer = world.graphql(&admin, &make, input).await;
    assert_eq!(code(&answer), "FORBIDDEN");
    let made = &answer["data"]["createKey"];
    assert!(made["secret"].as_str().is_some_and(|secret| !secret.is_empty()), "{answer}");
    assert_eq!(made["propagation"], Value::Null);
}

#[tokio::test]
async fn nodes_page_and_are_found_by_their_id() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(Node::hello(&world, number).await.id());
    }
    ids.sort();
    let query = "query($o: ID!, $a: String) { organization(id: $o) { nodes(first: 2, after: $a) {
        nodes { id version incarnation startedAt seenAt state heldRevision }
        pageInfo { hasNextPage endCursor } } } }";
    let page = |after: Value| world.ask(query, json!({ "o": world.org.to_string(), "a": after }));
    let first = page(json!(null)).await["organization"]["nodes"].clone();
    let shown = json!({
        "id": ids[0], "version": "1.2.3", "incarnation": 1, "startedAt": "2026-11-21T12:00:00Z",
        "seenAt": "2026-11-21T12:00:00Z", "state": "REACHABLE", "heldRevision": null,
    });
    assert_eq!((&first["nodes"][0], &first["nodes"][1]["id"]), (&shown, &json!(ids[1])));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = page(first["pageInfo"]["endCursor"].clone()).await["organization"]["nodes"].clone();
    assert_eq!((&second["nodes"][0]["id"], &second["nodes"][1]), (&json!(ids[2]), &json!(null)));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let found =
        world.ask("query($id: ID!) { node(id: $id) { __typename id } }", json!({ "id": ids[1] })).await;
    assert_eq!(found["node"], json!({ "__typename": "GatewayNode", "id": ids[1] }));
}

#[tokio::test]
async fn nodes_of_one_organization_tell_nothing_of_another() {
    let world = World::new().await;
    let theirs = world.neighbour("Other").await;
    let node = Node::hello(&world, 1).await;
    node.acks(&world, 1).await;
    let query = "query($o: ID!) { organization(id: $o) { nodes { nodes { heldRevision } } } }";
    let shown = theirs.ask(query, json!({ "o": theirs.org.to_string() })).await;
    assert_eq!(shown["organization"]["nodes"]["nodes"], json!([{ "heldRevision": null }]));
}
