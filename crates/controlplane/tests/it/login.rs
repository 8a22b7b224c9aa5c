//! Log-in, refresh and log-out, and who is let in at all.

use axum::body::Body;
use domain::Clock;
use http::{Request, StatusCode};
use serde_json::json;

use crate::world::{Answer, EMAIL, PASSWORD, World, code};

async fn login(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password }).to_string();
    let request =
        Request::post("/auth/login").header("content-type", "application/json").body(Body::from(body));
    world.send(request.unwrap()).await
}

async fn with_cookie(world: &World, path: &str, cookie: &str) -> Answer {
    let request = Request::post(path).header("x-weir-csrf", "1").header("cookie", cookie).body(Body::empty());
    world.send(request.unwrap()).await
}

fn cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

const VIEWER: &str = "{ viewer { person { email name } memberships { role organization { id name } } } }";

#[tokio::test]
async fn who_logs_in_can_ask_who_they_are() {
    let world = World::new().await;
    let answer = login(&world, " Ada@Example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("weir_refresh=") && set.ends_with("Path=/auth; HttpOnly; SameSite=Lax"), "{set}");
    let body = answer.json();
    assert_eq!((body["expires_in"].as_i64(), body["token_type"].as_str()), (Some(300), Some("Bearer")));
    assert!(body.get("refresh_token").is_none());

    let viewer = world.graphql(body["access_token"].as_str().unwrap(), VIEWER, json!({})).await;
    assert_eq!(viewer["data"]["viewer"]["person"], json!({ "email": EMAIL, "name": "Ada" }));
    let membership = &viewer["data"]["viewer"]["memberships"][0];
    assert_eq!(membership["role"], "OWNER");
    assert_eq!(membership["organization"], json!({ "id": world.org.to_string(), "name": "Acme" }));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let world = World::new().await;
    let wrong = login(&world, EMAIL, "wrong horse battery").await;
    let unknown = login(&world, "nobody@example.com", PASSWORD).await;
    assert_eq!((wrong.status, unknown.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(wrong.text, unknown.text);
    assert!(wrong.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn the_sixth_guess_on_an_account_is_refused_even_when_it_is_right() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(login(&world, EMAIL, "wrong horse battery").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = login(&world, EMAIL, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert_eq!(refused.headers["retry-after"], "60");
    world.clock.set(world.clock.now().plus_seconds(60));
    assert_eq!(login(&world, EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_refused() {
    let world = World::new().await;
    for guess in 0..10 {
        // Another account each time, so that no account's own limit is what refuses.
        login(&world, &format!("nobody{guess}@example.com"), PASSWORD).await;
    }
    let refused = login(&world, EMAIL, PASSWORD).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert!(refused.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_page_load_is_no_attempt_at_a_password() {
    let world = World::new().await;
    for _ in 0..30 {
        with_cookie(&world, "/auth/refresh", "a=b").await;
    }
    assert_eq!(login(&world, EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_refresh() {
    let world = World::new().await;
    let first = cookie(&login(&world, EMAIL, PASSWORD).await);
    let refreshed = with_cookie(&world, "/auth/refresh", &first).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    let second = cookie(&refreshed);
    assert_ne!(first, second);
    let token = refreshed.json()["access_token"].as_str().unwrap().to_owned();
    assert!(world.graphql(&token, VIEWER, json!({})).await.get("errors").is_none());

    assert_eq!(with_cookie(&world, "/auth/refresh", &first).await.status, StatusCode::UNAUTHORIZED);
    let after = with_cookie(&world, "/auth/refresh", &second).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED, "a reused token ends the whole family");
    assert_eq!(login(&world, EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_with_log_out_and_with_time() {
    let world = World::new().await;
    let out = cookie(&login(&world, EMAIL, PASSWORD).await);
    let answer = with_cookie(&world, "/auth/logout", &out).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("weir_refresh=; Max-Age=0"));
    assert_eq!(with_cookie(&world, "/auth/refresh", &out).await.status, StatusCode::UNAUTHORIZED);

    let kept = cookie(&login(&world, EMAIL, PASSWORD).await);
    world.clock.set(world.clock.now().plus_seconds(14 * 86_400));
    assert_eq!(with_cookie(&world, "/auth/refresh", &kept).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_foreign_page_can_neither_refresh_nor_log_out_nor_log_in() {
    let world = World::new().await;
    let session = cookie(&login(&world, EMAIL, PASSWORD).await);
    let form = |path: &str| {
        let plain = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        plain.header("cookie", &session).body(Body::from("email=a&password=b")).unwrap()
    };
    assert_eq!(world.send(form("/auth/refresh")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.send(form("/auth/logout")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.send(form("/auth/login")).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let foreign = Request::post("/auth/refresh")
        .header("x-weir-csrf", "1")
        .header("host", "localhost:8081")
        .header("origin", "https://evil.example")
        .header("cookie", &session);
    assert_eq!(world.send(foreign.body(Body::empty()).unwrap()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(with_cookie(&world, "/auth/refresh", &session).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_valid_token_is_not_let_in() {
    let world = World::new().await;
    let token = login(&world, EMAIL, PASSWORD).await.json()["access_token"].as_str().unwrap().to_owned();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (unsigned, tampered) = (format!("{signed}."), token.replacen("eyJ", "eyK", 2));
    let api_key = world.api_key.clone();
    for bearer in ["", "x", "mk-weir-nonsense", unsigned.as_str(), tampered.as_str(), api_key.as_str()] {
        assert_eq!(code(&world.graphql(bearer, VIEWER, json!({})).await), "UNAUTHENTICATED", "{bearer}");
    }
    let anonymous = Request::post("/graphql").header("content-type", "application/json");
    let answer = world.send(anonymous.body(Body::from(r#"{"query":"{ __typename }"}"#)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(code(&answer.json()), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_revoked_management_key_is_refused_on_the_next_request() {
    let world = World::new().await;
    let (member, key) = world.member("ADMIN", None).await;
    assert!(world.graphql(&key, VIEWER, json!({})).await.get("errors").is_none());
    let keys = world
        .ask(
            "query($o: ID!) { organization(id: $o) { keys { nodes { id memberId } } } }",
            json!({ "o": world.org.to_string() }),
        )
        .await;
    let nodes = keys["organization"]["keys"]["nodes"].as_array().unwrap().clone();
    let id = nodes.iter().find(|node| node["memberId"] == member.as_str()).unwrap()["id"].clone();
    let revoke = "mutation($i: RevokeKeyInput!) { revokeKey(input: $i) { key { revokedAt } } }";
    world.ask(revoke, json!({ "i": { "organizationId": world.org.to_string(), "id": id } })).await;
    assert_eq!(code(&world.graphql(&key, VIEWER, json!({})).await), "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_public_keys_are_published() {
    let world = World::new().await;
    let answer = world.send(Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.json()["keys"][0]["crv"], "Ed25519");
}
