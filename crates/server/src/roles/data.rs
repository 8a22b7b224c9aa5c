//! `weir data`: the proxy, fed over the node link and pushed to over Redis. It never opens a SQL connection.
//!
//! Invariant: starts with everything else down, from the last-known-good policy; without one it waits, and says for what.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use backplane::Memory;
use metering::rate::{RateError, RateSource, RateSubject};
use nodelink::client::{Link, Settings};
use policy::feed::PolicyFeed;

use crate::config::{Config, Role};
use crate::listen::Socket;
use crate::node::{Adapters, Node};
use crate::process::Process;
use crate::{ops, renew, shared, tls};

/// How long the node link may take to answer what has no limit of its own.
const LINK_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs until a signal, then stops in order.
///
/// # Errors
/// What kept it from starting, in a sentence.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let process = Process::begin(config, Role::Data)?;
    let outcome = serve(&process).await;
    process.end().await?;
    outcome
}

async fn serve(process: &Process) -> anyhow::Result<()> {
    let config = &process.config;
    let data = Socket::bind(config.data.listen, &config.data.tls, "data")?;
    let ops = Socket::bind(config.ops.listen, &config.ops.tls, "ops")?;
    let node = Node::build(process, adapters(process)?)?;
    let ops_listener = ops.serve(
        &process.tasks,
        ops::router(process.registry.clone(), process.ready.clone()),
        &process.stop,
    )?;
    if let Err(error) = node.resume(process) {
        tracing::info!(reason = format!("{error:#}"), "starting without policy");
    }
    let mut feeding = node.start(process, false)?;
    process.ready.not_yet(format!("waiting for policy from the control plane at {}", config.link.url));
    if process.unless_asked_to_end(feeding.may_serve()).await.is_none() {
        return Ok(());
    }
    let url = data.url();
    let serving = feeding.serve(process, data)?;
    process.ready.now();
    tracing::info!(url, "serving");
    let ended = process.asked_to_end().await;
    serving.drain(config).await;
    process.stop.cancel();
    ops_listener.ended(Duration::from_secs(2)).await;
    ended
}

/// A node that shares rates with nobody admits its share of them.
struct Alone;

#[async_trait]
impl RateSource for Alone {
    async fn slice(&self, _: RateSubject, _: i64, _: u32, _: u32) -> Result<u32, RateError> {
        Err(RateError("redis.url is empty".to_owned()))
    }
}

fn adapters(process: &Process) -> anyhow::Result<Adapters> {
    let config = &process.config;
    let urls = config.link.url.split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
    let link = Link::new(Settings {
        urls: urls.collect(),
        tls: Some(renew::link(process, tls::link_client)?),
        token: process.secrets.node_token(config)?,
        timeout: LINK_TIMEOUT,
    })
    .context("link.url cannot be used")?;
    let link = Arc::new(link);
    let (feed, rates): (Arc<dyn PolicyFeed>, Arc<dyn RateSource>) = match shared::redis(config)? {
        Some(redis) => (Arc::new(redis.clone()), Arc::new(redis)),
        // Nobody publishes there: changes come by the node link alone. And nobody shares rates.
        None => (Arc::new(Memory::new()), Arc::new(Alone)),
    };
    Ok(Adapters {
        feed,
        source: link.clone(),
        leases: link.clone(),
        sink: link.clone(),
        nodes: link.clone(),
        acks: link.clone(),
        reads: link.clone(),
        calls: link,
        rates,
        contact_every: Duration::from_millis(config.link.contact_ms),
    })
}
