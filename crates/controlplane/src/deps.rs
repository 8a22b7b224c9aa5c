//! Everything the control plane may touch.
//!
//! Invariant: built once by whoever starts the process; nothing else is reached for.

use std::sync::Arc;

use domain::Clock;
use domain::key::Pepper;
use metering::rate::SharedCounter;
use notices::Courier;
use policy::feed::Propagation;
use policy::sealed::MasterKey;
use store::Store;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::cookie::CookieMode;
use crate::auth::flood::AccountGuard;
use crate::auth::password::Passwords;
use crate::auth::token::SigningKeys;
use crate::calls::CallBoard;
use crate::graphql::schema::Schemas;
use crate::metrics::Metrics;

/// WebSockets of one process at a time.
const SOCKETS: usize = 1_000;

/// What the control plane is given.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What key hashes are made with.
    pub pepper: Pepper,
    /// What provider secrets are sealed with.
    pub master_key: MasterKey,
    /// What access tokens are signed with.
    pub signing_keys: Arc<SigningKeys>,
    /// How browsers reach us.
    pub cookies: CookieMode,
    /// Notified after every commit; wakes the publisher.
    pub committed: Arc<Notify>,
    /// Where control planes count log-ins together; without it each counts its own.
    pub tries: Option<Arc<dyn SharedCounter>>,
    /// Asked before a mutation answers, so that the next request obeys it.
    pub propagation: Arc<dyn Propagation>,
    /// Where nodes are asked to reach providers.
    pub calls: Arc<CallBoard>,
    /// What sends notices.
    pub courier: Arc<Courier>,
    /// Counters.
    pub metrics: Metrics,
    /// Where tasks are started.
    pub tasks: TaskTracker,
    /// Ends those tasks.
    pub shutdown: CancellationToken,
}

/// What handlers share.
pub(crate) struct App {
    pub(crate) deps: Deps,
    pub(crate) passwords: Passwords,
    pub(crate) accounts: AccountGuard,
    /// Five tests of notices per organization and minute: a target may be somebody else's address.
    pub(crate) notice_tests: AccountGuard,
    pub(crate) schemas: Schemas,
    /// One permit for each WebSocket that may be open.
    pub(crate) sockets: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(deps: Deps) -> Self {
        Self {
            passwords: Passwords::new(),
            accounts: AccountGuard::new(deps.tries.clone()),
            notice_tests: AccountGuard::new(deps.tries.clone()),
            schemas: Schemas::build(),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            deps,
        }
    }
}
