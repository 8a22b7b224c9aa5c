//! The floor: a proxy that looks at nothing. A gateway on the same libraries cannot cost less.
//!
//! Invariant: bodies are passed on as they come, neither read nor counted.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use crate::listen;

type Pool = Client<HttpConnector, Incoming>;

/// Passes everything on to `upstream`.
///
/// # Errors
/// When nothing can be accepted any more.
pub(crate) async fn run(listener: TcpListener, upstream: Authority) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    listen::serve(listener, move |request| forward(pool.clone(), upstream.clone(), request)).await
}

async fn forward(
    pool: Pool,
    upstream: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Error> {
    let mut uri = Uri::default().into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream);
    let asked = request.uri().path_and_query();
    uri.path_and_query = Some(asked.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    // All three parts are there, so it is a URI.
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    let headers = request.headers_mut();
    headers.remove(header::HOST);
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer sk-upstream"));
    pool.request(request).await
}
