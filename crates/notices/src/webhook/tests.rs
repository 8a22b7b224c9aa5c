use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use domain::notice::{Channel, NoticeTarget};
use domain::org::Org;
use domain::{NoticeTargetId, OrgId};
use http::{HeaderMap, StatusCode};
use tokio::sync::Mutex;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);

#[test]
fn a_signature_is_that_of_the_published_example() {
    let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn a_new_secret_signs_and_what_is_none_does_not() {
    let secret = new_secret([7; 32]);
    assert!(secret.expose().starts_with("whsec_"));
    assert!(sign(&secret, "a", 1, "b").is_ok());
    for damaged in ["", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(sign(&Secret::new(damaged.to_owned()), "a", 1, "b").is_err(), "{damaged}");
    }
}

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver on loopback, and what it gets.
async fn receiver(status: StatusCode) -> (SocketAddr, Received) {
    let received = Received::default();
    let kept = Arc::clone(&received);
    let hook = post(async move |headers: HeaderMap, body: String| {
        kept.lock().await.push((headers, body));
        // A redirect leads back here; a long answer is not read to its end.
        (status, [("location", "/hook")], "x".repeat(1 << 20))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", hook)).await });
    (address, received)
}

async fn post_test(client: &Client, url: &str) -> Result<(), Undelivered> {
    let org = Org { id: OrgId::from_bits(1), name: "Acme".to_owned() };
    let channel = Channel::Webhook(url.to_owned());
    let target = NoticeTarget { id: NoticeTargetId::from_bits(2), name: "T".to_owned(), channel };
    let message = Message::Test { org: &org, target: &target, at: NOW };
    client.post(url, &new_secret([7; 32]), &message, NOW).await
}

#[tokio::test]
async fn a_message_arrives_once_with_its_id_time_and_signature() {
    let (address, received) = receiver(StatusCode::NO_CONTENT).await;
    post_test(&Client::new(true).unwrap(), &format!("http://{address}/hook")).await.unwrap();
    let [(headers, body)] = &received.lock().await[..] else { panic!("not one message") };
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("webhook-timestamp"), "1614265330");
    assert_eq!(header("content-type"), "application/json");
    let id = header("webhook-id");
    assert!(id.starts_with("test_target_") && !id.contains('.'), "{id}");
    assert_eq!(header("webhook-signature"), sign(&new_secret([7; 32]), &id, 1_614_265_330, body).unwrap());
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["id"], &body["type"]), (&id.into(), &"test".into()));
}

#[tokio::test]
async fn only_an_answer_of_success_counts_and_no_redirect_is_followed() {
    for status in [StatusCode::FOUND, StatusCode::PERMANENT_REDIRECT, StatusCode::INTERNAL_SERVER_ERROR] {
        let (address, received) = receiver(status).await;
        let outcome = post_test(&Client::new(true).unwrap(), &format!("http://{address}/hook")).await;
        assert_eq!(outcome, Err(Undelivered::Status(status.as_u16())));
        assert_eq!(received.lock().await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_connected_to_by_name_or_number() {
    let (address, received) = receiver(StatusCode::OK).await;
    let client = Client::new(false).unwrap();
    let by_name = post_test(&client, &format!("https://localhost:{}/hook", address.port())).await;
    assert_eq!(by_name, Err(Undelivered::NotPublic("localhost".to_owned())));
    let by_number = post_test(&client, &format!("https://{address}/hook")).await.unwrap_err().to_string();
    assert_eq!(by_number, "the destination is at 127.0.0.1, which is not a public address");
    assert!(received.lock().await.is_empty());
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_said_to_be_out_of_reach() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = post_test(&Client::new(true).unwrap(), &format!("http://{free}/hook")).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}
