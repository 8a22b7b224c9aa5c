//! Listeners: bound before anything else, so that a port in use is said at once.
//!
//! Invariant: TCP_NODELAY on every accepted socket.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// Every listener of `weir run`.
pub(crate) struct Sockets {
    pub(crate) data: TcpListener,
    pub(crate) admin: TcpListener,
    pub(crate) ops: TcpListener,
}

impl Sockets {
    /// Binds them all.
    ///
    /// # Errors
    /// A port that is in use or not ours, named with its setting.
    pub(crate) async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            data: bind(config.data.listen, "data.listen").await?,
            admin: bind(config.admin.listen, "admin.listen").await?,
            ops: bind(config.ops.listen, "ops.listen").await?,
        })
    }
}

/// Binds one address; `setting` is what an operator changes.
///
/// # Errors
/// A port that is in use or not ours.
pub(crate) async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let hint = || {
        format!("cannot listen on {address} ({setting}): is Weir, or something else, running there already?")
    };
    TcpListener::bind(address).await.with_context(hint)
}

/// A listener that serves.
pub(crate) struct Listening(JoinHandle<()>);

impl Listening {
    /// Serves `router` until `stop`; then accepts nothing new and lets open connections end.
    pub(crate) fn start(
        tasks: &TaskTracker,
        listener: TcpListener,
        router: Router,
        stop: &CancellationToken,
    ) -> Self {
        let stop = stop.clone();
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was not set");
            }
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        Self(tasks.spawn(async move {
            let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!(%error, "a listener ended");
            }
        }))
    }

    /// Waits for open connections, at most `patience`; then closes them.
    pub(crate) async fn ended(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.0).await.is_err() {
            self.0.abort();
        }
    }
}
