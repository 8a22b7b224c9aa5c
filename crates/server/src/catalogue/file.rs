//! One file of the price book, as TOML.
//!
//! Invariant: what is misspelt, negative, absurd or without a source is refused with the entry's name; nothing is
//! skipped.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::money::Factor;
use domain::price::{self, PriceTier, PriceVersion, UnitPrices};
use domain::{EndpointId, Pico, PriceVersionId, Timestamp, TokenClass};
use serde::Deserialize;

use super::{Catalogue, name_of};

const UNITS: u32 = 1_000_000;

/// How prices become price versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) now: Timestamp,
    /// When the prices begin to apply.
    pub(crate) effective_from: Timestamp,
    /// Markup and discount, folded in before the one rounding.
    pub(crate) factor: Factor,
}

impl Reading {
    /// As published, from now on.
    pub(crate) const fn published(now: Timestamp) -> Self {
        Self { now, effective_from: now, factor: Factor::ONE }
    }
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
    source: String,
    checked_on: String,
    usd_per_million: BTreeMap<String, String>,
    #[serde(default)]
    tier: Vec<TierEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierEntry {
    above_prompt_tokens: u64,
    usd_per_million: BTreeMap<String, String>,
}

/// Reads one file.
///
/// # Errors
/// A sentence that names the entry.
pub(crate) fn read(text: &str, how: Reading) -> anyhow::Result<Catalogue> {
    let file: File = toml::from_str(text)?;
    let ceiling = unit(&file.ceiling, how.factor).context("ceiling")?;
    price::check(&ceiling, &[]).context("ceiling")?;
    let mut catalogue = Catalogue {
        providers: file.provider.into_iter().map(provider).collect::<anyhow::Result<_>>()?,
        models: file.model.into_iter().map(model).collect::<anyhow::Result<_>>()?,
        ceiling,
        ..Catalogue::default()
    };
    for entry in file.endpoint {
        let place = format!("endpoint {} at {}", entry.model, entry.provider);
        let (endpoint, source) = endpoint(entry, how).context(place)?;
        catalogue.sources.insert(endpoint.id, source);
        catalogue.endpoints.push(endpoint);
    }
    catalogue.check_unique()?;
    Ok(catalogue)
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

fn endpoint(entry: EndpointEntry, how: Reading) -> anyhow::Result<(Endpoint, String)> {
    let retention = retention(&entry)?;
    let source = source(&entry)?;
    let version = version(&entry, how)?;
    let endpoint = Endpoint {
        id: EndpointId::new(how.now, rand::random()),
        model: entry.model,
        provider: entry.provider,
        upstream_model: entry.upstream_model,
        max_output_tokens: entry.max_output_tokens,
        data_policy: DataPolicy { retention, trains: entry.trains },
        prices: vec![version],
    };
    Ok((endpoint, source))
}

fn source(entry: &EndpointEntry) -> anyhow::Result<String> {
    let EndpointEntry { source, checked_on, .. } = entry;
    if source.trim().is_empty() {
        bail!("source is empty: it says where these prices are published");
    }
    if checked_on.len() != 10 || Timestamp::parse(&format!("{checked_on}T00:00:00Z")).is_none() {
        bail!("checked_on is {checked_on:?}: it is the day the prices were read, like 2026-11-21");
    }
    Ok(format!("{source}, read on {checked_on}"))
}

fn version(entry: &EndpointEntry, how: Reading) -> anyhow::Result<PriceVersion> {
    if entry.usd_per_million.is_empty() {
        bail!("usd_per_million is empty");
    }
    let tier = |tier: &TierEntry| -> anyhow::Result<PriceTier> {
        let above_prompt_tokens = tier.above_prompt_tokens;
        let unit = unit(&tier.usd_per_million, how.factor)
            .with_context(|| format!("tier above {above_prompt_tokens} prompt tokens"))?;
        Ok(PriceTier { above_prompt_tokens, unit })
    };
    let unit = unit(&entry.usd_per_million, how.factor)?;
    let tiers = entry.tier.iter().map(tier).collect::<anyhow::Result<Vec<_>>>()?;
    price::check(&unit, &tiers)?;
    let id = PriceVersionId::new(how.now, rand::random());
    Ok(PriceVersion { id, effective_from: how.effective_from, unit, tiers })
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

fn unit(usd_per_million: &BTreeMap<String, String>, factor: Factor) -> anyhow::Result<UnitPrices> {
    let mut unit = UnitPrices::default();
    for (name, usd) in usd_per_million {
        let class = TokenClass::from_name(name).with_context(|| format!("no token class {name}"))?;
        if usd.starts_with('-') {
            bail!("the price of {name} is negative: {usd}");
        }
        let price = Pico::from_usd_times_ceil(usd, UNITS, factor)
            .with_context(|| format!("the price of {name}: {usd:?}"))?;
        unit.set(class, Some(price));
    }
    Ok(unit)
}

/// An endpoint with the prices of one of its versions, as a file has it; `source` is where they were published.
pub(crate) fn write(
    endpoint: &Endpoint,
    version: &PriceVersion,
    (source, checked_on): (&str, &str),
) -> String {
    let mut lines = vec![
        format!("# {}, from {}", name_of(endpoint), version.effective_from),
        "[[endpoint]]".to_owned(),
        format!("model = {}", quoted(&endpoint.model)),
        format!("provider = {}", quoted(&endpoint.provider)),
        format!("upstream_model = {}", quoted(&endpoint.upstream_model)),
        format!("max_output_tokens = {}", endpoint.max_output_tokens),
    ];
    match &endpoint.data_policy.retention {
        Retention::Unknown => lines.push("retention = \"unknown\"".to_owned()),
        Retention::Retained => lines.push("retention = \"retained\"".to_owned()),
        Retention::Zero { evidence_url, checked_at } => {
            lines.push("retention = \"zero\"".to_owned());
            lines.push(format!("evidence_url = {}", quoted(evidence_url)));
            lines.push(format!("checked_at = \"{checked_at}\""));
        }
    }
    lines.extend(endpoint.data_policy.trains.map(|trains| format!("trains = {trains}")));
    lines.push(format!("source = {}", quoted(source)));
    lines.push(format!("checked_on = {}", quoted(checked_on)));
    lines.push(format!("usd_per_million = {}", unit_text(&version.unit)));
    for tier in &version.tiers {
        lines.push("\n[[endpoint.tier]]".to_owned());
        lines.push(format!("above_prompt_tokens = {}", tier.above_prompt_tokens));
        lines.push(format!("usd_per_million = {}", unit_text(&tier.unit)));
    }
    lines.join("\n")
}

fn unit_text(unit: &UnitPrices) -> String {
    let prices = unit.iter().filter_map(|(class, price)| Some((class, price?)));
    let prices: Vec<_> =
        prices.map(|(class, price)| format!("{} = \"{}\"", class.name(), usd_per_million(price))).collect();
    format!("{{ {} }}", prices.join(", "))
}

/// US dollars per million units, exactly, with at least two decimals.
pub(crate) fn usd_per_million(price: Pico) -> String {
    let usd = domain::Amount::from_pico(i128::from(price.get()) * i128::from(UNITS)).to_string();
    match usd.split_once('.') {
        Some((_, decimals)) if decimals.len() > 1 => usd,
        Some(_) => format!("{usd}0"),
        None => format!("{usd}.00"),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
