//! One HTTP/1.1 server for the floor and the mock.
//!
//! Invariant: accepted sockets have `TCP_NODELAY`; a client that leaves drops its answer's body.

use std::error::Error;

use anyhow::Context;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Answers every request that comes to `listener` with `answer`, until it fails.
///
/// # Errors
/// When nothing can be accepted any more.
pub(crate) async fn serve<F, A, B, E>(listener: TcpListener, answer: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let tasks = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await.context("no connection can be accepted")?;
        // A socket that is gone already fails below.
        let _ = stream.set_nodelay(true);
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
        tasks.spawn(async move {
            // Clients come and go; whoever counts them does so by their bodies.
            let _ = connection.await;
        });
    }
}
