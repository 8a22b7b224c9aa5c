//! The price book: providers, models, endpoints and prices as a new installation starts with them.
//!
//! Invariant: prices are rounded up once, here, to whole pico-USD per token; a mistake in a file is an error that names
//! the entry, never a missing price.

mod file;

use std::collections::{HashMap, HashSet};

use anyhow::{Context, bail};
use domain::model::{Endpoint, Model, Provider};
use domain::price::UnitPrices;
use domain::{EndpointId, Timestamp};

pub(crate) use file::{Reading, read, usd_per_million, write};

/// The files of the folder `catalogue`; its README.md says what they hold.
const PUBLISHED: [(&str, &str); 16] = [
    ("models.toml", include_str!("../catalogue/models.toml")),
    ("ceiling.toml", include_str!("../catalogue/ceiling.toml")),
    ("openai.toml", include_str!("../catalogue/openai.toml")),
    ("anthropic.toml", include_str!("../catalogue/anthropic.toml")),
    ("cerebras.toml", include_str!("../catalogue/cerebras.toml")),
    ("cohere.toml", include_str!("../catalogue/cohere.toml")),
    ("deepinfra.toml", include_str!("../catalogue/deepinfra.toml")),
    ("deepseek.toml", include_str!("../catalogue/deepseek.toml")),
    ("fireworks.toml", include_str!("../catalogue/fireworks.toml")),
    ("groq.toml", include_str!("../catalogue/groq.toml")),
    ("mistral.toml", include_str!("../catalogue/mistral.toml")),
    ("nebius.toml", include_str!("../catalogue/nebius.toml")),
    ("perplexity.toml", include_str!("../catalogue/perplexity.toml")),
    ("sambanova.toml", include_str!("../catalogue/sambanova.toml")),
    ("together.toml", include_str!("../catalogue/together.toml")),
    ("xai.toml", include_str!("../catalogue/xai.toml")),
];
const SANDBOX: &str = include_str!("../catalogue/sandbox.toml");

/// What the simulated providers answer for, by provider and what they call the model.
const SIMULATED: [(&str, &[&str]); 2] = [
    (
        "openai",
        &[
            "gpt-4.1",
            "gpt-4.1-mini",
            "gpt-4.1-nano",
            "o4-mini",
            "gpt-5",
            "gpt-5-mini",
            "text-embedding-3-small",
            "text-embedding-3-large",
        ],
    ),
    ("anthropic", &["claude-sonnet-4-5", "claude-haiku-4-5"]),
];

/// What the files say, as the rest of the product knows it.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) providers: Vec<Provider>,
    pub(crate) models: Vec<Model>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) ceiling: UnitPrices,
    /// Where the prices of each endpoint are published, and when they were read there.
    pub(crate) sources: HashMap<EndpointId, String>,
}

impl Catalogue {
    /// Adds what another file says.
    ///
    /// # Errors
    /// A second entry for what there is already, named.
    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.providers.extend(other.providers);
        self.models.extend(other.models);
        self.endpoints.extend(other.endpoints);
        self.sources.extend(other.sources);
        for (class, price) in other.ceiling.iter().filter(|(_, price)| price.is_some()) {
            self.ceiling.set(class, price);
        }
        self.check_unique()
    }

    fn check_unique(&self) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let providers = self.providers.iter().map(|provider| format!("the provider {}", provider.slug));
        let models = self.models.iter().map(|model| format!("the model {}", model.slug));
        let endpoints = self.endpoints.iter().map(|endpoint| format!("the endpoint {}", name_of(endpoint)));
        for name in providers.chain(models).chain(endpoints) {
            if let Some(twice) = seen.replace(name) {
                bail!("{twice} is there twice");
            }
        }
        Ok(())
    }
}

/// What people call an endpoint: `openai/gpt-5 at openai (gpt-5)`.
pub(crate) fn name_of(endpoint: &Endpoint) -> String {
    format!("{} at {} ({})", endpoint.model, endpoint.provider, endpoint.upstream_model)
}

/// Whether both mean the same model at the same provider, under the same name there.
pub(crate) fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    one.model == other.model && one.provider == other.provider && one.upstream_model == other.upstream_model
}

/// The published catalogue.
///
/// # Errors
/// A mistake in the embedded files.
pub(crate) fn published(now: Timestamp) -> anyhow::Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    for (name, text) in PUBLISHED {
        let file = read(text, Reading::published(now)).with_context(|| name.to_owned())?;
        catalogue.add(file).with_context(|| name.to_owned())?;
    }
    Ok(catalogue)
}

/// The catalogue with the simulated providers at `sandbox` (a URL without a final slash) in place of the real ones, and
/// without what they do not answer for.
///
/// # Errors
/// A mistake in the embedded files.
pub(crate) fn simulated(now: Timestamp, sandbox: &str) -> anyhow::Result<Catalogue> {
    let mut catalogue = published(now)?;
    let is_played = |endpoint: &Endpoint| {
        SIMULATED.iter().any(|(provider, models)| {
            *provider == endpoint.provider && models.contains(&endpoint.upstream_model.as_str())
        })
    };
    let Catalogue { providers, models, endpoints, .. } = &mut catalogue;
    endpoints.retain(is_played);
    models.retain(|model| endpoints.iter().any(|endpoint| endpoint.model == model.slug));
    providers.retain(|provider| endpoints.iter().any(|endpoint| endpoint.provider == provider.slug));
    for provider in providers {
        provider.base_url = format!("{sandbox}/{}/v1", provider.slug);
    }
    let extra = read(&SANDBOX.replace("{sandbox}", sandbox), Reading::published(now))?;
    catalogue.add(extra).context("sandbox.toml")?;
    Ok(catalogue)
}

#[cfg(test)]
mod tests;
