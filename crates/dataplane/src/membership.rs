//! This node among the others: says hello, tells what it enforces, learns what it missed.
//!
//! Invariant: hello comes after everything that earlier lives settled was committed, because it frees what they did not
//! spend. Being in contact is never waited for by a request.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::{Clock, OrgId, Timestamp};
use metering::ports::{Hello, HelloError, Journal, Nodes, Welcome};
use metering::usage::Draw;
use policy::feed::{Ack, Acks, Contact, FeedError, PolicyMessage};
use policy::{Outcome, SnapshotCell, Version};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::lease::Leases;
use crate::outage::Outage;
use crate::policy_task::{LastContact, PolicyTask};
use crate::ship::Shipper;
use crate::telemetry::Metrics;

/// A start waits for so many turns to be in step.
const MOST_TURNS: u32 = 20;
/// Acknowledgements told in one go.
const AT_ONCE: usize = 5_000;
/// A clock that is off by more than this is worth a warning: windows and prices are chosen by it.
const SKEW_WARNING_MS: i64 = 2_000;

/// Who this node is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What people call it.
    pub name: String,
    /// The release it runs.
    pub version: String,
    /// Changes when the machine was started anew.
    pub boot: String,
    /// In contact at least this often.
    pub contact_every: Duration,
}

/// What being a member needs.
pub struct Membership {
    identity: Identity,
    nodes: Arc<dyn Nodes>,
    acks: Arc<dyn Acks>,
    shipper: Arc<Shipper>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    cell: Arc<SnapshotCell>,
    leases: Arc<Leases>,
    contact: Arc<LastContact>,
    changed: watch::Receiver<u64>,
    behind: Arc<Notify>,
    peers: Arc<AtomicU32>,
    outage: Outage,
    tried: watch::Sender<bool>,
    told: HashMap<Option<OrgId>, Version>,
}

/// Why a node is not among the others yet.
#[derive(Debug, thiserror::Error)]
pub enum NotIntroduced {
    /// Usage of earlier lives is not committed.
    #[error("usage that waits in the journal cannot be committed: {0}")]
    Usage(String),
    /// Hello was not answered with a welcome.
    #[error(transparent)]
    Hello(#[from] HelloError),
}

impl Membership {
    /// A node that has not said hello yet; `task` tells it what is enforced, `shipper` empties its journal first.
    #[must_use]
    pub fn new(
        identity: Identity,
        (nodes, acks): (Arc<dyn Nodes>, Arc<dyn Acks>),
        (shipper, journal): (Arc<Shipper>, Arc<dyn Journal>),
        (clock, metrics): (Arc<dyn Clock>, Metrics),
        task: &PolicyTask,
    ) -> Self {
        Self {
            identity,
            nodes,
            acks,
            shipper,
            journal,
            clock,
            metrics,
            cell: Arc::clone(&task.cell),
            leases: Arc::clone(&task.leases),
            contact: task.contact(),
            changed: task.changed(),
            behind: Arc::clone(&task.behind),
            peers: Arc::new(AtomicU32::new(1)),
            outage: Outage::of("the control plane"),
            tried: watch::Sender::new(false),
            told: HashMap::new(),
        }
    }

    /// Becomes true when the node is in step with a control plane that knows of it, or the control plane is known to be
    /// away. A node that serves before would serve what was revoked while it was away.
    #[must_use]
    pub fn tried(&self) -> watch::Receiver<bool> {
        self.tried.subscribe()
    }

    /// How many nodes share what is shared, this one included; as it was last told.
    #[must_use]
    pub fn peers(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.peers)
    }

    /// Ships what waits in the journal, then says hello.
    ///
    /// # Errors
    /// [`NotIntroduced`]; try again.
    pub async fn introduce(&mut self) -> Result<Welcome, NotIntroduced> {
        self.shipper.drain().await.map_err(NotIntroduced::Usage)?;
        let hello = self.hello();
        let welcome = self.nodes.hello(hello).await?;
        if let Err(error) = self.journal.welcomed() {
            tracing::warn!(error = %error, "the next start of this node may leave money in suspense");
        }
        self.told.clear();
        self.skew(welcome.now);
        if !welcome.freed {
            tracing::warn!(
                "how far an earlier life of this node came is not known (the machine was started anew, or an older disk \
                 was put back): budget money it held stays in suspense"
            );
        }
        Ok(welcome)
    }

    /// Says hello until it is answered; then tells, on every change and at a steady pace, until `stop`.
    pub async fn run(mut self, introduced: bool, stop: CancellationToken) {
        let mut introduced = introduced;
        let (mut failures, mut turns) = (0_u32, 0_u32);
        loop {
            let outcome = self.turn(&mut introduced).await;
            // Where changes never stop, a node is never quite in step: it serves all the same after some turns.
            turns += 1;
            if outcome.as_ref().map_or(true, |in_step| *in_step || turns > MOST_TURNS) {
                self.tried.send_replace(true);
            }
            let pause = match outcome {
                Ok(_) => {
                    failures = 0;
                    self.outage.over();
                    self.identity.contact_every
                }
                Err(error) => {
                    self.outage.failed(&error);
                    failures += 1;
                    Duration::from_millis(100 << failures.min(5)).min(self.identity.contact_every)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = self.changed.changed(), if failures == 0 => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Whether the node is in step.
    async fn turn(&mut self, introduced: &mut bool) -> Result<bool, String> {
        if !*introduced {
            self.introduce().await.map_err(|error| error.to_string())?;
            *introduced = true;
        }
        let told = self.tell().await;
        // A control plane that was restored from a backup does not know this life: hello is harmless twice.
        *introduced = told.is_ok();
        told.map_err(|error| error.to_string())
    }

    fn hello(&self) -> Hello {
        Hello {
            holder: self.shipper.holder,
            name: self.identity.name.clone(),
            version: self.identity.version.clone(),
            boot: self.identity.boot.clone(),
            journal_found: self.journal.found(),
            journal_end: self.journal.end(),
            now: self.clock.now(),
            contact_every_ms: u32::try_from(self.identity.contact_every.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// Tells what is enforced and was not told yet, and compares what there is with what is held: whether it is the same.
    async fn tell(&mut self) -> Result<bool, FeedError> {
        self.changed.mark_unchanged();
        let news = self.news();
        let mut rest = news.as_slice();
        loop {
            let (some, later) = rest.split_at(rest.len().min(AT_ONCE));
            let asked_at = self.clock.now();
            let complete_to = self.shipper.outstanding.complete_to();
            let contact = self.acks.ack(self.shipper.holder, some.to_vec(), Some(complete_to)).await?;
            self.told.extend(some.iter().map(|ack| (ack.org, ack.version)));
            rest = later;
            if rest.is_empty() {
                return Ok(self.learn(contact, asked_at));
            }
        }
    }

    fn learn(&self, contact: Contact, asked_at: Timestamp) -> bool {
        self.peers.store(contact.nodes.max(1), Ordering::Relaxed);
        self.skew(contact.now);
        self.leases.tighten(
            contact.recalled.iter().map(|(budget, window)| Draw { budget: *budget, window: *window }),
        );
        let in_step = self.cell.apply(PolicyMessage::Heartbeat(contact.heartbeat)) == Outcome::InStep;
        if in_step {
            self.contact.made(asked_at)
        } else {
            self.behind.notify_one()
        }
        in_step
    }

    /// What is held in another version than was last told.
    fn news(&self) -> Vec<Ack> {
        let Some(held) = self.cell.load() else { return Vec::new() };
        let platform = Ack { org: None, version: held.platform().version(), refused: None };
        let orgs = held.orgs().map(|org| Ack {
            org: Some(org.id()),
            version: org.version(),
            refused: org.problems().first().map(|problem| problem.text.clone()),
        });
        let is_news = |ack: &Ack| self.told.get(&ack.org) != Some(&ack.version);
        std::iter::once(platform).chain(orgs).filter(is_news).collect()
    }

    fn skew(&self, theirs: Timestamp) {
        let skew_ms = self.clock.now().since_micros(theirs) / 1_000;
        self.metrics.clock_skew(skew_ms);
        if skew_ms.abs() > SKEW_WARNING_MS {
            tracing::warn!(skew_ms, "this machine's clock and the control plane's differ; set both by NTP");
        }
    }
}

#[cfg(test)]
mod tests;
