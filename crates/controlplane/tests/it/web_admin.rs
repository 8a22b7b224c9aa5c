//! The web admin and the headers around everything.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::world::World;

#[tokio::test]
async fn every_path_that_is_no_route_is_the_page_and_never_cached() {
    let world = World::new().await;
    for path in ["/", "/orgs/some/chargeback"] {
        let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["cache-control"], "no-cache");
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(answer.text.contains("<!doctype html>") || answer.text.contains("<!DOCTYPE html>"));
    }
    let missing = world.send(Request::get("/assets/missing.js").body(Body::empty()).unwrap()).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let posted = world.send(Request::post("/orgs").body(Body::empty()).unwrap()).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nothing_leaves_the_embedded_folder() {
    let world = World::new().await;
    for path in
        ["/../Cargo.toml", "/assets/../../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/..%2f..%2fCargo.toml"]
    {
        let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert!(!answer.text.contains("[package]"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let world = World::new().await;
    for path in ["/", "/healthz", "/reports/chargeback.csv", "/assets/missing.js"] {
        let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert!(
            answer.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'")
        );
    }
}
