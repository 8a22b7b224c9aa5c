//! Which nodes there are, and how far an organization's policy has come at them.
//!
//! Invariant: whoever may read policies may know where they are enforced; of nodes nothing is shown that belongs to
//! another organization.

use domain::org::Capability;
use domain::{NodeId, Timestamp};
use store::{Page, Paged};

use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;
use crate::standing::{Member, Standing};

/// How far a revision of an organization has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Propagated {
    pub(crate) revision: u64,
    /// Known of the current revision only.
    pub(crate) committed_at: Option<Timestamp>,
    pub(crate) standing: Standing,
}

/// Every node, with what it said of the organization.
pub(crate) async fn standing(app: &App, access: &Access) -> Result<Standing, AdminError> {
    access.require(Capability::ReadPolicies)?;
    Ok(Standing::read(&app.deps.store, access.org(), app.deps.clock.now()).await?)
}

/// A page of nodes. There are few, so that all are read.
pub(crate) async fn list(app: &App, access: &Access, page: &Page) -> Result<Paged<Member>, AdminError> {
    let mut items = standing(app, access).await?.nodes;
    if let Some(after) = &page.after {
        items.retain(|member| member.node.node.to_string() > *after);
    }
    let first = usize::try_from(page.first).unwrap_or(usize::MAX);
    let has_next = items.len() > first;
    items.truncate(first);
    Ok(Paged { items, has_next })
}

/// One node.
pub(crate) async fn read(app: &App, access: &Access, id: NodeId) -> Result<Member, AdminError> {
    let nodes = standing(app, access).await?.nodes;
    nodes.into_iter().find(|member| member.node.node == id).ok_or(AdminError::NotFound("node"))
}

/// How far `revision` has come; left out: the current one.
pub(crate) async fn propagation(
    app: &App,
    access: &Access,
    revision: Option<u64>,
) -> Result<Propagated, AdminError> {
    access.require(Capability::ReadPolicies)?;
    let (current, changed_at) = app.deps.store.org_revision(access.org()).await?;
    let revision = revision.unwrap_or(current);
    if !(1..=current).contains(&revision) {
        let message = format!("is {revision}; the organization has revisions 1 to {current}");
        return Err(AdminError::bad_input("revision", message));
    }
    // 0: committed by a release that did not note when.
    let committed_at = Some(changed_at).filter(|at| revision == current && at.as_micros() > 0);
    Ok(Propagated { revision, committed_at, standing: standing(app, access).await? })
}
