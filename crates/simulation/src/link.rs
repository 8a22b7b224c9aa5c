//! The way between nodes and the control plane: every port of a node as a message that the scheduler holds in its hand.
//!
//! Invariant: a node sees of a message only its answer, or that there is none; a dead node sees nothing. Like the real
//! link, it says `NotDone` only where nothing was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::{Amount, Holder, OrgId, Timestamp};
use futures::StreamExt;
use futures::stream::BoxStream;
use metering::Reservation;
use metering::ports::{
    Hello, HelloError, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource, Nodes, ShipError, Shipment,
    UsageSink, Welcome,
};
use metering::usage::Draw;
use policy::feed::{
    Ack, Acks, Contact, FeedError, OrgUpdate, PolicyFeed, PolicyMessage, PolicySource, Wanted,
};
use policy::record::PlatformRecords;
use tokio::sync::{mpsc, oneshot};

use crate::guard::Guard;
use crate::life::Introduction;

/// What a node asks.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Grant(Holder, Vec<LeaseRequest>),
    GiveBack(Holder, Vec<(OrgId, Draw, Amount)>),
    Ship(Shipment),
    Hello(Hello),
}

/// What the control plane says.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Leases(Vec<LeaseAnswer>),
    Done,
    Welcome(Welcome),
}

/// Why a node has no answer.
#[derive(Debug, Clone)]
pub(crate) enum Lost {
    /// Nothing was done.
    NotDone,
    /// It may have been.
    Unknown,
    /// It never will be.
    Refused(String),
}

pub(crate) type Answer = Result<Said, Lost>;

/// Which life of which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct From {
    pub(crate) node: usize,
    pub(crate) life: u64,
}

/// On its way.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: From,
    pub(crate) ask: Ask,
    /// Nobody listens any more: `None`.
    pub(crate) reply: Option<oneshot::Sender<Answer>>,
    /// Done, and on its way back.
    pub(crate) answer: Option<Answer>,
}

/// What the scheduler hears from the tasks of nodes.
pub(crate) enum News {
    /// Something was sent.
    Asked(Message),
    /// A request has its money, or not.
    Reserved(From, u64, Result<Reservation, dataplane::lease::NotReserved>),
    /// A journal was shipped, as far as could be.
    Shipped(From, Result<(), String>),
    /// A node has said hello, or has tried.
    Introduced(From, Box<Introduction>),
}

/// A node's ports.
pub(crate) struct Port {
    pub(crate) from: From,
    pub(crate) is_alive: AtomicBool,
    pub(crate) is_introduced: AtomicBool,
    pub(crate) news: mpsc::UnboundedSender<News>,
    pub(crate) without: Option<Guard>,
}

impl Port {
    fn send(&self, ask: Ask, reply: Option<oneshot::Sender<Answer>>) {
        // The scheduler outlives every node.
        let _ = self.news.send(News::Asked(Message { from: self.from, ask, reply, answer: None }));
    }

    async fn ask(&self, ask: Ask) -> Answer {
        if !self.is_alive.load(Ordering::SeqCst) {
            return Err(Lost::Unknown);
        }
        let (reply, answer) = oneshot::channel();
        self.send(ask, Some(reply));
        answer.await.unwrap_or(Err(Lost::Unknown))
    }
}

/// Waiting for called back money takes real time, which the scheduler does not hold in its hand: a request is refused
/// instead, and money comes back as it is idle.
fn at_once(answer: LeaseAnswer) -> LeaseAnswer {
    match answer {
        LeaseAnswer::Recalled(state) => LeaseAnswer::Exhausted(state),
        other => other,
    }
}

fn money(lost: Lost) -> LeaseError {
    match lost {
        Lost::NotDone | Lost::Refused(_) => LeaseError::NotDone("it was not sent".to_owned()),
        Lost::Unknown => LeaseError::Unknown("there is no answer".to_owned()),
    }
}

#[async_trait]
impl LeaseSource for Port {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        match self.ask(Ask::Grant(holder, requests.clone())).await {
            Ok(Said::Leases(answers)) => Ok(answers.into_iter().map(at_once).collect()),
            Err(Lost::Unknown) if self.without == Some(Guard::UnknownGrantIsNothing) => {
                Ok(requests.iter().map(|request| LeaseAnswer::Granted(request.at_least)).collect())
            }
            Err(lost) => Err(money(lost)),
            Ok(_) => Err(money(Lost::Unknown)),
        }
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        match self.ask(Ask::GiveBack(holder, unspent)).await {
            Ok(_) => Ok(()),
            Err(Lost::Unknown) if self.without == Some(Guard::UnknownReturnIsGone) => {
                Err(money(Lost::NotDone))
            }
            Err(lost) => Err(money(lost)),
        }
    }
}

#[async_trait]
impl UsageSink for Port {
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError> {
        let overtakes = !self.is_introduced.load(Ordering::SeqCst);
        if overtakes && self.without == Some(Guard::JournalBeforeHello) {
            self.send(Ask::Ship(shipment), None);
            return Ok(());
        }
        match self.ask(Ask::Ship(shipment)).await {
            Ok(_) => Ok(()),
            Err(_) if self.without == Some(Guard::CommitBeforeDrop) => Ok(()),
            Err(lost) => Err(ShipError(format!("{lost:?}"))),
        }
    }
}

#[async_trait]
impl Nodes for Port {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        match self.ask(Ask::Hello(hello)).await {
            Ok(Said::Welcome(welcome)) => Ok(welcome),
            Err(Lost::Refused(sentence)) => Err(HelloError::Refused(sentence)),
            other => Err(HelloError::Unreachable(format!("{other:?}"))),
        }
    }
}

/// Nobody to get policy from: budgets are all that is simulated.
pub(crate) struct NoPolicy;

fn none<T>() -> Result<T, FeedError> {
    Err(FeedError("there is no policy here".to_owned()))
}

#[async_trait]
impl Acks for NoPolicy {
    async fn ack(&self, _: Holder, _: Vec<Ack>, _: Option<Timestamp>) -> Result<Contact, FeedError> {
        none()
    }
}

#[async_trait]
impl PolicySource for NoPolicy {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        none()
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        none()
    }

    async fn orgs(&self, _: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        none()
    }
}

#[async_trait]
impl PolicyFeed for NoPolicy {
    async fn follow(&self) -> Result<BoxStream<'static, PolicyMessage>, FeedError> {
        Ok(futures::stream::pending().boxed())
    }
}

/// The same port, as each of the traits it is.
pub(crate) fn ports(port: &Arc<Port>) -> (Arc<dyn LeaseSource>, Arc<dyn UsageSink>, Arc<dyn Nodes>) {
    (Arc::clone(port) as _, Arc::clone(port) as _, Arc::clone(port) as _)
}
