//! What an operator does once: bring a schema up to date, retire a node, begin a new epoch after a restore.
//!
//! Invariant: each says in a line what it did.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::time::SystemClock;
use domain::{Clock, NodeId};
use store::{Author, Store};

use crate::config::Config;

/// How long to wait for a database that is not there yet.
const PATIENCE: Duration = Duration::from_secs(120);

/// `weir migrate`: as the role that owns the schema; the role of `store.url` gets the rights it needs.
///
/// # Errors
/// In a sentence, why the database could not be brought up to date.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let owner = if config.store.migrate_url.is_empty() {
        config.store_url()
    } else {
        config.store.migrate_url.clone()
    };
    let role = (owner != config.store.url).then(|| role_of(&config.store.url)).flatten();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match store::migrate(&owner, role.as_deref(), SystemClock.now()).await {
            Ok(()) => break,
            Err(error) if error.is_worth_waiting() && tokio::time::Instant::now() < deadline => {
                writeln!(std::io::stderr(), "weir: waiting for the database: {error}")?;
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            Err(error) => return Err(error).context("the database cannot be brought up to date"),
        }
    }
    Ok(writeln!(std::io::stdout(), "the database is up to date")?)
}

/// The role in `postgres://role:password@host/database`.
fn role_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.split_once('@')?;
    let role = user.split(':').next()?;
    (!role.is_empty()).then(|| role.to_owned())
}

/// `weir node retire`.
///
/// # Errors
/// In a sentence, why nothing was done.
pub(crate) async fn retire(config: &Config, id: &str) -> anyhow::Result<()> {
    let Ok(node) = id.parse::<NodeId>() else { bail!("{id:?} is no node's id") };
    let now = SystemClock.now();
    let store = Store::connect(&config.store_url(), now).await.context("the database cannot be opened")?;
    store
        .retire_node(node, Author::system(), now)
        .await
        .with_context(|| format!("{id} cannot be retired"))?;
    Ok(writeln!(
        std::io::stdout(),
        "{id} is retired: what it held of budgets counts as spent for another {} h",
        config.budget.suspense_after_h
    )?)
}

/// `weir restored`: nodes take what the restored database holds, though they have been told of newer revisions.
///
/// # Errors
/// In a sentence, why nothing was done.
pub(crate) async fn restored(config: &Config) -> anyhow::Result<()> {
    let file = config.data_dir.join("weir.db");
    if config.store.url.is_empty() && !file.exists() {
        bail!("there is no database at {}: restore the backup first", file.display());
    }
    let now = SystemClock.now();
    let store = Store::connect(&config.store_url(), now).await.context("the database cannot be opened")?;
    if store.index().await?.is_empty() {
        bail!("the database holds no organization: restore the backup into it first");
    }
    let (before, epoch) =
        store.renew_epoch(Author::system(), now).await.context("the epoch cannot be renewed")?;
    Ok(writeln!(
        std::io::stdout(),
        "epoch {before} is now epoch {epoch}: nodes take what this database holds for newer than what they have"
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_read_from_the_url() {
        assert_eq!(role_of("postgres://weir_app:secret@db:5432/weir").as_deref(), Some("weir_app"));
        assert_eq!(role_of("postgres://weir_app@db/weir").as_deref(), Some("weir_app"));
        assert_eq!(role_of("postgres://db/weir"), None);
    }
}
