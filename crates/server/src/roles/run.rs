//! `weir run`: everything in one process, wired in process.
//!
//! Invariant: the same parts as in a cluster; the database and the policy are there before anything serves.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backplane::{LocalRates, Memory};
use store::Store;

use crate::config::{Config, Role};
use crate::listen::Socket;
use crate::node::{Adapters, Node};
use crate::plane::ControlPlane;
use crate::process::Process;
use crate::{bootstrap, ops, quickstart};

/// In one process nothing is ever out of contact; telling costs a commit.
const CONTACT_EVERY: Duration = Duration::from_secs(30);

/// Runs until a signal, then stops in order.
///
/// # Errors
/// What kept it from starting, in a sentence.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let process = Process::begin(config, Role::Run)?;
    let outcome = serve(&process).await;
    process.end().await?;
    outcome
}

async fn serve(process: &Process) -> anyhow::Result<()> {
    let config = &process.config;
    let data = Socket::bind(config.data.listen, &config.data.tls, "data")?;
    let admin = Socket::bind(config.admin.listen, &config.admin.tls, "admin")?;
    let ops = Socket::bind(config.ops.listen, &config.ops.tls, "ops")?;
    let store = database(process).await?;
    let control = ControlPlane::build(process, &store)?;
    let feed = Memory::new();
    // Claims the data directory before anything is changed.
    let mut node = Node::build(process, adapters(&control, &feed))?;
    let urls = bootstrap::Urls { data: data.url(), admin: admin.url(), ops: ops.url() };
    let quickstart = bootstrap::begin(process, &store, urls).await?;
    if let Err(error) = node.policy.load().await {
        // The source decides where it answers; what an earlier life kept serves only where it does not.
        tracing::error!(%error, "policy cannot be loaded; starting from the last-known-good");
        node.resume(process)?;
    }
    node.membership.introduce().await.context(
        "the last run cannot be closed; if the database was replaced, put back the one the journal belongs to, or move \
         the folder `journal` away",
    )?;
    control.start(process, Arc::new(feed))?;
    let serving = node.start(process, true)?.serve(process, data)?;
    let admin = admin.serve(&process.tasks, control.router(process, None)?, &process.stop)?;
    let ops = ops.serve(
        &process.tasks,
        ops::router(process.registry.clone(), process.ready.clone()),
        &process.stop,
    )?;
    process.ready.now();
    match quickstart {
        Some(quickstart) => quickstart.print(&config.data_dir)?,
        None => quickstart::print_without(config)?,
    }
    let ended = process.asked_to_end().await;
    serving.drain(config).await;
    process.stop.cancel();
    for listener in [admin, ops] {
        listener.ended(Duration::from_secs(2)).await;
    }
    ended
}

async fn database(process: &Process) -> anyhow::Result<Store> {
    let (url, now) = (process.config.store_url(), process.clock.now());
    store::migrate(&url, None, now).await.context("the database cannot be brought up to date")?;
    Store::connect(&url, now).await.context("the database cannot be opened")
}

fn adapters(control: &ControlPlane, feed: &Memory) -> Adapters {
    Adapters {
        feed: Arc::new(feed.clone()),
        source: control.source.clone(),
        leases: control.leases.clone(),
        sink: control.sink.clone(),
        nodes: control.registry.clone(),
        acks: control.registry.clone(),
        reads: control.reads.clone(),
        calls: control.calls.clone(),
        rates: Arc::new(LocalRates::default()),
        contact_every: CONTACT_EVERY,
    }
}
