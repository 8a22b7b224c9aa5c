//! What a node does beside answering: write the last-known-good policy, give idle budget money back, watch its age.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use dataplane::lease::Leases;
use dataplane::policy_task::PolicyTask;
use dataplane::telemetry::Metrics;
use domain::{OrgId, Timestamp};
use journal::snapshot::LastKnownGood;
use journal::{DataDir, snapshot};
use metering::usage::Draw;
use policy::sealed::MasterKey;
use policy::{PolicySnapshot, SnapshotCell};

use crate::process::Process;

/// Budget money that nobody drew on for this long goes back.
const IDLE: Duration = Duration::from_secs(60);

/// Starts it.
///
/// # Errors
/// When the master key cannot be used.
pub(crate) fn start(
    process: &Process,
    dir: &Arc<DataDir>,
    policy: &PolicyTask,
    leases: &Arc<Leases>,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    keep_last_known_good(process, dir, policy)?;
    let (contact, clock, metrics) = (policy.contact(), Arc::clone(&process.clock), metrics.clone());
    process.every(Duration::from_secs(5), move || {
        metrics.staleness(contact.age_s(clock.now()));
        std::future::ready(())
    });
    let (clock, leases, cell) = (Arc::clone(&process.clock), Arc::clone(leases), policy.cell());
    process.every(IDLE, move || {
        let (leases, now) = (Arc::clone(&leases), clock.now());
        let held = cell.load();
        async move {
            let soon = now.plus_seconds(IDLE.as_secs().cast_signed());
            leases
                .foresee(|org, draw| held.as_ref().and_then(|held| following(held, org, draw, (now, soon))))
                .await;
            leases.expire(now).await;
            leases.idle().await;
        }
    });
    Ok(())
}

/// The window that follows the one of `draw`, where that is the present one and ends soon.
fn following(
    held: &PolicySnapshot,
    org: OrgId,
    draw: Draw,
    (now, soon): (Timestamp, Timestamp),
) -> Option<Draw> {
    let budget = held.org(org)?.budget(draw.budget)?;
    let end = budget.window.end(draw.window).filter(|end| now < *end && *end <= soon)?;
    Some(Draw { window: budget.window.at(end), ..draw })
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

/// Writes policy to disk after changes, at most once a second, and what is left at the end.
fn keep_last_known_good(process: &Process, dir: &Arc<DataDir>, task: &PolicyTask) -> anyhow::Result<()> {
    let master = process.secrets.master()?;
    let (cell, mut changed, stop) = (task.cell(), task.changed(), process.stop.clone());
    // What was loaded before this began is worth keeping too.
    changed.mark_changed();
    let dir = Arc::clone(dir);
    let keep = move || {
        let saved = good(&cell).map(|good| snapshot::save(&dir, &master, &good, rand::random()));
        if let Some(Err(error)) = saved {
            tracing::warn!(%error, "the last-known-good policy was not written");
        }
    };
    process.tasks.spawn(async move {
        while stop.run_until_cancelled(changed.changed()).await.is_some_and(|changed| changed.is_ok()) {
            keep();
            stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
        }
        if changed.has_changed().unwrap_or(true) {
            keep();
        }
    });
    Ok(())
}
