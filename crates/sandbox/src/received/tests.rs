use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::Map;

use super::{BODY_BYTES, KEPT, Received, ReceivedLog, kept, masked};

#[test]
fn secrets_show_their_tail_only() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer sk-0123456789abcd"));
    headers.insert("x-api-key", HeaderValue::from_static("short"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    let shown = masked(&headers);
    assert_eq!(shown["authorization"], "Bearer ***abcd");
    assert_eq!(shown["x-api-key"], "***");
    assert_eq!(shown["accept"], "*/*");
}

#[test]
fn only_the_last_thousand_requests_are_kept() {
    let log = ReceivedLog::default();
    for seq in 0..=KEPT as u64 {
        let id = Some(format!("id-{seq}"));
        log.keep(Received {
            seq,
            id,
            site: "openai",
            path: "/x",
            headers: Map::new(),
            body_bytes: 0,
            body: Bytes::new(),
        });
    }
    assert_eq!(log.view(None)["requests"].as_array().unwrap().len(), KEPT);
    assert_eq!(log.view(Some("id-0"))["requests"].as_array().unwrap().len(), 0);
    assert_eq!(log.view(Some("id-7"))["requests"][0]["seq"], 7);
}

#[test]
fn a_long_body_is_kept_in_part() {
    assert_eq!(kept(&Bytes::from(vec![b'x'; BODY_BYTES + 1])).len(), BODY_BYTES);
    assert_eq!(kept(&Bytes::from_static(b"short")), "short");
}
