//! One process life of a node, made of the real parts: data directory, journal, leases, shipper, membership.
//!
//! Invariant: it is wired as `weir data` wires it; `kill -9` is dropping it, after which nothing it began can be heard of.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use dataplane::lease::Leases;
use dataplane::membership::{Identity, Membership, NotIntroduced};
use dataplane::outstanding::Outstanding;
use dataplane::policy_task::PolicyTask;
use dataplane::ship::Shipper;
use dataplane::telemetry::Metrics;
use domain::time::FixedClock;
use domain::{Clock, Holder, OrgId, Pico};
use journal::{DataDir, FileJournal, Settings};
use metering::Reservation;
use metering::ports::{Journal, Welcome};
use metering::usage::{Attempt, Draw};
use policy::SnapshotCell;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::guard::Guard;
use crate::link::{From, News, NoPolicy, Port, ports};

/// Nothing here waits by the clock of this machine.
const NEVER: Duration = Duration::from_secs(86_400);

/// What came of saying hello.
pub(crate) type Introduction = (Membership, Result<Welcome, NotIntroduced>);

/// A request that waits for money.
pub(crate) struct Waiting {
    pub(crate) task: JoinHandle<()>,
    pub(crate) attempt: Attempt,
    /// The least there was to be had for it since it began to wait.
    pub(crate) headroom: i128,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has its money.
    Reserved,
    /// It is in the journal.
    Journalled,
    /// The provider has it.
    Sent,
}

/// An attempt on its way.
pub(crate) struct Call {
    pub(crate) reservation: Reservation,
    pub(crate) attempt: Attempt,
    pub(crate) stage: Stage,
    /// What the provider will bill.
    pub(crate) truth: i64,
    /// What of it was seen.
    pub(crate) streamed: i64,
}

/// What a life is begun with.
pub(crate) struct Birth<'a> {
    pub(crate) data: &'a Path,
    pub(crate) from: From,
    pub(crate) clock: &'a Arc<FixedClock>,
    pub(crate) boot: u64,
    pub(crate) entropy: u128,
    pub(crate) settings: Settings,
    pub(crate) without: Option<Guard>,
    pub(crate) news: &'a mpsc::UnboundedSender<News>,
}

/// A running process.
pub(crate) struct Life {
    pub(crate) from: From,
    pub(crate) holder: Holder,
    pub(crate) leases: Arc<Leases>,
    pub(crate) journal: Arc<FileJournal>,
    pub(crate) is_serving: bool,
    pub(crate) is_introduced: bool,
    pub(crate) waiting: BTreeMap<u64, Waiting>,
    pub(crate) calls: BTreeMap<u64, Call>,
    port: Arc<Port>,
    shipper: Arc<Shipper>,
    membership: Option<Membership>,
    busy: Option<JoinHandle<()>>,
    tasks: TaskTracker,
    news: mpsc::UnboundedSender<News>,
}

impl Life {
    /// Claims the data directory and opens the journal, as a start of `weir data` does.
    pub(crate) fn begin(birth: &Birth<'_>) -> anyhow::Result<Self> {
        let dir = DataDir::claim(birth.data, birth.clock.now(), birth.entropy)?;
        let (holder, dir) = (dir.holder(), Arc::new(dir));
        let (journal, recovered) = FileJournal::open(dir, birth.settings, birth.clock.as_ref())
            .context("the journal cannot be opened")?;
        let _ = recovered;
        if birth.without == Some(Guard::FirstFound) {
            journal.welcomed()?;
        }
        let journal = Arc::new(journal);
        let port = Arc::new(Port {
            from: birth.from,
            is_alive: AtomicBool::new(true),
            is_introduced: AtomicBool::new(false),
            news: birth.news.clone(),
            without: birth.without,
        });
        let (source, sink, nodes) = ports(&port);
        let metrics = Metrics::new(&prometheus::Registry::new())?;
        let waiting: Arc<dyn Journal> = Arc::clone(&journal) as _;
        let shipper = Arc::new(Shipper {
            holder,
            journal: Arc::clone(&waiting),
            sink,
            settled: Arc::default(),
            outstanding: Arc::new(Outstanding::new(Arc::clone(birth.clock) as _)),
            metrics: metrics.clone(),
        });
        let tasks = TaskTracker::new();
        let leases = Arc::new(Leases::new(source, holder, NEVER, tasks.clone()));
        let nobody = Arc::new(NoPolicy);
        let clock: Arc<dyn Clock> = Arc::clone(birth.clock) as _;
        let policy = PolicyTask::new(
            Arc::new(SnapshotCell::new()),
            Arc::clone(&nobody) as _,
            Arc::clone(&nobody) as _,
            Arc::clone(&leases),
            Arc::clone(&clock),
        );
        let identity = Identity {
            name: format!("node {}", birth.from.node),
            version: "0".to_owned(),
            boot: format!("boot {}", birth.boot),
            contact_every: Duration::from_secs(1),
        };
        let shipping = (Arc::clone(&shipper), waiting);
        let membership = Membership::new(identity, (nodes, nobody), shipping, (clock, metrics), &policy);
        Ok(Self {
            from: birth.from,
            holder,
            leases,
            journal,
            is_serving: false,
            is_introduced: false,
            waiting: BTreeMap::new(),
            calls: BTreeMap::new(),
            port,
            shipper,
            membership: Some(membership),
            busy: None,
            tasks,
            news: birth.news.clone(),
        })
    }

    /// Whether it ships, or says hello.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Ships what waits, then says hello.
    pub(crate) fn introduce(&mut self) {
        let Some(mut membership) = self.membership.take() else { return };
        let (news, from) = (self.news.clone(), self.from);
        self.busy = Some(self.tasks.spawn(async move {
            let outcome = membership.introduce().await;
            let _ = news.send(News::Introduced(from, Box::new((membership, outcome))));
        }));
    }

    /// It has said hello, or tried; the answer is the caller's to judge.
    pub(crate) fn introduced(
        &mut self,
        (membership, outcome): Introduction,
    ) -> Result<Welcome, NotIntroduced> {
        self.busy = None;
        self.membership = Some(membership);
        self.is_serving = true;
        self.is_introduced |= outcome.is_ok();
        self.port.is_introduced.fetch_or(outcome.is_ok(), Ordering::SeqCst);
        outcome
    }

    /// Ships what waits in the journal.
    pub(crate) fn ship(&mut self) {
        let (shipper, news, from) = (Arc::clone(&self.shipper), self.news.clone(), self.from);
        self.busy = Some(self.tasks.spawn(async move {
            let outcome = shipper.drain().await;
            let _ = news.send(News::Shipped(from, outcome));
        }));
    }

    pub(crate) fn shipped(&mut self) {
        self.busy = None;
    }

    /// A request asks for money.
    pub(crate) fn ask(&mut self, number: u64, attempt: Attempt, draws: Vec<(OrgId, Draw)>) {
        let (leases, news, from) = (Arc::clone(&self.leases), self.news.clone(), self.from);
        let amount: Pico = attempt.reserved;
        let task = self.tasks.spawn(async move {
            let outcome = leases.reserve(draws, amount).await;
            let _ = news.send(News::Reserved(from, number, outcome));
        });
        self.waiting.insert(number, Waiting { task, attempt, headroom: i128::MAX });
    }

    /// Gives back what no one draws on, and what is of windows that have ended.
    pub(crate) fn tidy(&self, clock: &FixedClock) {
        let (leases, now) = (Arc::clone(&self.leases), clock.now());
        self.tasks.spawn(async move {
            leases.expire(now).await;
            leases.idle().await;
        });
    }

    /// Gives back everything that is free, as at an orderly end.
    pub(crate) fn release(&self) {
        let leases = Arc::clone(&self.leases);
        self.tasks.spawn(async move { leases.release().await });
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.port.is_alive.store(false, Ordering::SeqCst);
        for waiting in self.waiting.values() {
            waiting.task.abort();
        }
        if let Some(busy) = self.busy.take() {
            busy.abort();
        }
    }
}
