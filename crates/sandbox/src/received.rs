//! What reached the provider: the last requests as they came in, so that a test can see what a gateway sent.
//!
//! Invariant: secrets are masked before they are stored.

use std::collections::VecDeque;

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// Requests kept, the oldest dropped first.
const KEPT: usize = 1000;

/// Bytes kept of one body.
const BODY_BYTES: usize = 256 << 10;

/// Headers whose values are secrets.
const SECRET: [&str; 5] = ["authorization", "x-api-key", "api-key", "proxy-authorization", "cookie"];

/// A secret at least this long shows its last four characters, so that a test can tell two credentials apart.
const SHOWN_FROM: usize = 12;

#[derive(Debug, Default)]
pub(crate) struct ReceivedLog {
    requests: Mutex<VecDeque<Received>>,
}

/// One request to a provider account, and as much of its body as is kept.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) seq: u64,
    pub(crate) id: Option<String>,
    pub(crate) site: &'static str,
    pub(crate) path: &'static str,
    pub(crate) headers: Map<String, Value>,
    pub(crate) body_bytes: usize,
    pub(crate) body: Bytes,
}

/// The part of a body that is kept, in memory of its own where that is not all of it.
pub(crate) fn kept(body: &Bytes) -> Bytes {
    body.get(..BODY_BYTES).map_or_else(|| body.clone(), Bytes::copy_from_slice)
}

impl ReceivedLog {
    pub(crate) fn keep(&self, request: Received) {
        let mut requests = self.requests.lock();
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// The kept requests in order of arrival, of this client request id where one is given.
    pub(crate) fn view(&self, id: Option<&str>) -> Value {
        let requests = self.requests.lock();
        let asked = requests.iter().filter(|request| id.is_none_or(|id| request.id.as_deref() == Some(id)));
        json!({ "requests": asked.map(Received::view).collect::<Vec<Value>>() })
    }

    pub(crate) fn clear(&self) {
        self.requests.lock().clear();
    }
}

impl Received {
    fn view(&self) -> Value {
        json!({
            "seq": self.seq,
            "id": self.id,
            "site": self.site,
            "path": format!("/{}{}", self.site, self.path),
            "headers": self.headers,
            "body_bytes": self.body_bytes,
            "body": String::from_utf8_lossy(&self.body),
            "json": serde_json::from_slice::<Value>(&self.body).ok(),
        })
    }
}

/// Headers by lower-case name, secrets masked, repeated ones joined with a comma.
pub(crate) fn masked(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let joined = values.collect::<Vec<_>>().join(", ");
        let text = if SECRET.contains(&name.as_str()) { mask(&joined) } else { joined };
        shown.insert(name.as_str().to_owned(), Value::from(text));
    }
    shown
}

fn mask(secret: &str) -> String {
    let (scheme, token) = secret.split_once(' ').unwrap_or(("", secret));
    let count = token.chars().count();
    let tail: String = if count < SHOWN_FROM {
        String::new()
    } else {
        token.chars().skip(count.saturating_sub(4)).collect()
    };
    format!("{scheme} ***{tail}").trim_start().to_owned()
}

#[cfg(test)]
mod tests;
