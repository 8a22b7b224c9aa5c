//! What a node makes of answers: of the next release's, of wrong ones, and of those that come from somebody else.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use metering::ports::{HelloError, LeaseAnswer, LeaseError, Nodes, UsageSink, Welcome};
use metering::sample;
use wire::Wire;
use wire::link::{Committed, LeaseAnswers};

use crate::world::{grant, hello, link, listen};

/// Answers everything alike.
#[expect(clippy::disallowed_methods, reason = "it lives as long as its test")]
async fn peer(status: u16, headers: &'static [(&str, &str)], body: Vec<u8>) -> String {
    let (listener, url) = listen().await;
    let body = Bytes::from(body);
    let answer = move |_: Request<Incoming>| {
        let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Full::new(body.clone())).unwrap();
        async move { Ok::<_, std::convert::Infallible>(response) }
    };
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let serving = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(serving.serve_connection(TokioIo::new(socket), service_fn(answer.clone())));
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_next_release_are_skipped_in_an_answer() {
    let welcome = Welcome { now: sample::ADMITTED_AT, freed: true };
    let mut body = welcome.to_bytes();
    // Field 99, a number, and field 100, a text.
    body.extend_from_slice(&[0x98, 0x06, 0x01, 0xa2, 0x06, 0x01, b'x']);
    let url = peer(200, &[], body).await;
    assert_eq!(link(&[&url]).hello(hello("node")).await.unwrap(), welcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_understood_is_no_answer_and_the_money_counts_as_moved() {
    let garbage = peer(200, &[], vec![0xff; 30]).await;
    let error = link(&[&garbage]).hello(hello("node")).await.unwrap_err();
    assert!(matches!(&error, HelloError::Unreachable(text) if text.contains("not understood")), "{error}");
    let error = grant(&link(&[&garbage])).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Unknown(text) if text.contains(&garbage)), "{error}");

    let too_many = LeaseAnswers(vec![LeaseAnswer::Gone; 2]).to_bytes();
    let error = grant(&link(&[&peer(200, &[], too_many).await])).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Unknown(text) if text.contains("2 answers to 1")), "{error}");

    let too_long = peer(200, &[], vec![0; 4 * 1024]).await;
    assert!(matches!(link(&[&too_long]).hello(hello("node")).await, Err(HelloError::Unreachable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_does_not_say_what_it_is_leaves_the_money_unknown() {
    for status in [404, 500, 502, 503, 504] {
        let url = peer(status, &[], b"from a proxy".to_vec()).await;
        let error = grant(&link(&[&url])).await.unwrap_err();
        assert!(matches!(&error, LeaseError::Unknown(text) if text.contains("from a proxy")), "{error}");
    }
    let said = peer(503, &[("weir-failure", "not-done")], b"busy".to_vec()).await;
    assert!(matches!(grant(&link(&[&said])).await, Err(LeaseError::NotDone(_))));
    let newer = peer(503, &[("weir-failure", "a kind of the next release")], b"busy".to_vec()).await;
    assert!(matches!(grant(&link(&[&newer])).await, Err(LeaseError::Unknown(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_whole_is_shipped_again() {
    let mut shipment = sample::shipment(Vec::new());
    shipment.upto = metering::ports::Sequence(5);
    let part = peer(200, &[], Committed(metering::ports::Sequence(4)).to_bytes()).await;
    assert!(link(&[&part]).commit(shipment.clone()).await.is_err());
    let whole = peer(200, &[], Committed(metering::ports::Sequence(5)).to_bytes()).await;
    assert!(link(&[&whole]).commit(shipment).await.is_ok());
}
