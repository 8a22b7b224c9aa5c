//! `weir control`: GraphQL, reports, the web admin, and the node link. Several of them share one Postgres.
//!
//! Invariant: waits for a database that is away or not migrated yet, and says so; refuses one that is not its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use backplane::Memory;
use metering::rate::SharedCounter;
use policy::feed::PolicyPublisher;
use store::Store;
use tokio::net::TcpListener;

use crate::config::{Config, Role};
use crate::listen::Socket;
use crate::plane::ControlPlane;
use crate::process::Process;
use crate::quickstart::Quickstart;
use crate::{bootstrap, listen, ops, renew, shared, tls};

/// A clock that is further off would choose other windows and prices than those of other control planes.
const LARGEST_SKEW_S: i64 = 30;

/// Runs until a signal, then stops in order.
///
/// # Errors
/// What kept it from starting, in a sentence.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let process = Process::begin(config, Role::Control)?;
    let outcome = Box::pin(serve(&process)).await;
    process.end().await?;
    outcome
}

async fn serve(process: &Process) -> anyhow::Result<()> {
    let config = &process.config;
    let admin = Socket::bind(config.admin.listen, &config.admin.tls, "admin")?;
    let ops = Socket::bind(config.ops.listen, &config.ops.tls, "ops")?;
    let link = TcpListener::from_std(listen::bind(config.link.listen, "link.listen")?)?;
    let has_link_tls = config.link.tls.own().is_set();
    let link_tls = has_link_tls.then(|| renew::link(process, tls::link_server)).transpose()?;
    let redis = shared::redis(config)?;
    let tries = redis.clone().map(|redis| Arc::new(redis) as Arc<dyn SharedCounter>);
    let feed: Arc<dyn PolicyPublisher> = match redis {
        Some(redis) => Arc::new(redis),
        // Nobody listens there: nodes learn of changes by the node link alone.
        None => Arc::new(Memory::new()),
    };
    let urls = bootstrap::Urls {
        data: format!("http://{}", config.data.listen),
        admin: admin.url(),
        ops: ops.url(),
    };
    let ops = ops.serve(
        &process.tasks,
        ops::router(process.registry.clone(), process.ready.clone()),
        &process.stop,
    )?;
    let Some(begun) = process.unless_asked_to_end(Box::pin(begin(process, urls))).await else {
        return Ok(());
    };
    let (store, quickstart) = begun?;
    let control = ControlPlane::build(process, &store)?;
    control.start(process, feed)?;
    let serving_link = nodelink::server::serve(
        link,
        link_tls,
        process.secrets.node_token(config)?,
        answers(&control),
        process.stop.clone(),
    );
    process.essential("node link", serving_link);
    let admin = admin.serve(&process.tasks, control.router(process, tries)?, &process.stop)?;
    process.ready.now();
    if let Some(quickstart) = quickstart {
        quickstart.print(&config.data_dir)?;
    }
    let ended = process.asked_to_end().await;
    process.stop.cancel();
    for listener in [admin, ops] {
        listener.ended(Duration::from_secs(2)).await;
    }
    ended
}

async fn begin(process: &Process, urls: bootstrap::Urls) -> anyhow::Result<(Store, Option<Quickstart>)> {
    let store = process.patiently(async || database(process).await).await?;
    let quickstart = bootstrap::begin(process, &store, urls).await?;
    Ok((store, quickstart))
}

fn answers(control: &ControlPlane) -> nodelink::server::ControlPlane {
    nodelink::server::ControlPlane {
        source: control.source.clone(),
        leases: control.leases.clone(),
        sink: control.sink.clone(),
        nodes: control.registry.clone(),
        acks: control.registry.clone(),
        reads: control.reads.clone(),
        calls: control.calls.clone(),
    }
}

/// The database, if it is this installation's and its clock is right.
async fn database(process: &Process) -> anyhow::Result<Store> {
    let url = process.config.store_url();
    let store = Store::connect(&url, process.clock.now()).await.context("the database cannot be used")?;
    let skew_s = store.skew_s(process.clock.now()).await?;
    if skew_s.abs() > LARGEST_SKEW_S {
        bail!(
            "the database's clock and this machine's are {} s apart: budgets and prices would follow different clocks; \
             set both by NTP",
            skew_s.abs()
        );
    }
    if !store.check_master(&process.secrets.fingerprint()?).await? {
        bail!(
            "{} is not the master key that this database was begun with: nothing sealed in it would open",
            process.config.master_key_file().display()
        );
    }
    Ok(store)
}
