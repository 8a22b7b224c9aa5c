//! The catalogue files: providers, models, endpoints and prices as a new installation starts with them.
//!
//! Invariant: prices are rounded up once, here, to whole pico-USD per token; a mistake in a file is an error that names
//! the entry, never a missing price.

use anyhow::{Context, bail};
use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::price::{PriceVersion, UnitPrices};
use domain::{EndpointId, Pico, PriceVersionId, Timestamp, TokenClass};
use serde::Deserialize;
use std::collections::BTreeMap;

const PUBLISHED: &str = include_str!("catalogue.toml");
const SANDBOX: &str = include_str!("catalogue.sandbox.toml");
const TOKENS: u32 = 1_000_000;

/// What the files say, as the rest of the product knows it.
pub(crate) struct Catalogue {
    pub(crate) providers: Vec<Provider>,
    pub(crate) models: Vec<Model>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) ceiling: UnitPrices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<ProviderEntry>,
    #[serde(default)]
    model: Vec<ModelEntry>,
    #[serde(default)]
    endpoint: Vec<EndpointEntry>,
    #[serde(default)]
    ceiling: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    slug: String,
    name: String,
    dialect: String,
    base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    slug: String,
    name: String,
    kind: String,
    context_length: u32,
    created: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointEntry {
    model: String,
    provider: String,
    upstream_model: String,
    max_output_tokens: u32,
    retention: String,
    evidence_url: Option<String>,
    checked_at: Option<String>,
    trains: Option<bool>,
    usd_per_million: BTreeMap<String, String>,
}

/// The published catalogue.
///
/// # Errors
/// A mistake in the embedded file.
pub(crate) fn published(now: Timestamp) -> anyhow::Result<Catalogue> {
    read(PUBLISHED, now).context("catalogue.toml")
}

/// The catalogue with the simulated providers at `sandbox` (a URL without a final slash) in place of the real ones.
///
/// # Errors
/// A mistake in the embedded files.
pub(crate) fn simulated(now: Timestamp, sandbox: &str) -> anyhow::Result<Catalogue> {
    let mut catalogue = published(now)?;
    for provider in &mut catalogue.providers {
        provider.base_url = format!("{sandbox}/{}/v1", provider.slug);
    }
    let extra = read(&SANDBOX.replace("{sandbox}", sandbox), now).context("catalogue.sandbox.toml")?;
    catalogue.providers.extend(extra.providers);
    catalogue.endpoints.extend(extra.endpoints);
    Ok(catalogue)
}

fn read(text: &str, now: Timestamp) -> anyhow::Result<Catalogue> {
    let file: File = toml::from_str(text)?;
    Ok(Catalogue {
        providers: file.provider.into_iter().map(provider).collect::<anyhow::Result<_>>()?,
        models: file.model.into_iter().map(model).collect::<anyhow::Result<_>>()?,
        endpoints: file
            .endpoint
            .into_iter()
            .map(|entry| endpoint(entry, now))
            .collect::<anyhow::Result<_>>()?,
        ceiling: prices(&file.ceiling).context("ceiling")?,
    })
}

fn provider(entry: ProviderEntry) -> anyhow::Result<Provider> {
    let ProviderEntry { slug, name, dialect, base_url } = entry;
    let dialect =
        Dialect::from_name(&dialect).with_context(|| format!("provider {slug}: no dialect {dialect}"))?;
    Ok(Provider { slug, name, dialect, base_url })
}

fn model(entry: ModelEntry) -> anyhow::Result<Model> {
    let ModelEntry { slug, name, kind, context_length, created } = entry;
    let kind = ModelKind::from_name(&kind).with_context(|| format!("model {slug}: no kind {kind}"))?;
    let created = Timestamp::parse(&created).with_context(|| format!("model {slug}: created is no time"))?;
    Ok(Model { slug, name, kind, context_length, created })
}

fn endpoint(entry: EndpointEntry, now: Timestamp) -> anyhow::Result<Endpoint> {
    let place = format!("endpoint {} at {}", entry.model, entry.provider);
    let retention = retention(&entry).with_context(|| place.clone())?;
    let unit = prices(&entry.usd_per_million).with_context(|| place.clone())?;
    let version = PriceVersion {
        id: PriceVersionId::new(now, rand::random()),
        effective_from: now,
        unit,
        tiers: Vec::new(),
    };
    Ok(Endpoint {
        id: EndpointId::new(now, rand::random()),
        model: entry.model,
        provider: entry.provider,
        upstream_model: entry.upstream_model,
        max_output_tokens: entry.max_output_tokens,
        data_policy: DataPolicy { retention, trains: entry.trains },
        prices: vec![version],
    })
}

fn retention(entry: &EndpointEntry) -> anyhow::Result<Retention> {
    match entry.retention.as_str() {
        "unknown" => Ok(Retention::Unknown),
        "retained" => Ok(Retention::Retained),
        "zero" => {
            let evidence_url = entry.evidence_url.clone().context("zero retention without evidence_url")?;
            let checked_at = entry.checked_at.as_deref().and_then(Timestamp::parse);
            Ok(Retention::Zero {
                evidence_url,
                checked_at: checked_at.context("zero retention without checked_at")?,
            })
        }
        other => bail!("no retention {other}"),
    }
}

fn prices(usd_per_million: &BTreeMap<String, String>) -> anyhow::Result<UnitPrices> {
    let mut unit = UnitPrices::default();
    for (name, usd) in usd_per_million {
        let class = TokenClass::from_name(name).with_context(|| format!("no token class {name}"))?;
        let price = Pico::from_usd_ceil(usd, TOKENS).with_context(|| format!("{name}: {usd}"))?;
        unit.set(class, Some(price));
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_model_a_provider_and_an_input_price() {
        for catalogue in
            [published(Timestamp::from_millis(1)), simulated(Timestamp::from_millis(1), "http://sandbox")]
        {
            let catalogue = catalogue.unwrap();
            for endpoint in &catalogue.endpoints {
                assert!(
                    catalogue.models.iter().any(|model| model.slug == endpoint.model),
                    "{}",
                    endpoint.model
                );
                assert!(catalogue.providers.iter().any(|provider| provider.slug == endpoint.provider));
                let version = &endpoint.prices[0];
                assert!(version.unit.get(TokenClass::Input).is_some_and(|price| price > Pico::ZERO));
            }
        }
    }

    #[test]
    fn no_published_price_is_dearer_than_the_ceiling() {
        let catalogue = published(Timestamp::from_millis(1)).unwrap();
        for endpoint in &catalogue.endpoints {
            for (class, price) in endpoint.prices[0].unit.iter() {
                assert!(price <= catalogue.ceiling.get(class), "{} {}", endpoint.model, class.name());
            }
        }
    }

    #[test]
    fn the_simulated_catalogue_has_one_endpoint_with_zero_retention_and_others_without() {
        let catalogue = simulated(Timestamp::from_millis(1), "http://sandbox").unwrap();
        assert!(catalogue.providers.iter().all(|provider| provider.base_url.starts_with("http://sandbox/")));
        assert!(catalogue.endpoints.iter().any(|endpoint| endpoint.data_policy.is_zdr()));
        assert!(catalogue.endpoints.iter().any(|endpoint| !endpoint.data_policy.is_zdr()));
    }
}
