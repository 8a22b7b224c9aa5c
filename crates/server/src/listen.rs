//! Listeners: bound before anything else, so that a port in use is said at once.
//!
//! Invariant: TCP_NODELAY on every accepted socket; a head that does not arrive in time closes its connection; what
//! serves over TLS serves nothing without.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::accept::{DefaultAcceptor, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Tls;
use crate::renew::Files;
use crate::tls;

/// A client must have sent a request's head by then, also the next one's on a kept connection.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// A bound listener, with its certificate where it has one.
pub(crate) struct Socket {
    listener: std::net::TcpListener,
    address: SocketAddr,
    tls: Option<(RustlsConfig, Files<Arc<ServerConfig>>)>,
}

impl Socket {
    /// Binds one address; `setting` is the table an operator changes.
    ///
    /// # Errors
    /// A port that is in use or not ours, or a certificate that cannot be used.
    pub(crate) fn bind(address: SocketAddr, tls: &Tls, setting: &'static str) -> anyhow::Result<Self> {
        let listener = bind(address, &format!("{setting}.listen"))?;
        let address = listener.local_addr()?;
        let tls = if tls.is_set() { Some(ending_tls(tls.clone(), setting)?) } else { None };
        Ok(Self { listener, address, tls })
    }

    /// Where it can be reached from this machine.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", reachable(self.address))
    }

    /// Serves `router` until `stop`; then accepts nothing new and lets open connections end.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub(crate) fn serve(
        self,
        tasks: &TaskTracker,
        router: Router,
        stop: &CancellationToken,
    ) -> anyhow::Result<Listening> {
        let handle = Handle::new();
        let server = axum_server::from_tcp(self.listener)?.handle(handle.clone());
        let (on_stop, graceful) = (stop.clone(), handle.clone());
        tasks.spawn(async move {
            on_stop.cancelled().await;
            graceful.graceful_shutdown(None);
        });
        let serving = match self.tls {
            None => tasks.spawn(plain(server, router)),
            Some((config, files)) => {
                let current = config.clone();
                tasks.spawn(files.follow(stop.clone(), move |fresh| current.reload_from_config(fresh)));
                tasks.spawn(over_tls(server, config, router))
            }
        };
        Ok(Listening { serving, handle })
    }
}

fn ending_tls(tls: Tls, setting: &'static str) -> anyhow::Result<(RustlsConfig, Files<Arc<ServerConfig>>)> {
    let paths = vec![tls.cert_file.clone(), tls.key_file.clone()];
    let (config, files) = Files::open(setting, paths, move || tls::server(&tls, &format!("{setting}.tls")))?;
    Ok((RustlsConfig::from_config(config), files))
}

async fn plain(mut server: Server<SocketAddr, DefaultAcceptor>, router: Router) {
    impatient(&mut server);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    ended(server.acceptor(NoDelayAcceptor::new()).serve(service).await);
}

async fn over_tls(mut server: Server<SocketAddr, DefaultAcceptor>, config: RustlsConfig, router: Router) {
    impatient(&mut server);
    let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    ended(server.acceptor(acceptor).serve(service).await);
}

fn impatient(server: &mut Server<SocketAddr, DefaultAcceptor>) {
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
}

fn ended(outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "a listener ended");
    }
}

/// Binds one address; `setting` is what an operator changes.
///
/// # Errors
/// A port that is in use or not ours.
pub(crate) fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<std::net::TcpListener> {
    let hint = || {
        format!("cannot listen on {address} ({setting}): is Weir, or something else, running there already?")
    };
    let listener = std::net::TcpListener::bind(address).with_context(hint)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Where a listener on every address can be reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = if address.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, address.port())
}

/// A listener that serves.
pub(crate) struct Listening {
    serving: JoinHandle<()>,
    handle: Handle<SocketAddr>,
}

impl Listening {
    /// Waits for open connections, at most `patience`; then closes them.
    pub(crate) async fn ended(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.serving).await.is_err() {
            self.handle.shutdown();
            self.serving.abort();
        }
    }
}
