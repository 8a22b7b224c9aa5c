//! Who is not let in, and what is not read.

use std::time::Duration;

use bytes::Bytes;
use domain::Secret;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use metering::ports::{HelloError, LeaseError, Nodes};
use nodelink::client::{Link, Settings, SettingsError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::Wire;

use crate::world::{TOKEN, grant, hello, link_as, start_any};

/// Sends a request past the client; answers status and text.
async fn raw(url: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String) {
    raw_body(url, path, headers, Full::new(Bytes::from(body))).await
}

async fn raw_body<B>(url: &str, path: &str, headers: &[(&str, &str)], body: B) -> (u16, String)
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<B>();
    let mut request = http::Request::post(format!("{url}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

const HELLO: &str = "/weir.node.v1/Hello";
const BEARER: (&str, &str) = ("authorization", "Bearer a node token");
const VERSION: (&str, &str) = ("weir-link-version", "1");

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_refused_in_a_sentence_and_moves_nothing() {
    let serving = start_any().await;
    for token in ["another", "", "a node toke", "a node token "] {
        let link = link_as(&[&serving.url], token, None);
        let error = link.hello(hello("node")).await.unwrap_err();
        assert!(matches!(&error, HelloError::Refused(text) if text.contains("master key")), "{error}");
        assert!(error.to_string().contains(&serving.url) && !error.to_string().contains(TOKEN), "{error}");
        assert!(matches!(grant(&link).await, Err(LeaseError::NotDone(_))));
    }
    let (status, text) = raw(&serving.url, HELLO, &[VERSION], hello("node").to_bytes()).await;
    assert!(status == 401 && text.contains("token"), "{status} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_link_is_refused_with_both_named() {
    let serving = start_any().await;
    let body = hello("node").to_bytes();
    for (version, named) in [("2", "version 2"), ("0", "version 0"), ("x", "version none")] {
        let headers = [BEARER, ("weir-link-version", version)];
        let (status, text) = raw(&serving.url, HELLO, &headers, body.clone()).await;
        assert!(status == 426 && text.contains(named) && text.contains("1 to 1"), "{status} {text}");
    }
    assert_eq!(raw(&serving.url, HELLO, &[BEARER], body.clone()).await.0, 426);
    assert_eq!(raw(&serving.url, HELLO, &[BEARER, VERSION], body).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_method_is_not_found() {
    let serving = start_any().await;
    for path in ["/", "/weir.node.v1/Nothing", "/weir.node.v2/Hello", "/weir.node.v1/Hello/"] {
        let (status, text) = raw(&serving.url, path, &[BEARER, VERSION], Vec::new()).await;
        assert!(status == 404 && text.contains(path), "{status} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_understood_is_refused_by_the_fields_name() {
    let serving = start_any().await;
    let ask = async |method: &str, body| {
        raw(&serving.url, &format!("/weir.node.v1/{method}"), &[BEARER, VERSION], body).await
    };
    for (method, field) in
        [("Usage", "shipment.holder"), ("Leases", "lease_requests.holder"), ("Ack", "acks.holder")]
    {
        let (status, text) = ask(method, Vec::new()).await;
        assert!(status == 400 && text.contains(field), "{status} {text}");
    }
    let (status, text) = ask("Hello", vec![0xff; 40]).await;
    assert!(status == 400 && text.contains("not a protobuf message"), "{status} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_next_release_are_skipped_in_a_request() {
    let serving = start_any().await;
    let mut body = hello("node").to_bytes();
    body.extend_from_slice(&[0x98, 0x06, 0x01, 0xa2, 0x06, 0x01, b'x']);
    let (status, text) = raw(&serving.url, HELLO, &[BEARER, VERSION], body).await;
    assert_eq!(status, 200, "{text}");
}

/// A body of zeros without end, and without a length.
fn endless() -> impl hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin {
    let zeros = Bytes::from(vec![0; 16 * 1024]);
    StreamBody::new(futures::stream::repeat_with(move || Ok(Frame::data(zeros.clone()))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_its_limit_is_refused_by_its_length_or_while_it_comes() {
    let serving = start_any().await;
    let headers = [BEARER, VERSION];
    let (status, text) = raw(&serving.url, HELLO, &headers, vec![0; 64 * 1024 + 1]).await;
    assert!(status == 413 && text.contains("65536"), "{status} {text}");
    let (status, text) = raw_body(&serving.url, HELLO, &headers, endless()).await;
    assert!(status == 413 && text.contains("65536"), "{status} {text}");
    // Whoever has no token is refused before.
    assert_eq!(raw_body(&serving.url, HELLO, &[VERSION], endless()).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_show_the_token_is_closed() {
    let serving = start_any().await;
    let address = serving.url.trim_start_matches("http://");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let closed = async |first: &[u8]| {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(first).await.unwrap();
        // A reset is as good an end as any.
        while socket.read_buf(&mut Vec::with_capacity(64)).await.is_ok_and(|bytes| bytes > 0) {}
    };
    let strangers = futures::future::join4(closed(b""), closed(b"PRI"), closed(preface), async {
        // Whoever shows it may be silent for longer.
        let link = link_as(&[&serving.url], TOKEN, None);
        grant(&link).await.unwrap();
        tokio::time::sleep(Duration::from_secs(6)).await;
        grant(&link).await.unwrap();
    });
    tokio::time::timeout(Duration::from_secs(9), strangers).await.unwrap();
}

#[test]
fn settings_that_cannot_be_used_are_said() {
    let refused = |urls: &[&str], token: &str| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        let token = Secret::new(token.to_owned());
        Link::new(Settings { urls, tls: None, token, timeout: Duration::from_secs(1) }).err()
    };
    assert!(matches!(refused(&[], "t"), Some(SettingsError::NoUrl)));
    for url in ["", "host", "host:8082", "ftp://host:1", "http://", "http://host:1/path", "http://host:1?q"] {
        assert!(matches!(refused(&[url], "t"), Some(SettingsError::Url(named)) if named == url), "{url}");
    }
    assert!(matches!(refused(&["http://host"], "a\nb"), Some(SettingsError::Token)));
    assert!(refused(&["http://host", "https://[::1]:8082/"], "t").is_none());
}
