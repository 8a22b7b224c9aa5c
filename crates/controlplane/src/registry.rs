//! Where nodes say hello and tell what they enforce, and where a mutation waits for them.
//!
//! Invariant: the database knows who holds what, whichever control plane a node talks to; nothing is decided from memory.
//! An acknowledgement that comes through this process wakes whoever waits here; others are found by looking, which happens
//! only while somebody waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, Holder, OrgId, Timestamp};
use metering::ports::{Hello, HelloError, Nodes, Welcome};
use policy::feed::{Ack, Acks, Contact, FeedError, Propagation};
use store::{Store, StoreError};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::metrics::Metrics;
use crate::standing::{Progress, Standing};

/// A clock that is further off would choose other budget windows and prices than ours.
const LARGEST_SKEW_S: i64 = 30;
/// While somebody waits, acknowledgements that came through other control planes are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Nodes as the database knows them.
pub struct Registry {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    patience: Duration,
    /// Counts what nodes said through this process.
    said: watch::Sender<u64>,
    looks: Mutex<HashMap<OrgId, Look>>,
}

/// What was last read of an organization; shared by all who wait for it.
struct Look {
    at: Instant,
    said: u64,
    standing: Arc<Standing>,
}

impl Registry {
    /// Keeps nodes in `store`. A mutation waits `patience` at most until it is obeyed.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, metrics: Metrics, patience: Duration) -> Self {
        let (said, looks) = (watch::Sender::new(0), Mutex::default());
        Self { store, clock, metrics, patience, said, looks }
    }

    fn wake(&self) {
        self.said.send_modify(|said| *said += 1);
    }

    /// Until every node in contact enforces the revision: true, or some refused it: false.
    async fn obeyed(&self, org: OrgId, revision: u64) -> bool {
        let mut said = self.said.subscribe();
        loop {
            let turn = *said.borrow_and_update();
            match self.look(org, turn).await.map(|standing| standing.progress(revision)) {
                Ok(Progress::Everywhere) => return true,
                Ok(Progress::Refused) => return false,
                Ok(Progress::Pending) => {}
                Err(error) => tracing::debug!(%error, "who obeys a change cannot be read; looking again"),
            }
            tokio::select! {
                // The sender is ours, so that this waits.
                _ = said.changed() => {}
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// What is known, read at most as often as something was said or it is time to look again.
    async fn look(&self, org: OrgId, said: u64) -> Result<Arc<Standing>, StoreError> {
        let mut looks = self.looks.lock().await;
        looks.retain(|_, look| look.at.elapsed() < LOOK_AGAIN);
        if let Some(look) = looks.get(&org).filter(|look| look.said >= said) {
            return Ok(Arc::clone(&look.standing));
        }
        let (at, said) = (Instant::now(), *self.said.borrow());
        let standing = Arc::new(Standing::read(&self.store, org, self.clock.now()).await?);
        looks.insert(org, Look { at, said, standing: Arc::clone(&standing) });
        Ok(standing)
    }
}

#[async_trait]
impl Nodes for Registry {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        let now = self.clock.now();
        check_clock(hello.now, now)?;
        let freed = self.store.hello(&hello, now).await.map_err(|error| match error {
            StoreError::Conflict(sentence) => HelloError::Refused(sentence.to_owned()),
            other => HelloError::Unreachable(other.to_string()),
        })?;
        let Hello { holder, name, version, .. } = hello;
        tracing::info!(node.id = %holder.node, holder.incarnation, name, version, freed, "a node said hello");
        self.wake();
        Ok(Welcome { now, freed })
    }
}

fn check_clock(theirs: Timestamp, ours: Timestamp) -> Result<(), HelloError> {
    if theirs.since_micros(ours).abs() <= LARGEST_SKEW_S * 1_000_000 {
        return Ok(());
    }
    Err(HelloError::Refused(format!(
        "the node's clock says {theirs}, the control plane's {ours}: more than {LARGEST_SKEW_S} s apart, and budgets and \
         prices would follow different clocks; set both by NTP"
    )))
}

#[async_trait]
impl Acks for Registry {
    async fn ack(
        &self,
        holder: Holder,
        acks: Vec<Ack>,
        complete_to: Option<Timestamp>,
    ) -> Result<Contact, FeedError> {
        let unreachable = |error: StoreError| FeedError(error.to_string());
        let now = self.clock.now();
        self.store.acknowledge((holder, complete_to), &acks, now).await.map_err(|error| match error {
            StoreError::NotFound => FeedError(
                "the control plane does not know this life of the node: it says hello again".to_owned(),
            ),
            other => unreachable(other),
        })?;
        if !acks.is_empty() {
            self.wake();
        }
        // After what the node said, so that it compares with what there was when it asked, or later.
        let heartbeat = self.store.heartbeat().await.map_err(unreachable)?;
        let nodes = self.store.nodes_in_contact(now).await.map_err(unreachable)?;
        let recalled = self.store.recalled(holder, now).await.map_err(unreachable)?;
        let recalled = recalled.into_iter().map(|draw| (draw.budget, draw.window)).collect();
        Ok(Contact { heartbeat, nodes: nodes.max(1), now: self.clock.now(), recalled })
    }
}

#[async_trait]
impl Propagation for Registry {
    async fn reached(&self, org: OrgId, revision: u64) -> bool {
        let began = Instant::now();
        let reached = timeout(self.patience, self.obeyed(org, revision)).await.unwrap_or(false);
        self.metrics.propagated(reached.then(|| began.elapsed()));
        reached
    }
}
