//! How the process ends: a signal, then everybody stops in order.

use tokio::signal::unix::{SignalKind, signal as on};

/// Resolves at the first SIGTERM or SIGINT.
pub(crate) async fn signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (on(SignalKind::terminate()), on(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; stop the process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
