//! Guards against guessing: per address and per account.
//!
//! Invariant: what is remembered is bounded, and a try is counted before its password is checked, so that tries at the
//! same time cannot slip through together. A guess beyond the limit is refused also when it is right. What control planes
//! count together only tightens: while it cannot be reached, each holds to its own count.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use governor::middleware::NoOpMiddleware;
use http::Request;
use metering::rate::SharedCounter;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use crate::error::AdminError;

const FAILURES: usize = 5;
const SPAN_SECONDS: u32 = 60;
/// Accounts remembered at once; beyond it the one tried longest ago is forgotten.
const ACCOUNTS: usize = 10_000;

/// At most five wrong passwords per account and minute: of this process, and of all control planes where they share.
#[derive(Default)]
pub(crate) struct AccountGuard {
    tries: Mutex<HashMap<[u8; 32], Vec<Timestamp>>>,
    shared: Option<Arc<dyn SharedCounter>>,
}

impl AccountGuard {
    /// Counts here, and in `shared` where there is one.
    pub(crate) fn new(shared: Option<Arc<dyn SharedCounter>>) -> Self {
        Self { tries: Mutex::default(), shared }
    }

    /// Counts a try on `email`, or refuses it.
    pub(crate) async fn count(&self, email: &str, now: Timestamp) -> Result<(), AdminError> {
        let account = digest(email);
        self.count_here(account, now)?;
        let Some(shared) = &self.shared else { return Ok(()) };
        match shared.count(&name(account), SPAN_SECONDS).await {
            // When the first of them is forgotten is not known here.
            Ok(tries) if tries > FAILURES as u64 => Err(too_many(SPAN_SECONDS.into())),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "a log-in is counted by this control plane alone");
                Ok(())
            }
        }
    }

    fn count_here(&self, account: [u8; 32], now: Timestamp) -> Result<(), AdminError> {
        let mut accounts = self.tries.lock();
        if accounts.len() >= ACCOUNTS && !accounts.contains_key(&account) {
            forget_oldest(&mut accounts);
        }
        let tries = accounts.entry(account).or_default();
        let begin = now.plus_seconds(-i64::from(SPAN_SECONDS));
        tries.retain(|at| *at > begin);
        if let (true, Some(oldest)) = (tries.len() >= FAILURES, tries.first()) {
            return Err(too_many(oldest.as_seconds() - begin.as_seconds()));
        }
        tries.push(now);
        Ok(())
    }

    /// The password was right: earlier tries do not count any more.
    pub(crate) async fn forgive(&self, email: &str) {
        let account = digest(email);
        self.tries.lock().remove(&account);
        let Some(shared) = &self.shared else { return };
        if let Err(error) = shared.forget(&name(account)).await {
            tracing::debug!(%error, "the tries of an account are forgotten later");
        }
    }
}

fn too_many(wait_seconds: i64) -> AdminError {
    AdminError::RateLimited { retry_after_seconds: u64::try_from(wait_seconds.max(1)).unwrap_or(1) }
}

/// What an account is called where control planes count together.
fn name(account: [u8; 32]) -> String {
    format!("login:{}", hex::encode(account))
}

fn digest(email: &str) -> [u8; 32] {
    Sha256::digest(email.as_bytes()).into()
}

fn forget_oldest(accounts: &mut HashMap<[u8; 32], Vec<Timestamp>>) {
    let oldest = accounts.iter().min_by_key(|(_, tries)| tries.last().copied()).map(|(account, _)| *account);
    if let Some(oldest) = oldest {
        accounts.remove(&oldest);
    }
}

/// The address at the other end of the connection. Forwarded headers are not believed: there is no declared proxy yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer;

impl KeyExtractor for Peer {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        peer.map(|ConnectInfo(address)| address.ip()).ok_or(GovernorError::UnableToExtractKey)
    }
}

pub(crate) type PeerGuard = Arc<GovernorConfig<Peer, NoOpMiddleware>>;

/// Twenty requests per address and minute, ten at once.
#[expect(clippy::expect_used, reason = "fails only for a period or burst of zero, and these are constants")]
pub(crate) fn peer_guard() -> PeerGuard {
    let mut builder = GovernorConfigBuilder::default();
    builder.period(Duration::from_secs(3)).burst_size(10);
    Arc::new(builder.key_extractor(Peer).finish().expect("neither is zero"))
}

/// The layer that applies `guard`.
pub(crate) fn peer_layer(guard: PeerGuard) -> GovernorLayer<Peer, NoOpMiddleware, Body> {
    GovernorLayer::new(guard).error_handler(refuse)
}

fn refuse(error: GovernorError) -> Response {
    match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            AdminError::RateLimited { retry_after_seconds: wait_time.max(1) }.into_response()
        }
        other => AdminError::internal(other).into_response(),
    }
}

/// Forgets addresses that were quiet, each minute, until `shutdown`.
pub(crate) async fn forget_quiet_peers(guard: PeerGuard, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        guard.limiter().retain_recent();
    }
}

#[cfg(test)]
mod tests;
