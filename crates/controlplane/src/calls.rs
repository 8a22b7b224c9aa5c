//! Where the control plane asks nodes to reach providers, and nodes fetch what they are asked.
//!
//! Invariant: a call is handed to one node at most, and its answer to the one who asked; what nobody waits for any more is
//! forgotten. Nothing of it is kept: a call that is lost is asked again by whoever wanted it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use domain::{CredentialId, Holder, OrgId};
use parking_lot::Mutex;
use policy::feed::{Call, CallOutcome, Calls, FeedError};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// A node that is connected fetches a call within a round trip; this leaves time for one that is just reconnecting.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// A node that waits for calls is answered at least this often, so that dead connections are found.
const POLL: Duration = Duration::from_secs(20);

/// Why a call has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No node fetched it.
    #[error("no node is connected to this control plane")]
    NobodyThere,
    /// A node fetched it and has not reported.
    #[error("the node that was asked did not answer in time; try again")]
    TooLate,
}

/// The calls that are open. One per control plane process.
#[derive(Debug)]
pub struct CallBoard {
    open: Mutex<Open>,
    /// Notified once for each call that is put up.
    arrived: Notify,
    taken_within: Duration,
    poll: Duration,
}

#[derive(Debug, Default)]
struct Open {
    waiting: VecDeque<Call>,
    asked: HashMap<u64, oneshot::Sender<CallOutcome>>,
}

impl Default for CallBoard {
    fn default() -> Self {
        Self { open: Mutex::default(), arrived: Notify::new(), taken_within: TAKEN_WITHIN, poll: POLL }
    }
}

impl CallBoard {
    /// A board without calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a node ask the credential's provider for its models; waits for the outcome `patience` at most.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn ask(
        &self,
        org: Option<OrgId>,
        credential: CredentialId,
        patience: Duration,
    ) -> Result<CallOutcome, NoAnswer> {
        let deadline = Instant::now() + patience;
        // Random, because an outcome may be reported to another control plane than the one that asked.
        let call = Call { id: rand::random(), org, credential };
        let (asked, mut outcome) = self.put(call);
        match timeout(self.taken_within.min(patience), &mut outcome).await {
            Ok(outcome) => return outcome.map_err(|_| NoAnswer::TooLate),
            Err(_) if asked.is_waiting() => return Err(NoAnswer::NobodyThere),
            Err(_) => {}
        }
        match timeout_at(deadline, outcome).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) | Err(_) => Err(NoAnswer::TooLate),
        }
    }

    fn put(&self, call: Call) -> (Asked<'_>, oneshot::Receiver<CallOutcome>) {
        let (sender, receiver) = oneshot::channel();
        let id = call.id;
        let mut open = self.open.lock();
        open.asked.insert(id, sender);
        open.waiting.push_back(call);
        drop(open);
        self.arrived.notify_one();
        (Asked { board: self, id }, receiver)
    }

    fn report(&self, done: Vec<CallOutcome>) {
        let mut open = self.open.lock();
        for outcome in done {
            if let Some(asked) = open.asked.remove(&outcome.id) {
                // Whoever asked has just given up: nobody needs it then.
                let _ = asked.send(outcome);
            }
        }
    }
}

#[async_trait]
impl Calls for CallBoard {
    async fn next(&self, _: Holder, done: Vec<CallOutcome>) -> Result<Vec<Call>, FeedError> {
        self.report(done);
        let deadline = Instant::now() + self.poll;
        loop {
            // One at a time: a node answers one after the other, and another node may be free.
            let call = self.open.lock().waiting.pop_front();
            if let Some(call) = call {
                return Ok(vec![call]);
            }
            if timeout_at(deadline, self.arrived.notified()).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }
}

/// A call somebody waits for; forgotten when dropped.
struct Asked<'a> {
    board: &'a CallBoard,
    id: u64,
}

impl Asked<'_> {
    fn is_waiting(&self) -> bool {
        self.board.open.lock().waiting.iter().any(|call| call.id == self.id)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut open = self.board.open.lock();
        open.asked.remove(&self.id);
        open.waiting.retain(|call| call.id != self.id);
    }
}

#[cfg(test)]
mod tests;
