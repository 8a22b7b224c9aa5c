//! `weir prices`: what everything costs, and new prices with the difference shown first.
//!
//! Invariant: nothing is written without `--apply`; what is written are new price versions and endpoints, in one audited
//! transaction, all or none.

mod plan;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::money::Factor;
use domain::time::SystemClock;
use domain::{Clock, Timestamp, price};
use store::{Author, Store};

use crate::catalogue::{self, Reading};
use crate::config::Config;
use plan::Plan;

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Show what a file of prices would change, and with --apply change it.
    Import(Import),
    /// Print the prices that apply, in the format that `import` reads.
    Export {
        /// The moment they apply at, e.g. 2027-01-01T00:00:00Z; now, where it is not given.
        #[arg(long, value_parser = moment)]
        at: Option<Timestamp>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Endpoints with their prices, as `weir prices export` prints them.
    file: PathBuf,
    /// When the new prices begin to apply, e.g. 2027-01-01T00:00:00Z; now, where it is not given.
    #[arg(long, value_parser = moment)]
    effective_from: Option<Timestamp>,
    /// What is added to every price of the file, in per cent, e.g. 2.5.
    #[arg(long, default_value = "0")]
    markup_percent: String,
    /// What is taken off every price of the file (after the markup), in per cent.
    #[arg(long, default_value = "0")]
    discount_percent: String,
    /// Change it.
    #[arg(long)]
    apply: bool,
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("not a time like 2027-01-01T00:00:00Z")
}

/// Runs it on the database of this configuration, also while others serve from it.
///
/// # Errors
/// In a sentence, why nothing was done.
pub(crate) async fn run(config: &Config, command: PricesCommand) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let store = open(config, now).await?;
    let out = &mut std::io::stdout();
    match command {
        PricesCommand::Import(how) => import(&store, &how, now, out).await,
        PricesCommand::Export { at } => export(&store, at.unwrap_or(now), out).await,
    }
}

/// A database is there once something was started on it; none is made here.
async fn open(config: &Config, now: Timestamp) -> anyhow::Result<Store> {
    let file = config.data_dir.join("weir.db");
    if config.store.url.is_empty() && !file.exists() {
        bail!("there is no {}: start `weir run` once, or set data_dir or store.url", file.display());
    }
    Store::connect(&config.store_url(), now).await.context("the database cannot be opened")
}

async fn import(store: &Store, how: &Import, now: Timestamp, out: &mut impl Write) -> anyhow::Result<()> {
    let from = how.effective_from.unwrap_or(now);
    if from < now {
        bail!(
            "--effective-from {from} has passed, it is {now}: requests since then were charged at the prices of then"
        );
    }
    let factor = Factor::of_percent(&how.markup_percent, &how.discount_percent)?;
    let name = how.file.display();
    let text = std::fs::read_to_string(&how.file).with_context(|| format!("{name} cannot be read"))?;
    let file = catalogue::read(&text, Reading { now, effective_from: from, factor })
        .with_context(|| name.to_string())?;
    if !how.apply {
        let plan = Plan::make(&store.platform().await?, file, from)?;
        write!(out, "{plan}")?;
        return Ok(writeln!(out, "nothing was changed: --apply does it")?);
    }
    // Before it is read: others that import or start at the same time wait.
    let mut tx = store.begin_platform(Author::system(), now).await?;
    let plan = Plan::make(&store.platform().await?, file, from)?;
    write!(out, "{plan}")?;
    plan.write(&mut tx).await?;
    let revision = tx.commit().await.context("the new prices cannot be written")?;
    Ok(writeln!(out, "done: the platform is at revision {revision}")?)
}

async fn export(store: &Store, at: Timestamp, out: &mut impl Write) -> anyhow::Result<()> {
    let mut endpoints = store.platform().await?.endpoints;
    endpoints.sort_by_cached_key(|endpoint| (endpoint.provider.clone(), catalogue::name_of(endpoint)));
    writeln!(out, "# What applies at {at}: change it, and give it to `weir prices import`.")?;
    let day = at.to_string().split('T').next().unwrap_or_default().to_owned();
    for endpoint in &endpoints {
        let Some(version) = price::valid_at(&endpoint.prices, at) else { continue };
        let source = ("this installation", day.as_str());
        writeln!(out, "\n{}", catalogue::write(endpoint, version, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
