//! What every role begins and ends with: configuration, secrets, telemetry, tasks, an ordered stop.
//!
//! Invariant: nothing runs that the process does not wait for at its end.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use controlplane::AdminError;
use domain::Clock;
use domain::time::SystemClock;
use prometheus::Registry;
use store::StoreError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Role};
use crate::ops::Readiness;
use crate::secrets::Secrets;
use crate::{shutdown, telemetry};

/// How often a database is tried that is away.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What the parts of one process share.
pub(crate) struct Process {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secrets: Secrets,
    pub(crate) registry: Registry,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) ready: Readiness,
    exporter: telemetry::Exporter,
}

impl Process {
    /// Checks the configuration for `role`, makes the data directory, reads the secrets, starts logging.
    ///
    /// # Errors
    /// In a sentence, what an operator has to mend.
    pub(crate) fn begin(config: Config, role: Role) -> anyhow::Result<Self> {
        config.check(role)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .with_context(|| format!("data directory {} cannot be made", config.data_dir.display()))?;
        let secrets = match role {
            Role::Run => Secrets::load_or_create(&config)?,
            Role::Control | Role::Data => Secrets::load(&config.master_key_file())?,
        };
        Ok(Self {
            exporter: telemetry::start(&config.telemetry)?,
            config,
            clock: Arc::new(SystemClock),
            secrets,
            registry: Registry::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            ready: Readiness::default(),
        })
    }

    /// Runs a task without which the process must not go on: when it ends early, everything stops.
    pub(crate) fn essential(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (running, stop) = (self.tasks.spawn(work), self.stop.clone());
        self.tasks.spawn(async move {
            let ended = running.await;
            if !stop.is_cancelled() {
                tracing::error!(name, panicked = ended.is_err(), "an essential task has ended");
                stop.cancel();
            }
        });
    }

    /// Runs `work` at a steady pace until the end.
    pub(crate) fn every<F>(&self, pace: Duration, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pace) => work().await,
                }
            }
        });
    }

    /// Waits until somebody wants the process to end; readiness fails first, and the notice is given.
    ///
    /// # Errors
    /// When an essential task has ended.
    pub(crate) async fn asked_to_end(&self) -> anyhow::Result<()> {
        tokio::select! {
            () = shutdown::signal() => tracing::info!("stopping: open requests may end"),
            () = self.stop.cancelled() => {
                anyhow::bail!("a task that Weir cannot do without has ended; the log has the cause")
            }
        }
        self.ready.not_yet("the process is stopping");
        tokio::time::sleep(Duration::from_millis(self.config.shutdown.notice_ms)).await;
        Ok(())
    }

    /// Does `work`, which is harmless to do twice, again until the database is there for it.
    ///
    /// # Errors
    /// What waiting does not mend.
    pub(crate) async fn patiently<T>(&self, work: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let mut said = String::new();
        loop {
            let error = match work().await {
                Err(error) if is_worth_trying_again(&error) => error,
                done => return done,
            };
            let reason = format!("{error:#}");
            if reason != said {
                tracing::warn!(error = reason, "waiting for the database");
                self.ready.not_yet(format!("waiting for the database: {reason}"));
                said = reason;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Waits for `work`, unless a signal says that nobody wants it any more.
    pub(crate) async fn unless_asked_to_end<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = shutdown::signal() => None,
            done = work => Some(done),
        }
    }

    /// Stops what still runs, and exports what is left.
    ///
    /// # Errors
    /// When the runtime is gone.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(10), self.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        let exporter = self.exporter;
        Ok(tokio::task::spawn_blocking(move || exporter.finish()).await?)
    }
}

fn is_worth_trying_again(error: &anyhow::Error) -> bool {
    let store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
    let admin = error.chain().find_map(|cause| cause.downcast_ref::<AdminError>());
    store.is_some_and(StoreError::is_worth_trying_again)
        || admin.is_some_and(AdminError::is_worth_trying_again)
}
