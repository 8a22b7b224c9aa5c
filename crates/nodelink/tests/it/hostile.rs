//! Bytes that nobody would send: each gets an answer, and the listener lives on.

use std::sync::LazyLock;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use metering::sample;
use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, proptest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use wire::Wire;

use crate::world::{Serving, TOKEN, grant, hello, link, start_any};

struct Target {
    runtime: Runtime,
    serving: Serving,
    client: Client<HttpConnector, Full<Bytes>>,
}

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let serving = runtime.block_on(start_any());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build(connector);
    Target { runtime, serving, client }
});

impl Target {
    async fn status(&self, method: &str, body: Vec<u8>) -> u16 {
        let request = http::Request::post(format!("{}/weir.node.v1/{method}", self.serving.url))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("weir-link-version", "1")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        status
    }
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Hello",
        "Index",
        "Snapshot",
        "ChangesSince",
        "Leases",
        "GiveBack",
        "Usage",
        "Ack",
        "Read",
        "Call",
    ])
}

proptest! {
    #[test]
    fn any_body_gets_an_answer(method in method(), body in prop::collection::vec(any::<u8>(), 0..512)) {
        let status = TARGET.runtime.block_on(TARGET.status(method, body));
        prop_assert!([200, 400, 413, 503].contains(&status), "{method}: {status}");
    }

    #[test]
    fn a_sound_body_with_a_byte_turned_gets_an_answer(
        method in method(),
        usage in any::<bool>(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let events = vec![sample::answered(sample::attempt(1), domain::Pico::new(81))];
        let mut body = if usage { sample::shipment(events).to_bytes() } else { hello("node").to_bytes() };
        let at = at.index(body.len());
        body[at] ^= flip;
        let status = TARGET.runtime.block_on(TARGET.status(method, body));
        prop_assert!([200, 400, 413, 503].contains(&status), "{method}: {status}");
    }

    #[test]
    fn any_bytes_on_the_socket_end_no_other_connection(
        preface in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..256),
    ) {
        TARGET.runtime.block_on(async {
            let mut socket =
                TcpStream::connect(TARGET.serving.url.trim_start_matches("http://")).await.unwrap();
            if preface {
                socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
            }
            // It may have been closed already.
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
            let _ = socket.read_to_end(&mut Vec::new()).await;
            assert_eq!(grant(&link(&[&TARGET.serving.url])).await.unwrap().len(), 1);
        });
    }
}
