//! Every mutation and every field of an organization, for every role, in the own and in a foreign organization.
//!
//! The table below is written by hand: it is what the documentation promises, and fails when the schema has a field
//! that it lacks.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};

use crate::socket::Socket;
use crate::world::{World, code};

const ALL: &str = "OWNER ADMIN TEAM_ADMIN MEMBER FINANCE AUDITOR";
const ADMINS: &str = "OWNER ADMIN";

/// Field, what to select of it with which arguments, and who may.
const ORGANIZATION: &[(&str, &str, &str)] = &[
    ("id", "id", ALL),
    ("name", "name", ALL),
    ("viewerRole", "viewerRole", ALL),
    ("teams", "teams { nodes { id name costCentre } }", ALL),
    ("members", "members { nodes { id role teamId person { id email name } } }", ALL),
    (
        "keys",
        "keys { nodes { id name kind label publicId teamId memberId } }",
        "OWNER ADMIN TEAM_ADMIN MEMBER AUDITOR",
    ),
    ("budgets", "budgets { nodes { id name state { spent } } }", "OWNER ADMIN TEAM_ADMIN FINANCE AUDITOR"),
    (
        "noticeTargets",
        "noticeTargets { nodes { id name kind destination deliveredAt failingSince failures lastError waiting givenUp } }",
        "OWNER ADMIN AUDITOR",
    ),
    ("policies", "policies { nodes { id name rules { zdr } } }", "OWNER ADMIN AUDITOR"),
    ("credentials", "credentials { nodes { id provider label } }", "OWNER ADMIN AUDITOR"),
    ("usageEvents", "usageEvents(period: \"2026-11\") { nodes { id cost } }", "OWNER ADMIN FINANCE AUDITOR"),
    ("usageCompleteTo", "usageCompleteTo", "OWNER ADMIN FINANCE AUDITOR"),
    ("chargeback", "chargeback(period: \"2026-11\") { total }", "OWNER ADMIN FINANCE AUDITOR"),
    ("auditLog", "auditLog { nodes { action } }", "OWNER ADMIN AUDITOR"),
    ("nodes", "nodes { nodes { id name seenAt heldRevision } }", "OWNER ADMIN AUDITOR"),
    ("propagation", "propagation { revision acked { node { id } } pending { id } }", "OWNER ADMIN AUDITOR"),
];

/// Subscription, what to watch of it with which arguments but for the organization, and who may.
const SUBSCRIPTIONS: &[(&str, &str, &str)] = &[
    ("nodes", "nodes(organizationId: $o) { id name seenAt heldRevision }", "OWNER ADMIN AUDITOR"),
    ("propagation", "propagation(organizationId: $o, revision: 1) { revision }", "OWNER ADMIN AUDITOR"),
];

/// Mutation, its payload's selection, its input but for the organization, and who may.
fn mutations(world: &Fixture) -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let key_makers = "OWNER ADMIN TEAM_ADMIN";
    vec![
        ("renameOrganization", "organization { id }", json!({ "name": "Acme" }), ADMINS),
        ("createTeam", "team { id }", json!({ "name": "New" }), ADMINS),
        ("updateTeam", "team { id }", json!({ "id": world.team, "name": "Renamed" }), ADMINS),
        (
            "createMember",
            "member { id }",
            json!({ "email": "new@example.com", "name": "N", "role": "MEMBER" }),
            ADMINS,
        ),
        ("updateMember", "member { id }", json!({ "id": world.member, "role": "MEMBER" }), ADMINS),
        ("removeMember", "member { id }", json!({ "id": world.leaver }), ADMINS),
        ("createKey", "secret", json!({ "name": "K", "teamId": world.team }), key_makers),
        ("rotateKey", "secret", json!({ "id": world.key, "graceSeconds": 60 }), key_makers),
        ("revokeKey", "key { id }", json!({ "id": world.key }), key_makers),
        ("createBudget", "budget { id }", json!({ "name": "B", "scope": "ORG", "limit": "10" }), ADMINS),
        ("updateBudget", "budget { id }", json!({ "id": world.budget, "limit": "20" }), ADMINS),
        (
            "raiseBudget",
            "budget { id raises { id amount until } }",
            json!({ "id": world.budget, "amount": "5", "until": "2030-01-01T00:00:00Z", "reason": "launch" }),
            ADMINS,
        ),
        ("endBudgetRaise", "budget { id }", json!({ "id": ZERO_RAISE }), ADMINS),
        ("removeBudget", "budget { id }", json!({ "id": world.budget }), ADMINS),
        (
            "createNoticeTarget",
            "secret",
            json!({ "name": "T", "kind": "WEBHOOK", "destination": "https://example.com/hook" }),
            ADMINS,
        ),
        ("testNoticeTarget", "ok", json!({ "id": ZERO_TARGET }), ADMINS),
        ("deleteNoticeTarget", "id", json!({ "id": world.target }), ADMINS),
        (
            "createPolicy",
            "policy { id }",
            json!({ "name": "P", "layer": "ORG", "rules": { "zdr": true } }),
            ADMINS,
        ),
        ("updatePolicy", "policy { id }", json!({ "id": world.policy, "rules": { "zdr": true } }), ADMINS),
        ("removePolicy", "policy { id }", json!({ "id": world.policy }), ADMINS),
        (
            "storeCredential",
            "credential { id }",
            json!({ "provider": "none", "label": "L", "secret": "s" }),
            ADMINS,
        ),
        ("removeCredential", "credential { id }", json!({ "id": ZERO_CREDENTIAL }), ADMINS),
        ("testCredential", "ok", json!({ "id": ZERO_CREDENTIAL }), ADMINS),
    ]
}

const ZERO_CREDENTIAL: &str = "cred_00000000000000000000000000000000";
const ZERO_TARGET: &str = "target_00000000000000000000000000000000";
const ZERO_RAISE: &str = "raise_00000000000000000000000000000000";
const ZERO_ORG: &str = "org_00000000000000000000000000000000";

/// One organization with something of each kind, and a management key per role.
struct Fixture {
    world: World,
    callers: Vec<(&'static str, String)>,
    team: String,
    member: String,
    leaver: String,
    key: String,
    budget: String,
    policy: String,
    target: String,
}

impl Fixture {
    async fn new() -> Self {
        let mut fixture = Self::of(World::new().await).await;
        for role in ["ADMIN", "TEAM_ADMIN", "MEMBER", "FINANCE", "AUDITOR"] {
            let (_, key) = fixture.world.member(role, Some(&fixture.team)).await;
            fixture.callers.push((role, key));
        }
        fixture
    }

    async fn of(world: World) -> Self {
        let team = world.team("Search").await;
        let callers = vec![("OWNER", world.owner.clone())];
        let made =
            |field: &'static str, object: &'static str, input: Value| made(&world, field, object, input);
        let person = |n: u8| json!({ "email": format!("p{n}-{}@example.com", world.org), "name": "P", "role": "MEMBER" });
        let (member, leaver) = (
            made("createMember", "member", person(1)).await,
            made("createMember", "member", person(2)).await,
        );
        let key = made("createKey", "key", json!({ "name": "K", "teamId": team })).await;
        let budget =
            made("createBudget", "budget", json!({ "name": "B", "scope": "ORG", "limit": "1" })).await;
        let rules = json!({ "noTraining": true });
        let policy =
            made("createPolicy", "policy", json!({ "name": "P", "layer": "ORG", "rules": rules })).await;
        let hook = json!({ "name": "T", "kind": "WEBHOOK", "destination": "https://example.com/hook" });
        let target = made("createNoticeTarget", "noticeTarget", hook).await;
        Self { world, callers, team, member, leaver, key, budget, policy, target }
    }
}

async fn made(world: &World, field: &str, object: &str, input: Value) -> String {
    let query = mutation(field, &format!("{object} {{ id }}"));
    let data = world.ask(&query, with_org(input, &world.org.to_string())).await;
    data[field][object]["id"].as_str().unwrap().to_owned()
}

fn mutation(field: &str, selection: &str) -> String {
    let (first, rest) = field.split_at(1);
    format!("mutation($i: {}{rest}Input!) {{ {field}(input: $i) {{ {selection} }} }}", first.to_uppercase())
}

fn with_org(mut input: Value, org: &str) -> Value {
    input["organizationId"] = json!(org);
    json!({ "i": input })
}

fn fields_of(object: &str) -> BTreeSet<String> {
    let document = parse_schema(controlplane::sdl()).unwrap();
    document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(found) if found.node.name.node == object => match found.node.kind {
                TypeKind::Object(object) => Some(object.fields),
                _ => None,
            },
            _ => None,
        })
        .flatten()
        .map(|field| field.node.name.node.to_string())
        .collect()
}

#[tokio::test]
async fn the_table_has_every_field_of_the_schema() {
    let fixture = Fixture::new().await;
    let table: BTreeSet<String> = ORGANIZATION.iter().map(|(field, ..)| (*field).to_owned()).collect();
    assert_eq!(table, fields_of("Organization"));
    let table: BTreeSet<String> = mutations(&fixture).iter().map(|(field, ..)| (*field).to_owned()).collect();
    assert_eq!(table, fields_of("Mutation"));
    let table: BTreeSet<String> = SUBSCRIPTIONS.iter().map(|(field, ..)| (*field).to_owned()).collect();
    assert_eq!(table, fields_of("Subscription"));
    let roots = BTreeSet::from(["models", "node", "organization", "viewer"].map(str::to_owned));
    assert_eq!(roots, fields_of("Query"), "a new root field needs tests of its own");
}

#[tokio::test]
async fn every_role_reads_what_the_table_says_and_nothing_else() {
    let fixture = Fixture::new().await;
    let org = fixture.world.org.to_string();
    for (field, selection, allowed) in ORGANIZATION {
        let query = format!("query($o: ID!) {{ organization(id: $o) {{ {selection} }} }}");
        for (role, key) in &fixture.callers {
            let answer = fixture.world.graphql(key, &query, json!({ "o": org })).await;
            let expected = if allowed.split(' ').any(|name| name == *role) { "" } else { "FORBIDDEN" };
            assert_eq!(code(&answer), expected, "{field} by {role}: {answer}");
        }
    }
}

#[tokio::test]
async fn every_role_changes_what_the_table_says_and_nothing_else() {
    let fixture = Fixture::new().await;
    let org = fixture.world.org.to_string();
    for (field, selection, input, allowed) in mutations(&fixture) {
        let query = mutation(field, selection);
        // The least powerful first, so that what a powerful one removes is still there to be refused.
        for (role, key) in fixture.callers.iter().rev() {
            let answer = fixture.world.graphql(key, &query, with_org(input.clone(), &org)).await;
            let may = allowed.split(' ').any(|name| name == *role);
            assert_eq!(code(&answer) != "FORBIDDEN", may, "{field} by {role}: {answer}");
        }
    }
}

/// The first answer to a subscription.
async fn watched(socket: &mut Socket, selection: &str, org: &str) -> Value {
    let query = format!("subscription($o: ID!) {{ {selection} }}");
    socket.subscribe("1", &query, json!({ "o": org })).await;
    let answer = socket.next().await["payload"].clone();
    socket.complete("1").await;
    answer
}

#[tokio::test]
async fn every_role_watches_what_the_table_says_and_a_foreign_organization_does_not_exist() {
    let fixture = Fixture::new().await;
    let (own, foreign) = (fixture.world.org, fixture.world.neighbour("Other").await.org);
    for (role, key) in &fixture.callers {
        let mut socket = Socket::open(&fixture.world, key).await;
        for (field, selection, allowed) in SUBSCRIPTIONS {
            let answer = watched(&mut socket, selection, &own.to_string()).await;
            let expected = if allowed.split(' ').any(|name| name == *role) { "" } else { "FORBIDDEN" };
            assert_eq!(code(&answer), expected, "{field} by {role}: {answer}");
            let theirs = watched(&mut socket, selection, &foreign.to_string()).await;
            assert_eq!(code(&theirs), "NOT_FOUND", "{field} by {role}");
            assert_eq!(theirs, watched(&mut socket, selection, ZERO_ORG).await, "{field} by {role}");
        }
    }
}

#[tokio::test]
async fn a_foreign_organization_looks_exactly_like_one_that_does_not_exist() {
    let fixture = Fixture::new().await;
    let foreign = fixture.world.neighbour("Other").await.org.to_string();
    let reads = ORGANIZATION.iter().map(|(field, selection, _)| {
        (*field, format!("query($o: ID!) {{ organization(id: $o) {{ {selection} }} }}"), None)
    });
    let writes = mutations(&fixture)
        .into_iter()
        .map(|(field, selection, input, _)| (field, mutation(field, selection), Some(input)))
        .collect::<Vec<_>>();
    for (field, query, input) in reads.chain(writes) {
        for (role, key) in &fixture.callers {
            let variables = |org: &str| match &input {
                Some(input) => with_org(input.clone(), org),
                None => json!({ "o": org }),
            };
            let theirs = fixture.world.graphql(key, &query, variables(&foreign)).await;
            let nowhere = fixture.world.graphql(key, &query, variables(ZERO_ORG)).await;
            assert_eq!(code(&theirs), "NOT_FOUND", "{field} by {role}");
            assert_eq!(theirs, nowhere, "{field} by {role}");
        }
    }
}

#[tokio::test]
async fn a_foreign_object_in_the_own_organization_looks_exactly_like_one_that_does_not_exist() {
    let fixture = Fixture::new().await;
    let theirs = Fixture::of(fixture.world.neighbour("Other").await).await;
    let (world, owner) = (&fixture.world, &fixture.world.owner);
    let org = world.org.to_string();
    let references = [
        ("updateTeam", json!({ "name": "X" }), "id", &theirs.team),
        ("updateMember", json!({ "role": "ADMIN" }), "id", &theirs.member),
        ("removeMember", json!({}), "id", &theirs.leaver),
        ("rotateKey", json!({}), "id", &theirs.key),
        ("revokeKey", json!({}), "id", &theirs.key),
        ("updateBudget", json!({ "limit": "5" }), "id", &theirs.budget),
        ("removeBudget", json!({}), "id", &theirs.budget),
        ("updatePolicy", json!({ "name": "X" }), "id", &theirs.policy),
        ("removePolicy", json!({}), "id", &theirs.policy),
        ("createKey", json!({ "name": "K" }), "teamId", &theirs.team),
        ("createKey", json!({ "name": "K" }), "memberId", &theirs.member),
        (
            "createMember",
            json!({ "email": "n@example.com", "name": "N", "role": "MEMBER" }),
            "teamId",
            &theirs.team,
        ),
        ("createBudget", json!({ "name": "B", "scope": "TEAM", "limit": "1" }), "scopeId", &theirs.team),
        ("createBudget", json!({ "name": "B", "scope": "KEY", "limit": "1" }), "scopeId", &theirs.key),
        ("createBudget", json!({ "name": "B", "scope": "MEMBER", "limit": "1" }), "scopeId", &theirs.member),
        ("createPolicy", json!({ "name": "P", "layer": "KEY", "rules": {} }), "layerId", &theirs.key),
        ("createPolicy", json!({ "name": "P", "layer": "TEAM", "rules": {} }), "layerId", &theirs.team),
    ];
    for (field, input, reference, foreign) in references {
        let prefix = foreign.split_once('_').unwrap().0;
        let unknown = format!("{prefix}_{}", "0".repeat(32));
        let with = |id: &str| {
            let mut input = input.clone();
            input[reference] = json!(id);
            with_org(input, &org)
        };
        let query = mutation(field, "revision");
        let answer = world.graphql(owner, &query, with(foreign)).await;
        assert_eq!(code(&answer), "NOT_FOUND", "{field} {reference}");
        assert_eq!(answer, world.graphql(owner, &query, with(&unknown)).await, "{field} {reference}");
    }
    let node = "query($id: ID!) { node(id: $id) { id } }";
    for foreign in [&theirs.team, &theirs.member, &theirs.key, &theirs.budget, &theirs.policy] {
        assert_eq!(world.ask(node, json!({ "id": foreign })).await["node"], json!(null));
        assert_eq!(theirs.world.ask(node, json!({ "id": foreign })).await["node"]["id"], json!(foreign));
    }
    assert_eq!(world.ask(node, json!({ "id": theirs.world.org.to_string() })).await["node"], json!(null));
}
