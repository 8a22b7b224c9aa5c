//! `weir run`: everything in one process, wired in process.
//!
//! Invariant: starts in an order in which nothing serves before it can keep its promises, and stops in the reverse one.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use backplane::Memory;
use controlplane::{CookieMode, Ingest, Source, publish};
use dataplane::lease::Leases;
use dataplane::policy_task::{Applied, Contact, PolicyTask};
use dataplane::ship::Shipper;
use dataplane::upstream::{Timeouts, Upstream};
use domain::time::SystemClock;
use domain::{Clock, Secret};
use journal::{DataDir, FileJournal, Settings};
use policy::SnapshotCell;
use prometheus::Registry;
use store::Store;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, Config};
use crate::listen::{self, Listening};
use crate::ops::Ops;
use crate::reads::StoreReads;
use crate::secrets::Secrets;
use crate::{bootstrap, housekeeping, quickstart, shutdown, telemetry};

/// A mutation answers when the data plane of this process obeys it, or after this long with a warning in the log.
const OBEYED_WITHIN: Duration = Duration::from_secs(5);

/// What the parts of one process share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Store,
    pub(crate) secrets: Secrets,
    pub(crate) registry: Registry,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// Runs a task without which the process must not go on: when it ends early, everything stops.
    fn essential(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (running, stop) = (self.tasks.spawn(work), self.stop.clone());
        self.tasks.spawn(async move {
            let ended = running.await;
            if !stop.is_cancelled() {
                tracing::error!(name, panicked = ended.is_err(), "an essential task has ended");
                stop.cancel();
            }
        });
    }
}

/// Runs until a signal, then stops in order.
///
/// # Errors
/// What kept it from starting, in a sentence.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("data directory {} cannot be made", config.data_dir.display()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let claimed = DataDir::claim(&config.data_dir, clock.now(), rand::random())?;
    let exporter = telemetry::start(&config.telemetry)?;
    let secrets = Secrets::load_or_create(&config.data_dir)?;
    store::migrate(&config.store_url(), clock.now())
        .await
        .context("the database cannot be brought up to date")?;
    let store =
        Store::connect(&config.store_url(), clock.now()).await.context("the database cannot be opened")?;
    let shared = Shared {
        config,
        clock,
        store,
        secrets,
        registry: Registry::new(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    let outcome = serve(&shared, claimed).await;
    shared.stop.cancel();
    tokio::task::spawn_blocking(move || exporter.finish()).await?;
    outcome
}

async fn serve(shared: &Shared, claimed: DataDir) -> anyhow::Result<()> {
    let ready = Arc::new(AtomicBool::new(false));
    let sockets = listen::Sockets::bind(&shared.config).await?;
    let upstreams = bootstrap::upstreams(shared, config::provider_credentials()).await?;
    bootstrap::platform(shared, &upstreams).await?;
    let quickstart = bootstrap::first_start(shared, &sockets, &upstreams).await?;
    let plane = DataPlane::build(shared, claimed).await?;
    let admin = control_plane(shared, &plane)?;
    let requests = CancellationToken::new();
    let ops = Ops { registry: shared.registry.clone(), ready: Arc::clone(&ready) };
    let data_listener =
        Listening::start(&shared.tasks, sockets.data, dataplane::router(Arc::clone(&plane.deps)), &requests);
    let admin_listener = Listening::start(&shared.tasks, sockets.admin, admin, &shared.stop);
    let ops_listener = Listening::start(&shared.tasks, sockets.ops, crate::ops::router(ops), &shared.stop);
    ready.store(true, Ordering::SeqCst);
    match quickstart {
        Some(quickstart) => quickstart.print(&shared.config.data_dir)?,
        None => quickstart::print_without(&shared.config)?,
    }
    tokio::select! {
        () = shutdown::signal() => tracing::info!("stopping: open requests may end"),
        () = shared.stop.cancelled() => {
            anyhow::bail!("a task that Weir cannot do without has ended; the log has the cause")
        }
    }
    ready.store(false, Ordering::SeqCst);
    requests.cancel();
    let drain = Duration::from_millis(shared.config.shutdown.drain_ms);
    plane.requests.close();
    let deadline = tokio::time::Instant::now() + drain;
    // Connections first: a body that is still arriving has no request yet.
    data_listener.ended(drain).await;
    if tokio::time::timeout_at(deadline, plane.requests.wait()).await.is_err() {
        tracing::warn!("some requests did not end in time; the next start books them as interrupted");
    }
    shared.stop.cancel();
    shared.tasks.close();
    for ended in [admin_listener, ops_listener] {
        ended.ended(Duration::from_secs(2)).await;
    }
    plane.leases.release().await;
    if tokio::time::timeout(Duration::from_secs(10), shared.tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    Ok(())
}

/// The data plane with the tasks that feed it.
pub(crate) struct DataPlane {
    pub(crate) deps: Arc<dataplane::Deps>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) requests: TaskTracker,
    pub(crate) memory: Memory,
    pub(crate) committed: Arc<Notify>,
    pub(crate) applied: Arc<Applied>,
    pub(crate) control_metrics: controlplane::Metrics,
}

impl DataPlane {
    async fn build(shared: &Shared, claimed: DataDir) -> anyhow::Result<Self> {
        let holder = claimed.holder();
        let control_metrics = controlplane::Metrics::register(&shared.registry)?;
        let metrics = dataplane::telemetry::Metrics::new(&shared.registry)?;
        let settings = Settings { cap_bytes: shared.config.journal.cap_bytes, ..Settings::default() };
        let claimed = Arc::new(claimed);
        let (journal, _) = FileJournal::open(Arc::clone(&claimed), settings, shared.clock.as_ref())?;
        let journal: Arc<FileJournal> = Arc::new(journal);
        let settled = Arc::new(Notify::new());
        let sink = Ingest::new(shared.store.clone(), Arc::clone(&shared.clock), control_metrics.clone());
        let shipper = Shipper {
            journal: journal.clone(),
            sink: Arc::new(sink),
            settled: settled.clone(),
            metrics: metrics.clone(),
        };
        // What earlier lives of this node spent must be known before what they did not spend is freed.
        shipper
            .drain()
            .await
            .map_err(anyhow::Error::msg)
            .context(
            "usage of the last run cannot be committed; if the database was replaced, put back the one the journal \
             belongs to, or move the folder `journal` away",
        )?;
        shared
            .store
            .free_leases(holder.node, holder.incarnation)
            .await
            .context("budget money of the last run cannot be freed")?;
        let source = controlplane::Leases::new(shared.store.clone());
        let wait = Duration::from_millis(shared.config.budget.lease_timeout_ms);
        let leases = Arc::new(Leases::new(Arc::new(source), holder, wait, shared.tasks.clone()));
        let memory = Memory::new();
        let cell = Arc::new(SnapshotCell::new());

        let task = policy_task(shared, &cell, &memory, &leases);
        if let Err(error) = task.load().await {
            // The source decides where it answers; what an earlier life kept serves only where it does not.
            tracing::error!(%error, "policy cannot be loaded; starting from the last-known-good");
            housekeeping::resume(&claimed, &shared.secrets.master()?, &cell)?;
        }
        housekeeping::start(shared, &claimed, &task, &metrics)?;
        let applied =
            Applied { cell: Arc::clone(&cell), changed: task.changed.subscribe(), timeout: OBEYED_WITHIN };
        shared.essential("policy", task.run(shared.stop.clone()));
        shared.essential("shipping", shipper.run(shared.stop.clone()));
        let requests = TaskTracker::new();
        let deps = dataplane::Deps {
            cell,
            pepper: shared.secrets.pepper()?,
            master: shared.secrets.master()?,
            leases: Arc::clone(&leases),
            journal,
            settled,
            upstream: Upstream::new(timeouts(&shared.config)),
            reads: Arc::new(StoreReads::new(shared.store.clone())),
            clock: Arc::clone(&shared.clock),
            metrics,
            body: dataplane::BodyLimits {
                max_bytes: shared.config.data.body_limit_bytes,
                timeout: Duration::from_millis(shared.config.data.body_timeout_ms),
            },
            keep_alive: Duration::from_millis(shared.config.upstream.keep_alive_ms),
            tasks: requests.clone(),
        };
        Ok(Self {
            deps: Arc::new(deps),
            leases,
            requests,
            memory,
            committed: Arc::new(Notify::new()),
            applied: Arc::new(applied),
            control_metrics,
        })
    }
}

fn policy_task(
    shared: &Shared,
    cell: &Arc<SnapshotCell>,
    memory: &Memory,
    leases: &Arc<Leases>,
) -> PolicyTask {
    PolicyTask {
        cell: Arc::clone(cell),
        feed: Arc::new(memory.clone()),
        source: Arc::new(Source::new(shared.store.clone())),
        leases: Arc::clone(leases),
        clock: Arc::clone(&shared.clock),
        contact: Arc::new(Contact::new(shared.clock.now())),
        changed: watch::Sender::new(0),
    }
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

/// The control plane's routes, and its publisher.
fn control_plane(shared: &Shared, plane: &DataPlane) -> anyhow::Result<axum::Router> {
    let feed = Arc::new(plane.memory.clone());
    let publisher = publish::Publisher::new(
        shared.store.clone(),
        feed,
        Arc::clone(&shared.clock),
        plane.control_metrics.clone(),
    );
    shared
        .essential("publishing", publish::run(publisher, Arc::clone(&plane.committed), shared.stop.clone()));
    let seed = Secret::new(shared.secrets.signing_seed()?);
    Ok(controlplane::router(controlplane::Deps {
        store: shared.store.clone(),
        clock: Arc::clone(&shared.clock),
        pepper: shared.secrets.pepper()?,
        master_key: shared.secrets.master()?,
        signing_keys: Arc::new(controlplane::SigningKeys::new(&seed, &[])?),
        cookies: CookieMode::Loopback,
        committed: Arc::clone(&plane.committed),
        propagation: plane.applied.clone(),
        metrics: plane.control_metrics.clone(),
        tasks: shared.tasks.clone(),
        shutdown: shared.stop.clone(),
    }))
}
