//! A caller whose connection outlives one request.
//!
//! Invariant: nothing is remembered of what they may do; it is asked anew each time.

use std::sync::Arc;

use domain::Secret;

use crate::auth::actor::Actor;
use crate::deps::App;
use crate::error::AdminError;

/// Who opened a connection, as long as what they showed is accepted.
pub(crate) struct LiveActor {
    pub(crate) app: Arc<App>,
    authorization: Secret<String>,
}

impl LiveActor {
    /// Whoever showed `authorization` (`Bearer …`).
    pub(crate) const fn new(app: Arc<App>, authorization: Secret<String>) -> Self {
        Self { app, authorization }
    }

    /// Who it is, and what they may do, now.
    pub(crate) async fn actor(&self) -> Result<Actor, AdminError> {
        Actor::of_bearer(&self.app.deps, self.authorization.expose()).await
    }
}
