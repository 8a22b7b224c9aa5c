//! What a GraphQL request may look like, and how errors look.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use crate::world::{Answer, World, code};

async fn post(world: &World, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post("/graphql")
        .header("content-type", content_type)
        .header("authorization", format!("Bearer {}", world.owner));
    world.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn only_one_json_request_by_post_is_answered() {
    let world = World::new().await;
    let body = r#"{"query":"{ __typename }"}"#;
    assert_eq!(
        post(&world, "application/json; charset=utf-8", body).await.json()["data"]["__typename"],
        "Query"
    );
    for other in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        assert_eq!(post(&world, other, body).await.status, StatusCode::BAD_REQUEST, "{other}");
    }
    let batch = post(&world, "application/json", format!("[{body},{body}]")).await;
    assert_eq!((batch.status, code(&batch.json())), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    let get = Request::get("/graphql?query=%7B__typename%7D").body(Body::empty()).unwrap();
    assert_eq!(world.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let large =
        post(&world, "application/json", format!("{{\"query\":\"{}\"}}", " ".repeat(100 * 1024))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_asks_for_too_much_is_refused_as_too_complex() {
    let world = World::new().await;
    let deep = "{ viewer { memberships { organization { teams { edges { node { id } } } } } } }";
    assert!(world.graphql(&world.owner, deep, json!({})).await.get("errors").is_none());

    let nested = |n: usize| format!("{}__typename{}", "{ __schema ".repeat(n), "}".repeat(n));
    let aliases = (0..16).map(|i| format!("a{i}: __typename ")).collect::<String>();
    let wide = "{ organization(id: \"x\") { teams(first: 100) { nodes { id name costCentre } }
        members(first: 100) { nodes { id role person { id email name } } }
        keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        a: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        b: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        c: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        d: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        e: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        f: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        g: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } }
        h: keys(first: 100) { nodes { id name label publicId kind createdAt expiresAt revokedAt } } } }";
    for query in [nested(60), format!("{{ viewer {{ {aliases} }} }}"), wide.to_owned()] {
        let answer = world.graphql(&world.owner, &query, json!({})).await;
        assert_eq!(code(&answer), "TOO_COMPLEX", "{query}: {answer}");
    }
}

#[tokio::test]
async fn depth_is_ten_for_data_and_more_for_questions_about_the_schema() {
    let world = World::new().await;
    let wrapped = "{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { name } \
                   } } } } } } } } } }";
    assert!(world.graphql(&world.owner, wrapped, json!({})).await.get("errors").is_none());
    let both = wrapped.replacen("{ __schema", "{ viewer { __typename } __schema", 1);
    assert_eq!(code(&world.graphql(&world.owner, &both, json!({})).await), "TOO_COMPLEX");
}

#[tokio::test]
async fn a_page_too_large_is_refused_and_not_cut_down() {
    let world = World::new().await;
    let query = "query($o: ID!, $n: Int) { organization(id: $o) { teams(first: $n) { nodes { id } } } }";
    for n in [0, -1, 101] {
        let answer = world.graphql(&world.owner, query, json!({ "o": world.org.to_string(), "n": n })).await;
        assert_eq!(code(&answer), "BAD_USER_INPUT", "{n}");
        assert_eq!(answer["errors"][0]["extensions"]["field"], "first");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(world.team(&format!("Team {n}")).await);
    }
    made.sort();
    let query = "query($o: ID!, $a: String) { organization(id: $o) { teams(first: 2, after: $a) {
        edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }";
    let (mut seen, mut after) = (Vec::new(), json!(null));
    loop {
        let page = world.ask(query, json!({ "o": world.org.to_string(), "a": after })).await["organization"]
            ["teams"]
            .clone();
        let edges = page["edges"].as_array().unwrap();
        seen.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()));
        if !page["pageInfo"]["hasNextPage"].as_bool().unwrap() {
            break;
        }
        assert_eq!(edges.len(), 2);
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn what_the_library_refuses_has_a_code_too() {
    let world = World::new().await;
    for query in ["{ nothing }", "{", "query($x: Int!) { viewer { __typename } organization(id: $x) { id } }"]
    {
        assert_eq!(code(&world.graphql(&world.owner, query, json!({})).await), "BAD_USER_INPUT", "{query}");
    }
    let answer = world.graphql(&world.owner, "{ viewr { person { id } } }", json!({})).await;
    assert!(!answer["errors"][0]["message"].as_str().unwrap().contains("viewer"), "no suggestions: {answer}");
}

#[tokio::test]
async fn an_object_is_found_by_its_id_alone() {
    let world = World::new().await;
    let team = world.team("Search").await;
    let query = "query($id: ID!) { node(id: $id) { __typename id ... on Team { name } } }";
    let found = world.ask(query, json!({ "id": team })).await;
    assert_eq!(found["node"], json!({ "__typename": "Team", "id": team, "name": "Search" }));
    let org = world.ask(query, json!({ "id": world.org.to_string() })).await;
    assert_eq!(org["node"]["__typename"], "Organization");
    for missing in ["team_00000000000000000000000000000000", "nonsense", ""] {
        assert_eq!(world.ask(query, json!({ "id": missing })).await["node"], json!(null));
    }
}
