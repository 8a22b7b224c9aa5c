//! What a start finds or makes: the catalogue, the credentials of the platform, the first organization.
//!
//! Invariant: twice is harmless. What is there already is kept, prices above all; only what the environment decides
//! (which providers, where, with which secret) follows it.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use controlplane::bootstrap::{First, Made, first_org};
use domain::{CredentialId, Secret, Timestamp};
use policy::record::{Credential, PlatformRecords};
use policy::sealed::{self, MasterKey, Place};
use store::{Author, PlatformTx};

use crate::catalogue::{self, Catalogue};
use crate::config::{FromEnvironment, Switch};
use crate::embedded::Shared;
use crate::listen::{self, Sockets};
use crate::quickstart::Quickstart;

/// Where requests go.
pub(crate) enum Upstreams {
    /// To the simulated providers at this URL.
    Simulated(String),
    /// To the providers whose credentials the environment has.
    Real(Vec<FromEnvironment>),
}

/// Chooses, and starts the simulated providers if they are wanted and do not run elsewhere.
///
/// # Errors
/// When their listener cannot be bound.
pub(crate) async fn upstreams(shared: &Shared, found: Vec<FromEnvironment>) -> anyhow::Result<Upstreams> {
    let config = &shared.config.sandbox;
    let simulate = match config.enabled {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => found.is_empty(),
    };
    let was_real =
        shared.store.platform().await?.credentials.iter().any(|known| known.label == "environment");
    if config.enabled == Switch::Auto && simulate && was_real {
        bail!(
            "this installation was connected to real providers, and no *_API_KEY is in the environment now; set \
             WEIR__SANDBOX__ENABLED=on to let simulated providers answer instead"
        );
    }
    if !simulate {
        return Ok(Upstreams::Real(found));
    }
    if !config.url.is_empty() {
        return Ok(Upstreams::Simulated(config.url.trim_end_matches('/').to_owned()));
    }
    let listener = listen::bind(config.listen, "sandbox.listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = sandbox::serve(listener, sandbox::Config::default(), shared.stop.clone());
    shared.tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the simulated providers ended");
        }
    });
    Ok(Upstreams::Simulated(url))
}

/// Brings the catalogue and the platform's credentials in line with `upstreams`.
///
/// # Errors
/// When the database cannot be written, or a catalogue file is wrong.
pub(crate) async fn platform(shared: &Shared, upstreams: &Upstreams) -> anyhow::Result<()> {
    let now = shared.clock.now();
    let held = shared.store.platform().await?;
    let mut tx = shared.store.begin_platform(Author::system(), now).await?;
    let (catalogue, secrets) = wanted(now, upstreams)?;
    seed(&mut tx, &held, &catalogue).await?;
    credentials(&mut tx, &held, &secrets, (&shared.secrets.master()?, now)).await?;
    tx.commit().await.context("the catalogue cannot be written")?;
    Ok(())
}

/// A provider's slug, what its credential is labelled, and the secret.
type Wanted = (String, &'static str, Secret<String>);

fn wanted(now: Timestamp, upstreams: &Upstreams) -> anyhow::Result<(Catalogue, Vec<Wanted>)> {
    match upstreams {
        Upstreams::Simulated(url) => {
            let catalogue = catalogue::simulated(now, url)?;
            let secret = |slug: &String| (slug.clone(), "sandbox", Secret::new("sandbox".to_owned()));
            let secrets = catalogue.providers.iter().map(|provider| secret(&provider.slug)).collect();
            Ok((catalogue, secrets))
        }
        Upstreams::Real(found) => {
            let mut catalogue = catalogue::published(now)?;
            for FromEnvironment { provider: slug, base_url, .. } in found {
                let provider = catalogue.providers.iter_mut().find(|provider| provider.slug == *slug);
                if let (Some(provider), Some(base_url)) = (provider, base_url) {
                    provider.base_url = base_url.trim_end_matches('/').to_owned();
                }
            }
            let secret = |found: &FromEnvironment| {
                (found.provider.to_owned(), "environment", Secret::new(found.api_key.clone()))
            };
            Ok((catalogue, found.iter().map(secret).collect()))
        }
    }
}

/// Adds what is missing; a provider's address follows the environment, endpoints and prices that are there stay.
async fn seed(tx: &mut PlatformTx, held: &PlatformRecords, catalogue: &Catalogue) -> anyhow::Result<()> {
    for provider in &catalogue.providers {
        if !held.providers.contains(provider) {
            tx.put_provider(provider).await?;
        }
    }
    for model in &catalogue.models {
        if !held.models.iter().any(|known| known.slug == model.slug) {
            tx.put_model(model).await?;
        }
    }
    for endpoint in &catalogue.endpoints {
        let same = |known: &domain::model::Endpoint| {
            known.model == endpoint.model
                && known.provider == endpoint.provider
                && known.upstream_model == endpoint.upstream_model
        };
        if !held.endpoints.iter().any(same) {
            tx.put_endpoint(endpoint).await?;
        }
    }
    if held.ceiling == domain::price::UnitPrices::default() {
        tx.set_ceiling(&catalogue.ceiling).await?;
    }
    Ok(())
}

/// Stores new or changed secrets, and forgets those that came from an environment that is gone.
async fn credentials(
    tx: &mut PlatformTx,
    held: &PlatformRecords,
    wanted: &[Wanted],
    (master, now): (&MasterKey, Timestamp),
) -> anyhow::Result<()> {
    let ours = |label: &str| label == "sandbox" || label == "environment";
    for (provider, label, secret) in wanted {
        let known = held.credentials.iter().find(|known| known.provider == *provider && ours(&known.label));
        let is_same = known.is_some_and(|known| {
            known.label == *label
                && sealed::open_credential(master, known).is_ok_and(|opened| opened == *secret)
        });
        if is_same {
            continue;
        }
        let id = known.map_or_else(|| CredentialId::new(now, rand::random()), |known| known.id);
        let version = known.map_or(1, |known| known.version + 1);
        let place = Place { org: None, credential: id, version };
        let sealed = sealed::seal(master, place, secret, rand::random())?;
        let label = (*label).to_owned();
        tx.put_credential(&Credential { id, org: None, provider: provider.clone(), label, version, sealed })
            .await?;
    }
    for known in held.credentials.iter().filter(|known| ours(&known.label)) {
        if !wanted.iter().any(|(provider, ..)| *provider == known.provider) {
            tx.remove_credential(known.id).await?;
        }
    }
    Ok(())
}

/// Makes the first organization, or finds what an earlier start said of it; `None` when that is gone.
///
/// # Errors
/// When the database or the data directory cannot be written.
pub(crate) async fn first_start(
    shared: &Shared,
    sockets: &Sockets,
    upstreams: &Upstreams,
) -> anyhow::Result<Option<Quickstart>> {
    let password = Secret::new(hex::encode(rand::random::<[u8; 12]>()));
    let email = "owner@example.com".to_owned();
    let first = First {
        org_name: "My organization".to_owned(),
        email: email.clone(),
        owner_name: "Owner".to_owned(),
        password: password.clone(),
    };
    let url = |address: SocketAddr| format!("http://{}", reachable(address));
    let admin_url = url(sockets.admin.local_addr()?);
    let sandbox = match upstreams {
        Upstreams::Simulated(url) => Some(url.clone()),
        Upstreams::Real(_) => None,
    };
    let mut quickstart = Quickstart {
        data_url: url(sockets.data.local_addr()?),
        graphql_url: format!("{admin_url}/graphql"),
        admin_url,
        ops_url: url(sockets.ops.local_addr()?),
        email,
        password: password.expose().clone(),
        api_key: String::new(),
        management_key: String::new(),
        sandbox,
    };
    let data_dir = &shared.config.data_dir;
    let pepper = shared.secrets.pepper()?;
    let fresh = |made: &Made| Quickstart {
        api_key: made.api_key.expose().clone(),
        management_key: made.management_key.expose().clone(),
        ..quickstart.clone()
    };
    let keep = |made: &Made| fresh(made).write(data_dir).map_err(std::io::Error::other);
    if let Some(made) = first_org(&shared.store, shared.clock.as_ref(), &pepper, first, keep).await? {
        return Ok(Some(fresh(&made)));
    }
    let Some(old) = Quickstart::read(data_dir)? else { return Ok(None) };
    (quickstart.email, quickstart.password) = (old.email, old.password);
    (quickstart.api_key, quickstart.management_key) = (old.api_key, old.management_key);
    quickstart.write(data_dir)?;
    Ok(Some(quickstart))
}

/// Where a listener on every address can be reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = if address.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, address.port())
}
