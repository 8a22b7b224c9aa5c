//! The control plane of a process: what nodes ask, and the web admin's router.
//!
//! Invariant: the same in every role; in one process nodes ask it directly, elsewhere over the node link.

use std::sync::Arc;
use std::time::Duration;

use controlplane::{
    CallBoard, CookieMode, Deliverer, Ingest, Leases, Registry, Source, StoreReads, deliver_notices, publish,
};
use domain::Secret;
use metering::rate::SharedCounter;
use notices::Courier;
use policy::feed::PolicyPublisher;
use store::Store;
use tokio::sync::Notify;

use crate::process::Process;

/// What nodes ask, and what admins see.
pub(crate) struct ControlPlane {
    pub(crate) source: Arc<Source>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) sink: Arc<Ingest>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) reads: Arc<StoreReads>,
    pub(crate) calls: Arc<CallBoard>,
    courier: Arc<Courier>,
    metrics: controlplane::Metrics,
    store: Store,
    committed: Arc<Notify>,
}

impl ControlPlane {
    /// Wires it; starts nothing.
    ///
    /// # Errors
    /// When a metric's name is taken.
    pub(crate) fn build(process: &Process, store: &Store) -> anyhow::Result<Self> {
        let metrics = controlplane::Metrics::register(&process.registry)?;
        let clock = || Arc::clone(&process.clock);
        let patience = Duration::from_millis(process.config.admin.propagation_timeout_ms);
        Ok(Self {
            source: Arc::new(Source::new(store.clone())),
            leases: Arc::new(Leases::new(store.clone(), clock())),
            sink: Arc::new(Ingest::new(store.clone(), clock(), metrics.clone())),
            registry: Arc::new(Registry::new(store.clone(), clock(), metrics.clone(), patience)),
            reads: Arc::new(StoreReads::new(store.clone())),
            calls: Arc::new(CallBoard::new()),
            courier: Arc::new(process.config.courier()?),
            metrics,
            store: store.clone(),
            committed: Arc::new(Notify::new()),
        })
    }

    /// Starts publishing to `feed`, delivering notices, and what the database needs from time to time.
    ///
    /// # Errors
    /// When the secrets cannot be used.
    pub(crate) fn start(&self, process: &Process, feed: Arc<dyn PolicyPublisher>) -> anyhow::Result<()> {
        let clock = || Arc::clone(&process.clock);
        let publisher = publish::Publisher::new(self.store.clone(), feed, clock(), self.metrics.clone());
        let committed = Arc::clone(&self.committed);
        process.essential("publishing", publish::run(publisher, committed, process.stop.clone()));
        let after = Duration::from_secs(process.config.budget.suspense_after_h.saturating_mul(3_600));
        let releasing = controlplane::release_suspense(
            self.store.clone(),
            clock(),
            self.metrics.clone(),
            after,
            process.stop.clone(),
        );
        process.essential("suspense", releasing);
        let deliverer = Deliverer {
            store: self.store.clone(),
            courier: Arc::clone(&self.courier),
            clock: clock(),
            master_key: process.secrets.master()?,
            metrics: self.metrics.clone(),
            first_wait: Duration::from_secs(process.config.notices.retry_after_s),
        };
        process.essential("notices", deliver_notices(deliverer, process.stop.clone()));
        Ok(())
    }

    /// The routes of the admin listener; `tries` is where several control planes count log-ins together.
    ///
    /// # Errors
    /// When the secrets cannot be used.
    pub(crate) fn router(
        &self,
        process: &Process,
        tries: Option<Arc<dyn SharedCounter>>,
    ) -> anyhow::Result<axum::Router> {
        let admin = &process.config.admin;
        let is_tls = admin.tls.is_set() || admin.behind_tls_proxy;
        let seed = Secret::new(process.secrets.signing_seed()?);
        Ok(controlplane::router(controlplane::Deps {
            store: self.store.clone(),
            clock: Arc::clone(&process.clock),
            pepper: process.secrets.pepper()?,
            master_key: process.secrets.master()?,
            signing_keys: Arc::new(controlplane::SigningKeys::new(&seed, &[])?),
            cookies: if is_tls { CookieMode::Tls } else { CookieMode::Loopback },
            committed: Arc::clone(&self.committed),
            tries,
            propagation: self.registry.clone(),
            calls: self.calls.clone(),
            courier: Arc::clone(&self.courier),
            metrics: self.metrics.clone(),
            tasks: process.tasks.clone(),
            shutdown: process.stop.clone(),
        }))
    }
}
