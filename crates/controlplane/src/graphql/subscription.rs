//! Every subscription: what is watched is looked at again while somebody watches, and sent when it has changed.
//!
//! Invariant: the caller is authenticated anew before everything that is sent, and every two seconds; a token that has
//! expired or a right that was taken away ends the subscription with an error.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Subscription as Subscribed};
use domain::{NodeId, Timestamp};
use futures::stream::unfold;
use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep};

use crate::auth::actor::Access;
use crate::auth::live::LiveActor;
use crate::error::AdminError;
use crate::graphql::error::Result;
use crate::graphql::scalars::Count;
use crate::graphql::types::gateway_node::GatewayNode;
use crate::graphql::types::propagation::Propagation;
use crate::service::nodes::{self, Propagated};
use crate::standing::{NodeState, Place, Standing};

/// A change is at every node within some tens of milliseconds, and who looks wants to see that.
const LOOK_AT_CHANGE: Duration = Duration::from_millis(200);
const LOOK_AT_NODES: Duration = Duration::from_secs(1);
/// Nodes that have not said by then will not soon.
const WATCH_CHANGE: Duration = Duration::from_secs(30);
const AUTHENTICATE_AGAIN: Duration = Duration::from_secs(2);

pub(crate) struct Subscription;

/// Everything that can be watched.
#[Subscribed]
impl Subscription {
    /// How far a revision of an organization's policy has come: now, and whenever that changes, until every node has
    /// said, for thirty seconds at most.
    #[graphql(complexity = "10 + child_complexity")]
    async fn propagation(
        &self,
        ctx: &Context<'_>,
        organization_id: ID,
        revision: Count,
    ) -> Result<impl Stream<Item = Result<Propagation>>> {
        let mut watch = Watch::begin(ctx, &organization_id, LOOK_AT_CHANGE).await?;
        watch.revision = Some(revision.0);
        Ok(watch.states().map(|state| state.map(Propagation::from)))
    }

    /// The nodes, by id: now, and whenever one comes, goes, or has another revision of the organization's policy.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        organization_id: ID,
    ) -> Result<impl Stream<Item = Result<Vec<GatewayNode>>>> {
        let watch = Watch::begin(ctx, &organization_id, LOOK_AT_NODES).await?;
        let shown = |state: Propagated| state.standing.nodes.into_iter().map(GatewayNode).collect();
        Ok(watch.states().map(move |state| state.map(shown)))
    }
}

/// Nodes that are being watched.
struct Watch {
    caller: Arc<LiveActor>,
    access: Access,
    authenticated: Instant,
    began: Instant,
    every: Duration,
    /// Watched until every node has said; `None`: whatever is current, for ever.
    revision: Option<u64>,
    sent: Option<Vec<Seen>>,
    is_over: bool,
}

/// What of a node is worth being told. That it is still in contact is not.
type Seen = (NodeId, u64, NodeState, Option<(u64, Timestamp, Option<String>)>);

impl Watch {
    async fn begin(ctx: &Context<'_>, organization: &ID, every: Duration) -> Result<Self> {
        let caller = Arc::clone(ctx.data_unchecked::<Arc<LiveActor>>());
        let org = organization.parse().map_err(|_| AdminError::NotFound("organization"))?;
        let access = caller.actor().await?.access(org)?;
        let began = Instant::now();
        let (revision, sent, is_over) = (None, None, false);
        Ok(Self { caller, access, authenticated: began, began, every, revision, sent, is_over })
    }

    fn states(self) -> impl Stream<Item = Result<Propagated>> {
        unfold(self, |mut watch| async move { Some((watch.next().await?, watch)) })
    }

    /// The next state that is worth being told.
    async fn next(&mut self) -> Option<Result<Propagated>> {
        while !self.is_over {
            if self.sent.is_some() {
                sleep(self.every).await;
            }
            match self.look().await {
                Ok(None) => {}
                Ok(Some(state)) => return Some(Ok(state)),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn look(&mut self) -> Result<Option<Propagated>> {
        if self.authenticated.elapsed() >= AUTHENTICATE_AGAIN {
            self.authenticate().await?;
        }
        let state = nodes::propagation(&self.caller.app, &self.access, self.revision).await?;
        if let Some(revision) = self.revision {
            self.is_over = all_said(&state.standing, revision) || self.began.elapsed() >= WATCH_CHANGE;
        }
        let seen = seen(&state.standing);
        if self.sent.as_ref() == Some(&seen) {
            return Ok(None);
        }
        self.authenticate().await?;
        self.sent = Some(seen);
        Ok(Some(state))
    }

    async fn authenticate(&mut self) -> Result<()> {
        self.access = self.caller.actor().await?.access(self.access.org())?;
        self.authenticated = Instant::now();
        Ok(())
    }
}

fn all_said(standing: &Standing, revision: u64) -> bool {
    let has_said = |place| matches!(place, Place::Acked(_) | Place::Refused(_));
    standing.places(revision).all(|(_, place)| has_said(place))
}

fn seen(standing: &Standing) -> Vec<Seen> {
    let members = standing.nodes.iter();
    let seen = members.map(|member| {
        let said = member.ack.as_ref();
        let said = said.map(|ack| (ack.version.revision, ack.acked_at, ack.refused.clone()));
        (member.node.node, member.node.incarnation, member.state, said)
    });
    seen.collect()
}
