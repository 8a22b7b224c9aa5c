//! From shipped events to the report: what is shown and downloaded adds up to the pico-dollar.

use axum::body::Body;
use controlplane::Ingest;
use domain::model::ModelKind;
use domain::{
    Amount, Clock, EndpointId, EventId, KeyId, NodeId, Pico, PriceVersionId, RequestId, TeamId, TokenClass,
    TokenUsage,
};
use http::{Request, StatusCode};
use metering::ports::UsageSink;
use metering::usage::{
    Attempt, Attribution, Flags, Holder, Outcome, Revision, Settlement, UsageEvent, UsageSource,
};
use serde_json::{Value, json};

use crate::nodes::Node;
use crate::world::{Answer, World, code};

/// An event of `key`; `cost` is what is charged, and a cut one was streamed to half of it.
fn event(
    world: &World,
    key: KeyId,
    team: Option<TeamId>,
    (n, outcome, cost): (u128, Outcome, i64),
) -> UsageEvent {
    let now = world.clock.now();
    let id = EventId { request: RequestId::new(now, n), attempt: 1 };
    let attempt = Attempt {
        id,
        holder: Holder { node: NodeId::new(now, 1), incarnation: 1 },
        attribution: Attribution {
            org: world.org,
            key,
            team,
            member: None,
            cost_centre: team.map(|_| "4711".to_owned()),
            app: None,
            end_user: None,
            tags: Vec::new(),
            session: None,
            data_class: None,
            route: None,
        },
        kind: ModelKind::Chat,
        stream: true,
        requested_model: "acme/one".to_owned(),
        model: "acme/one".to_owned(),
        provider: "acme".to_owned(),
        endpoint: EndpointId::new(now, 1),
        byok: None,
        price_version: PriceVersionId::new(now, 1),
        revision: Revision { epoch: 1, org: 1, platform: 1 },
        zdr: false,
        reserved: Pico::new(cost.saturating_mul(2)),
        draws: Vec::new(),
        admitted_at: now,
    };
    let streamed = if outcome.is_to_the_end() { cost } else { cost / 2 };
    let settlement = Settlement {
        outcome,
        status: 200,
        error: None,
        usage: TokenUsage::default().with(TokenClass::Input, 10).with(TokenClass::Output, 5),
        usage_source: UsageSource::Provider,
        cost: Pico::new(cost),
        streamed: Pico::new(streamed),
        suspense: Pico::ZERO,
        overruns: Vec::new(),
        flags: Flags::default(),
        finish_reason: Some("stop".to_owned()),
        first_byte_at: Some(now),
        ended_at: now,
    };
    UsageEvent { attempt, settlement }
}

async fn key(world: &World, name: &str, team: Option<&str>) -> KeyId {
    let query = "mutation($i: CreateKeyInput!) { createKey(input: $i) { key { id } } }";
    let input = json!({ "i": { "organizationId": world.org.to_string(), "name": name, "teamId": team } });
    world.ask(query, input).await["createKey"]["key"]["id"].as_str().unwrap().parse().unwrap()
}

/// Two keys, one of them of a team, and five events, two of which were cut short.
async fn month(world: &World) -> Vec<UsageEvent> {
    let team = world.team("Search").await;
    let (alone, teamed) = (key(world, "=alone", None).await, key(world, "teamed", Some(&team)).await);
    let team = team.parse().ok();
    vec![
        event(world, alone, None, (1, Outcome::Answered, 9_000_000_000_000_000_001)),
        event(world, alone, None, (2, Outcome::Answered, 9_000_000_000_000_000_001)),
        event(world, teamed, team, (3, Outcome::Answered, 3)),
        event(world, teamed, team, (4, Outcome::Cut, 400)),
        event(world, teamed, team, (5, Outcome::Broken, 500)),
    ]
}

async fn ship(world: &World, events: &[UsageEvent]) {
    let deps = &world.deps;
    let ingest = Ingest::new(deps.store.clone(), deps.clock.clone(), deps.metrics.clone());
    ingest.commit(metering::sample::shipment(events.to_vec())).await.unwrap();
}

const REPORT: &str =
    "query($o: ID!, $p: String!, $a: String) { organization(id: $o) { chargeback(period: $p) {
    period total completeTo ledgerTotal eventCount csvUrl
    lines { teamName costCentre keyName model provider requests inputTokens outputTokens cost }
    cutCalls(first: 1, after: $a) { nodes { eventId model outcome streamed cost suspense reserved }
        pageInfo { hasNextPage endCursor } } } } }";

async fn report(world: &World, after: Value) -> Value {
    let variables = json!({ "o": world.org.to_string(), "p": "2026-11", "a": after });
    world.ask(REPORT, variables).await["organization"]["chargeback"].clone()
}

async fn download(world: &World, bearer: &str, path: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {bearer}"));
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn lines_events_and_ledger_agree_to_the_pico_dollar() {
    let world = World::new().await;
    let events = month(&world).await;
    ship(&world, &events).await;
    ship(&world, &events).await;
    let report = report(&world, json!(null)).await;
    let expected: Amount = events.iter().map(|event| Amount::from(event.settlement.cost)).sum();
    assert_eq!(report["total"], expected.to_string());
    assert_eq!((&report["ledgerTotal"], &report["eventCount"]), (&report["total"], &json!(5)));
    let lines = report["lines"].as_array().unwrap();
    let sum: Amount =
        lines.iter().map(|line| line["cost"].as_str().unwrap().parse::<Amount>().unwrap()).sum();
    assert_eq!(sum, expected, "beyond what a 64-bit sum could hold");
    let teamed = lines.iter().find(|line| line["keyName"] == "teamed").unwrap();
    assert_eq!(
        teamed,
        &json!({ "teamName": "Search", "costCentre": "4711", "keyName": "teamed", "model": "acme/one", "provider": "acme",
            "requests": 3, "inputTokens": 30, "outputTokens": 15, "cost": "0.000000000903" })
    );
}

#[tokio::test]
async fn every_cut_call_is_listed_once_within_its_bounds() {
    let world = World::new().await;
    ship(&world, &month(&world).await).await;
    let first = report(&world, json!(null)).await["cutCalls"].clone();
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = report(&world, first["pageInfo"]["endCursor"].clone()).await["cutCalls"].clone();
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let calls = [&first["nodes"][0], &second["nodes"][0]];
    let mut outcomes: Vec<_> = calls.iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["BROKEN", "CUT"]);
    for call in calls {
        let amount = |field: &str| call[field].as_str().unwrap().parse::<Amount>().unwrap();
        assert!(amount("streamed") <= amount("cost") && amount("cost") <= amount("reserved"), "{call}");
    }
}

#[tokio::test]
async fn the_download_adds_up_to_the_same_total_and_is_audited() {
    let world = World::new().await;
    ship(&world, &month(&world).await).await;
    assert_eq!(report(&world, json!(null)).await["completeTo"], json!(null), "no node has said");
    let moment = world.clock.now().plus_seconds(-3);
    Node::hello(&world, 1).await.is_complete_to(&world, moment).await;
    let report = report(&world, json!(null)).await;
    let answer = download(&world, &world.owner, report["csvUrl"].as_str().unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"chargeback-2026-11.csv\"");
    let complete_to = moment.to_string();
    assert_eq!(answer.headers["weir-complete-to"], complete_to);
    assert_eq!(report["completeTo"], complete_to);
    let mut rows = answer.text.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let (cost, key) = (header.len() - 1, header.iter().position(|name| *name == "key_name").unwrap());
    assert_eq!(header[cost], "cost_usd");
    let rows: Vec<_> = rows.collect();
    let sum: Amount = rows.iter().map(|row| row[cost].parse::<Amount>().unwrap()).sum();
    assert_eq!(sum.to_string(), report["total"]);
    let watermark = header.iter().position(|name| *name == "complete_to_utc").unwrap();
    assert!(rows.iter().all(|row| row[watermark] == complete_to), "{rows:?}");
    assert!(rows.iter().any(|row| row[key] == "'=alone"), "no formula reaches a spreadsheet");

    let cut = format!("/reports/cut-calls.csv?org={}&period=2026-11", world.org);
    assert_eq!(download(&world, &world.owner, &cut).await.text.lines().count(), 3);
    let log = "query($o: ID!) { organization(id: $o) { auditLog(first: 2) { nodes { action detail } } } }";
    let entries =
        world.ask(log, json!({ "o": world.org.to_string() })).await["organization"]["auditLog"]["nodes"]
            .clone();
    assert_eq!(
        entries,
        json!([{ "action": "download_report", "detail": "{\"report\":\"cut-calls\",\"period\":\"2026-11\"}" },
            { "action": "download_report", "detail": "{\"report\":\"chargeback\",\"period\":\"2026-11\"}" }])
    );
}

#[tokio::test]
async fn only_who_reads_usage_downloads_and_a_wrong_month_is_named() {
    let world = World::new().await;
    let path = |org: &str, period: &str| format!("/reports/chargeback.csv?org={org}&period={period}");
    let org = world.org.to_string();
    let (_, auditor) = world.member("AUDITOR", None).await;
    let (_, member) = world.member("MEMBER", None).await;
    assert_eq!(download(&world, &auditor, &path(&org, "2026-11")).await.status, StatusCode::OK);
    assert_eq!(download(&world, &member, &path(&org, "2026-11")).await.code(), "FORBIDDEN");
    assert_eq!(download(&world, "nobody", &path(&org, "2026-11")).await.code(), "UNAUTHENTICATED");
    let nowhere = "org_00000000000000000000000000000000";
    assert_eq!(download(&world, &auditor, &path(nowhere, "2026-11")).await.code(), "NOT_FOUND");
    for period in ["2026-13", "2026", "11/2026"] {
        assert_eq!(download(&world, &auditor, &path(&org, period)).await.code(), "BAD_USER_INPUT");
        let answer = world.graphql(&auditor, REPORT, json!({ "o": org, "p": period })).await;
        assert_eq!(
            (code(&answer), &answer["errors"][0]["extensions"]["field"]),
            ("BAD_USER_INPUT", &json!("period"))
        );
    }
}

#[tokio::test]
async fn a_month_without_usage_is_an_empty_report() {
    let world = World::new().await;
    let report = report(&world, json!(null)).await;
    assert_eq!(
        (&report["total"], &report["lines"], &report["eventCount"]),
        (&json!("0"), &json!([]), &json!(0))
    );
}

#[tokio::test]
async fn a_usage_event_shows_what_was_stamped_on_it() {
    let world = World::new().await;
    let events = month(&world).await;
    ship(&world, &events).await;
    let query = "query($o: ID!) { organization(id: $o) { usageEvents(period: \"2026-11\", first: 100) {
        nodes { id outcome cost costCentre usage { input output } usageSource } } } }";
    let nodes = world.ask(query, json!({ "o": world.org.to_string() })).await["organization"]["usageEvents"]
        ["nodes"]
        .clone();
    assert_eq!(nodes.as_array().unwrap().len(), events.len());
    let id = events[3].attempt.id.to_string();
    let shown = nodes.as_array().unwrap().iter().find(|node| node["id"] == id.as_str()).unwrap();
    assert_eq!(
        shown,
        &json!({ "id": id, "outcome": "CUT", "cost": "0.0000000004", "costCentre": "4711",
            "usage": { "input": 10, "output": 5 }, "usageSource": "PROVIDER" })
    );
}
