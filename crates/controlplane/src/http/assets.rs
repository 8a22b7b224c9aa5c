//! The web admin, embedded: hashed assets for ever, the page itself never from a cache, every other path the page.
//!
//! Invariant: works without a built web admin; a notice is shown in its place.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

const NOTICE: &str = include_str!("../notice.html");

#[derive(RustEmbed)]
#[folder = "../../web-admin/dist"]
#[allow_missing = true]
struct WebAdmin;

/// Serves a file of the web admin, or its page for the paths that its router knows.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = WebAdmin::get(path) {
        let cache =
            if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return answer(file, &headers, cache);
    }
    // A missing asset is a missing file; answering it with the page would break the page in confusing ways.
    if path.starts_with("assets/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match WebAdmin::get("index.html") {
        Some(page) => answer(page, &headers, "no-cache"),
        None => ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")], NOTICE)
            .into_response(),
    }
}

fn answer(file: EmbeddedFile, headers: &HeaderMap, cache: &'static str) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(file.data.into_owned()))
    };
    let kept = response.headers_mut();
    kept.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    for (name, value) in [(CONTENT_TYPE, file.metadata.mimetype()), (ETAG, tag.as_str())] {
        if let Ok(value) = HeaderValue::from_str(value) {
            kept.insert(name, value);
        }
    }
    response
}
