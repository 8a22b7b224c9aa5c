//! What can be done in an organization: one noun per file, one verb per function: check, call the store, return domain
//! types.
//!
//! Invariant: everything here asks the access for a capability first, and checks every reference to another object
//! within the same organization before it writes.

pub(crate) mod budgets;
pub(crate) mod chargeback;
pub(crate) mod credentials;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod models;
pub(crate) mod nodes;
pub(crate) mod notice_targets;
pub(crate) mod organizations;
pub(crate) mod policies;
pub(crate) mod teams;

use store::{OrgScope, PolicyTx};

use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// An object as it is after a change, and the organization's revision that holds the change.
#[derive(Debug)]
pub(crate) struct Changed<T> {
    pub(crate) object: T,
    pub(crate) revision: u64,
}

/// Begins a change of the organization in `scope`, in the caller's name.
async fn begin(app: &App, access: &Access, scope: &OrgScope) -> Result<PolicyTx, AdminError> {
    Ok(scope.begin(access.author(), app.deps.clock.now()).await?)
}

/// Commits a change, wakes the publisher, and waits for the change to be obeyed; answers the revision that holds it.
async fn commit(app: &App, tx: PolicyTx) -> Result<u64, AdminError> {
    let org = tx.org();
    let revision = tx.commit().await?;
    app.deps.committed.notify_one();
    if !app.deps.propagation.reached(org, revision).await {
        tracing::warn!(org.id = %org, revision, "a change is committed and not yet obeyed everywhere");
    }
    Ok(revision)
}
