//! The data plane of a process: journal, leases, policy, and the tasks that feed it. Who is asked is an adapter's matter.
//!
//! Invariant: nothing serves before policy is held; nothing is freed before what was spent is committed; a stop lets open
//! requests end, then ends what still streams, then gives budget money back.

use std::sync::Arc;
use std::time::Duration;

use dataplane::calls::CallTask;
use dataplane::counting::Counting;
use dataplane::drain::Drains;
use dataplane::lease::Leases;
use dataplane::membership::{Identity, Membership};
use dataplane::outstanding::Outstanding;
use dataplane::policy_task::PolicyTask;
use dataplane::rate::Rates;
use dataplane::ship::Shipper;
use dataplane::upstream::{Timeouts, Upstream};
use journal::{DataDir, FileJournal, Settings};
use metering::ports::{Journal, LeaseSource, Nodes, Reads, UsageSink};
use metering::rate::RateSource;
use policy::SnapshotCell;
use policy::feed::{Acks, Calls, PolicyFeed, PolicySource};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::housekeeping;
use crate::listen::{Listening, Socket};
use crate::process::Process;
use crate::shutdown;

/// After streams were ended with an error, this long for the last bytes to leave.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// Whom the data plane asks: the same process, or a control plane over the node link.
pub(crate) struct Adapters {
    pub(crate) feed: Arc<dyn PolicyFeed>,
    pub(crate) source: Arc<dyn PolicySource>,
    pub(crate) leases: Arc<dyn LeaseSource>,
    pub(crate) sink: Arc<dyn UsageSink>,
    pub(crate) nodes: Arc<dyn Nodes>,
    pub(crate) acks: Arc<dyn Acks>,
    pub(crate) reads: Arc<dyn Reads>,
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) rates: Arc<dyn RateSource>,
    /// The node is in contact at least this often.
    pub(crate) contact_every: Duration,
}

/// A data plane that does not serve yet.
pub(crate) struct Node {
    pub(crate) policy: PolicyTask,
    pub(crate) membership: Membership,
    dir: Arc<DataDir>,
    cell: Arc<SnapshotCell>,
    deps: Arc<dataplane::Deps>,
    leases: Arc<Leases>,
    shipper: Arc<Shipper>,
    calls: CallTask,
    metrics: dataplane::telemetry::Metrics,
}

impl Node {
    /// Claims the data directory, opens the journal, and wires everything; starts nothing.
    ///
    /// # Errors
    /// A data directory that is in use, or a journal that cannot be read.
    pub(crate) fn build(process: &Process, adapters: Adapters) -> anyhow::Result<Self> {
        let config = &process.config;
        let dir = DataDir::claim(&config.data_dir, process.clock.now(), rand::random())?;
        let (holder, dir) = (dir.holder(), Arc::new(dir));
        let metrics = dataplane::telemetry::Metrics::new(&process.registry)?;
        let settings = Settings { cap_bytes: config.journal.cap_bytes, ..Settings::default() };
        let (journal, _) = FileJournal::open(Arc::clone(&dir), settings, process.clock.as_ref())?;
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let outstanding = Arc::new(Outstanding::new(Arc::clone(&process.clock)));
        let settled = Arc::new(Notify::new());
        let shipper = Arc::new(Shipper {
            holder,
            journal: Arc::clone(&journal),
            sink: adapters.sink,
            outstanding: Arc::clone(&outstanding),
            settled: Arc::clone(&settled),
            metrics: metrics.clone(),
        });
        let wait = Duration::from_millis(config.budget.lease_timeout_ms);
        let leases = Arc::new(Leases::new(adapters.leases, holder, wait, process.tasks.clone()));
        let cell = Arc::new(SnapshotCell::new());
        let policy = PolicyTask::new(
            Arc::clone(&cell),
            adapters.feed,
            adapters.source,
            Arc::clone(&leases),
            Arc::clone(&process.clock),
        );
        let membership = Membership::new(
            identity(config, adapters.contact_every),
            (adapters.nodes, adapters.acks),
            (Arc::clone(&shipper), Arc::clone(&journal)),
            (Arc::clone(&process.clock), metrics.clone()),
            &policy,
        );
        let upstream = Upstream::new(timeouts(config));
        let calls = CallTask {
            calls: adapters.calls,
            holder,
            cell: Arc::clone(&cell),
            master: process.secrets.master()?,
            upstream: upstream.clone(),
        };
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        let deps = dataplane::Deps {
            cell: Arc::clone(&cell),
            pepper: process.secrets.pepper()?,
            master: process.secrets.master()?,
            leases: Arc::clone(&leases),
            rates: Rates::new(adapters.rates, membership.peers(), Arc::clone(&process.clock)),
            journal,
            outstanding,
            settled,
            upstream,
            counting: Counting::new(tasks.clone(), cut.clone()),
            drains: drains(config),
            reads: adapters.reads,
            clock: Arc::clone(&process.clock),
            metrics: metrics.clone(),
            body: dataplane::BodyLimits {
                max_bytes: config.data.body_limit_bytes,
                timeout: Duration::from_millis(config.data.body_timeout_ms),
            },
            keep_alive: Duration::from_millis(config.upstream.keep_alive_ms),
            tasks,
            cut,
        };
        Ok(Self { policy, membership, dir, cell, deps: Arc::new(deps), leases, shipper, calls, metrics })
    }

    /// Takes over the last-known-good policy of an earlier life.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub(crate) fn resume(&self, process: &Process) -> anyhow::Result<()> {
        housekeeping::resume(&self.dir, &process.secrets.master()?, &self.cell)
    }

    /// Starts the tasks that feed the data plane.
    ///
    /// # Errors
    /// When the master key cannot be used.
    pub(crate) fn start(self, process: &Process, introduced: bool) -> anyhow::Result<Feeding> {
        housekeeping::start(process, &self.dir, &self.policy, &self.leases, &self.metrics)?;
        let (held, told) = (self.policy.changed(), self.membership.tried());
        let stop = || process.stop.clone();
        process.essential("policy", self.policy.run(stop()));
        process.essential("shipping", self.shipper.run(stop()));
        process.essential("membership", self.membership.run(introduced, stop()));
        process.essential("calls", self.calls.run(stop()));
        Ok(Feeding { deps: self.deps, leases: self.leases, cell: self.cell, held, told })
    }
}

/// A data plane whose tasks run.
pub(crate) struct Feeding {
    deps: Arc<dataplane::Deps>,
    leases: Arc<Leases>,
    cell: Arc<SnapshotCell>,
    held: watch::Receiver<u64>,
    told: watch::Receiver<bool>,
}

impl Feeding {
    /// Waits until there is policy, and the control plane knows of this node or is known to be away.
    pub(crate) async fn may_serve(&mut self) {
        let _ = self.told.wait_for(|told| *told).await;
        while self.cell.load().is_none() {
            if self.held.changed().await.is_err() {
                return;
            }
        }
    }

    /// Serves requests.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub(crate) fn serve(self, process: &Process, socket: Socket) -> anyhow::Result<Serving> {
        let stop = CancellationToken::new();
        let listening = socket.serve(&process.tasks, dataplane::router(Arc::clone(&self.deps)), &stop)?;
        Ok(Serving { deps: self.deps, leases: self.leases, listening, stop })
    }
}

/// A data plane that serves.
pub(crate) struct Serving {
    deps: Arc<dataplane::Deps>,
    leases: Arc<Leases>,
    listening: Listening,
    stop: CancellationToken,
}

impl Serving {
    /// Accepts nothing new, lets open requests end, ends what still streams, gives budget money back.
    pub(crate) async fn drain(self, config: &Config) {
        let patience = Duration::from_millis(config.shutdown.drain_ms);
        let deadline = Instant::now() + patience;
        self.stop.cancel();
        self.deps.drains.end();
        let requests = self.deps.tasks.clone();
        let draining = async {
            // Connections first: a body that is still arriving has no request yet.
            self.listening.ended(patience + LAST_BYTES).await;
            requests.close();
            requests.wait().await;
        };
        let cut = self.deps.cut.clone();
        let losing_patience = async {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {
                    tracing::warn!("some requests did not end in time; their streams are ended with an error");
                }
                () = shutdown::signal() => tracing::warn!("asked again: open streams are ended with an error"),
            }
            cut.cancel();
            tokio::time::sleep(LAST_BYTES).await;
            tracing::warn!("some requests did not end; the next start books them as interrupted");
        };
        tokio::select! {
            () = draining => {}
            () = losing_patience => {}
        }
        self.leases.release().await;
    }
}

fn identity(config: &Config, contact_every: Duration) -> Identity {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Identity {
        name: config.name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot: boot.trim().to_owned(),
        contact_every,
    }
}

fn drains(config: &Config) -> Drains {
    let upstream = &config.upstream;
    let also = upstream.drain_also.split(',').map(|slug| slug.trim().to_owned());
    Drains::new(upstream.drain_most, Duration::from_millis(upstream.drain_timeout_ms), also)
}

fn timeouts(config: &Config) -> Timeouts {
    let upstream = &config.upstream;
    Timeouts {
        connect: Duration::from_millis(upstream.connect_timeout_ms),
        first_byte: Duration::from_millis(upstream.first_byte_timeout_ms),
        whole: Duration::from_millis(upstream.whole_timeout_ms),
        idle: Duration::from_millis(upstream.idle_timeout_ms),
    }
}
