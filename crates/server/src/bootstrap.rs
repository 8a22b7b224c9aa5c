//! What a start finds or makes: the catalogue, the credentials of the platform, the first organization.
//!
//! Invariant: twice is harmless. What is there already is kept, prices above all; only what the environment decides
//! (which providers, where, with which secret) follows it.

use anyhow::{Context, bail};
use controlplane::bootstrap::{First, Made, first_org};
use domain::{CredentialId, Secret, Timestamp};
use policy::record::{Credential, PlatformRecords};
use policy::sealed::{self, MasterKey, Place};
use store::{Author, PlatformTx, Store};
use tokio::net::TcpListener;

use crate::catalogue::{self, Catalogue};
use crate::config::{self, FromEnvironment, Switch};
use crate::listen;
use crate::process::Process;
use crate::quickstart::Quickstart;

/// Where requests go.
pub(crate) enum Upstreams {
    /// To the simulated providers at this URL.
    Simulated(String),
    /// To the providers whose credentials the environment has.
    Real(Vec<FromEnvironment>),
}

/// Where the listeners of this process can be reached from this machine.
pub(crate) struct Urls {
    pub(crate) data: String,
    pub(crate) admin: String,
    pub(crate) ops: String,
}

/// Chooses providers, brings the catalogue in line, makes the first organization or finds it.
///
/// # Errors
/// In a sentence, what cannot be done.
pub(crate) async fn begin(
    process: &Process,
    store: &Store,
    urls: Urls,
) -> anyhow::Result<Option<Quickstart>> {
    let upstreams = process.patiently(async || upstreams(process, store).await).await?;
    process.patiently(async || platform(process, store, &upstreams).await).await?;
    process.patiently(async || first_start(process, store, &urls, &upstreams).await).await
}

/// Chooses, and starts the simulated providers if they are wanted and do not run elsewhere: as its last step, so that it
/// can be tried again.
///
/// # Errors
/// When the database cannot be read, or their listener cannot be bound.
async fn upstreams(process: &Process, store: &Store) -> anyhow::Result<Upstreams> {
    let found = config::provider_credentials();
    let config = &process.config.sandbox;
    let simulate = match config.enabled {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => found.is_empty(),
    };
    let was_real = store.platform().await?.credentials.iter().any(|known| known.label == "environment");
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
    let listener = TcpListener::from_std(listen::bind(config.listen, "sandbox.listen")?)?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = sandbox::serve(listener, sandbox::Config::default(), process.stop.clone());
    process.tasks.spawn(async move {
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
async fn platform(process: &Process, store: &Store, upstreams: &Upstreams) -> anyhow::Result<()> {
    let now = process.clock.now();
    // Before it is read: others that start at the same time wait.
    let mut tx = store.begin_platform(Author::system(), now).await?;
    let held = store.platform().await?;
    let (catalogue, secrets) = wanted(now, upstreams)?;
    seed(&mut tx, &held, &catalogue).await?;
    credentials(&mut tx, &held, &secrets, (&process.secrets.master()?, now)).await?;
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
async fn first_start(
    process: &Process,
    store: &Store,
    urls: &Urls,
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
    let sandbox = match upstreams {
        Upstreams::Simulated(url) => Some(url.clone()),
        Upstreams::Real(_) => None,
    };
    let mut quickstart = Quickstart {
        data_url: urls.data.clone(),
        graphql_url: format!("{}/graphql", urls.admin),
        admin_url: urls.admin.clone(),
        ops_url: urls.ops.clone(),
        email,
        password: password.expose().clone(),
        api_key: String::new(),
        management_key: String::new(),
        sandbox,
    };
    let data_dir = &process.config.data_dir;
    let pepper = process.secrets.pepper()?;
    let fresh = |made: &Made| Quickstart {
        api_key: made.api_key.expose().clone(),
        management_key: made.management_key.expose().clone(),
        ..quickstart.clone()
    };
    let keep = |made: &Made| fresh(made).write(data_dir).map_err(std::io::Error::other);
    match first_org(store, process.clock.as_ref(), &pepper, first, keep).await {
        Ok(Some(made)) => return Ok(Some(fresh(&made))),
        Ok(None) => {}
        // Perhaps it was made: the next try finds out.
        Err(error) if error.is_worth_trying_again() => return Err(error.into()),
        // Another control plane that started at the same moment was first: what was kept here opens nothing.
        Err(error) if !store.index().await?.is_empty() => {
            tracing::info!(%error, "another control plane has made the first organization");
            Quickstart::forget(data_dir)?;
        }
        Err(error) => return Err(error.into()),
    }
    let Some(old) = Quickstart::read(data_dir)? else { return Ok(None) };
    (quickstart.email, quickstart.password) = (old.email, old.password);
    (quickstart.api_key, quickstart.management_key) = (old.api_key, old.management_key);
    quickstart.write(data_dir)?;
    Ok(Some(quickstart))
}
