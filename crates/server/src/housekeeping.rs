//! What a node does beside answering: write the last-known-good policy, give idle budget money back, watch its age.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use dataplane::policy_task::PolicyTask;
use dataplane::telemetry::Metrics;
use journal::snapshot::LastKnownGood;
use journal::{DataDir, snapshot};
use policy::SnapshotCell;
use policy::sealed::MasterKey;
use tokio_util::sync::CancellationToken;

use crate::embedded::Shared;

/// Budget money that nobody drew on for this long goes back.
const IDLE: Duration = Duration::from_secs(60);

/// Starts it.
///
/// # Errors
/// When the master key cannot be used.
pub(crate) fn start(
    shared: &Shared,
    dir: &Arc<DataDir>,
    task: &PolicyTask,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    keep_last_known_good(shared, dir, task)?;
    let (leases, clock, contact) =
        (Arc::clone(&task.leases), Arc::clone(&task.clock), Arc::clone(&task.contact));
    let metrics = metrics.clone();
    shared.tasks.spawn(every(shared.stop.clone(), Duration::from_secs(5), move || {
        metrics.staleness(contact.age_s(clock.now()));
        std::future::ready(())
    }));
    let clock = Arc::clone(&task.clock);
    shared.tasks.spawn(every(shared.stop.clone(), IDLE, move || {
        let (leases, now) = (Arc::clone(&leases), clock.now());
        async move {
            leases.expire(now).await;
            leases.idle().await;
        }
    }));
    Ok(())
}

async fn every<F: Future<Output = ()>>(stop: CancellationToken, pace: Duration, work: impl Fn() -> F) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pace) => work().await,
        }
    }
}

/// What is held now, as it is kept on disk.
fn good(cell: &SnapshotCell) -> Option<LastKnownGood> {
    let held = cell.load()?;
    let platform = held.platform().records().clone();
    let orgs = held.orgs().map(policy::OrgPolicy::records).collect();
    Some(LastKnownGood { epoch: platform.epoch, platform, orgs })
}

/// Takes over what an earlier life kept.
///
/// # Errors
/// When there is nothing, or it cannot be trusted: no policy never means that everything is allowed.
pub(crate) fn resume(dir: &DataDir, master: &MasterKey, cell: &SnapshotCell) -> anyhow::Result<()> {
    let good = snapshot::load(dir, master)?.context("there is no last-known-good policy to start from")?;
    cell.install(good.platform, good.orgs);
    Ok(())
}

/// Writes policy to disk after changes, at most once a second.
fn keep_last_known_good(shared: &Shared, dir: &Arc<DataDir>, task: &PolicyTask) -> anyhow::Result<()> {
    let master = shared.secrets.master()?;
    let (cell, mut changed, stop) = (Arc::clone(&task.cell), task.changed.subscribe(), shared.stop.clone());
    // What was loaded before this began is worth keeping too.
    changed.mark_changed();
    let dir = Arc::clone(dir);
    shared.tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = changed.changed() => if outcome.is_err() { return },
            }
            let saved = good(&cell).map(|good| snapshot::save(&dir, &master, &good, rand::random()));
            if let Some(Err(error)) = saved {
                tracing::warn!(%error, "the last-known-good policy was not written");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    Ok(())
}
