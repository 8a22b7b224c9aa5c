//! The catalogue: providers, models, endpoints, data policies, prices.
//!
//! Invariant: a price is never negative and never given twice; one that is not known stays unknown.

use domain::model::{DataPolicy, Endpoint, Model, Provider, Retention};
use domain::price::{PriceTier, PriceVersion, UnitPrices};
use domain::{EndpointId, PriceVersionId, TokenClass};

use crate::WireError;
use crate::field::{all, bits, choice, id, message, moment, pico, required};
use crate::pb::domain::v1 as shared;
use crate::pb::policy::v1 as pb;

impl From<&Provider> for pb::Provider {
    fn from(provider: &Provider) -> Self {
        Self {
            slug: provider.slug.clone(),
            name: provider.name.clone(),
            dialect: pb::Dialect::from(provider.dialect).into(),
            base_url: provider.base_url.clone(),
        }
    }
}

impl TryFrom<pb::Provider> for Provider {
    type Error = WireError;
    fn try_from(provider: pb::Provider) -> Result<Self, WireError> {
        Ok(Self {
            slug: provider.slug,
            name: provider.name,
            dialect: choice::<pb::Dialect, _>("provider.dialect", provider.dialect)?,
            base_url: provider.base_url,
        })
    }
}

impl From<&Model> for pb::Model {
    fn from(model: &Model) -> Self {
        Self {
            slug: model.slug.clone(),
            name: model.name.clone(),
            kind: shared::ModelKind::from(model.kind).into(),
            context_length: model.context_length,
            created_us: model.created.as_micros(),
        }
    }
}

impl TryFrom<pb::Model> for Model {
    type Error = WireError;
    fn try_from(model: pb::Model) -> Result<Self, WireError> {
        Ok(Self {
            slug: model.slug,
            name: model.name,
            kind: choice::<shared::ModelKind, _>("model.kind", model.kind)?,
            context_length: model.context_length,
            created: moment(model.created_us),
        })
    }
}

impl From<&Endpoint> for pb::Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: bits(endpoint.id.to_bits()),
            model: endpoint.model.clone(),
            provider: endpoint.provider.clone(),
            upstream_model: endpoint.upstream_model.clone(),
            max_output_tokens: endpoint.max_output_tokens,
            data_policy: Some((&endpoint.data_policy).into()),
            prices: endpoint.prices.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::Endpoint> for Endpoint {
    type Error = WireError;
    fn try_from(endpoint: pb::Endpoint) -> Result<Self, WireError> {
        Ok(Self {
            id: id("endpoint.id", &endpoint.id, EndpointId::from_bits)?,
            model: endpoint.model,
            provider: endpoint.provider,
            upstream_model: endpoint.upstream_model,
            max_output_tokens: endpoint.max_output_tokens,
            data_policy: message("endpoint.data_policy", endpoint.data_policy)?,
            prices: all(endpoint.prices)?,
        })
    }
}

impl From<&DataPolicy> for pb::DataPolicy {
    fn from(policy: &DataPolicy) -> Self {
        let kind = match &policy.retention {
            Retention::Zero { evidence_url, checked_at } => pb::retention::Kind::Zero(pb::ZeroRetention {
                evidence_url: evidence_url.clone(),
                checked_at_us: checked_at.as_micros(),
            }),
            Retention::Unknown => pb::retention::Kind::Unknown(pb::Nothing {}),
            Retention::Retained => pb::retention::Kind::Retained(pb::Nothing {}),
        };
        Self { retention: Some(pb::Retention { kind: Some(kind) }), trains: policy.trains }
    }
}

impl TryFrom<pb::DataPolicy> for DataPolicy {
    type Error = WireError;
    fn try_from(policy: pb::DataPolicy) -> Result<Self, WireError> {
        const RETENTION: &str = "data_policy.retention";
        let retention = match required(RETENTION, required(RETENTION, policy.retention)?.kind)? {
            pb::retention::Kind::Zero(zero) => {
                Retention::Zero { evidence_url: zero.evidence_url, checked_at: moment(zero.checked_at_us) }
            }
            pb::retention::Kind::Unknown(pb::Nothing {}) => Retention::Unknown,
            pb::retention::Kind::Retained(pb::Nothing {}) => Retention::Retained,
        };
        Ok(Self { retention, trains: policy.trains })
    }
}

impl From<&PriceVersion> for pb::PriceVersion {
    fn from(version: &PriceVersion) -> Self {
        let tiers = version.tiers.iter().map(|tier| pb::PriceTier {
            above_prompt_tokens: tier.above_prompt_tokens,
            unit: unit_prices(&tier.unit),
        });
        Self {
            id: bits(version.id.to_bits()),
            effective_from_us: version.effective_from.as_micros(),
            unit: unit_prices(&version.unit),
            tiers: tiers.collect(),
        }
    }
}

impl TryFrom<pb::PriceVersion> for PriceVersion {
    type Error = WireError;
    fn try_from(version: pb::PriceVersion) -> Result<Self, WireError> {
        let tiers: Vec<PriceTier> = all(version.tiers)?;
        // `PriceVersion::unit_for` takes the last tier that applies.
        if !tiers.is_sorted_by_key(|tier| tier.above_prompt_tokens) {
            return Err(WireError::Invalid("price_version.tiers"));
        }
        Ok(Self {
            id: id("price_version.id", &version.id, PriceVersionId::from_bits)?,
            effective_from: moment(version.effective_from_us),
            unit: unit_prices_from(version.unit)?,
            tiers,
        })
    }
}

impl TryFrom<pb::PriceTier> for PriceTier {
    type Error = WireError;
    fn try_from(tier: pb::PriceTier) -> Result<Self, WireError> {
        Ok(Self { above_prompt_tokens: tier.above_prompt_tokens, unit: unit_prices_from(tier.unit)? })
    }
}

pub(crate) fn unit_prices(prices: &UnitPrices) -> Vec<pb::UnitPrice> {
    let known = prices.iter().filter_map(|(class, price)| price.map(|price| (class, price)));
    known
        .map(|(class, price)| pb::UnitPrice {
            class: shared::TokenClass::from(class).into(),
            pico: price.get(),
        })
        .collect()
}

pub(crate) fn unit_prices_from(list: Vec<pb::UnitPrice>) -> Result<UnitPrices, WireError> {
    let mut prices = UnitPrices::default();
    for price in list {
        let class: TokenClass = choice::<shared::TokenClass, _>("unit_price.class", price.class)?;
        if prices.get(class).is_some() {
            return Err(WireError::Invalid("unit_price.class"));
        }
        prices.set(class, Some(pico("unit_price.pico", price.pico)?));
    }
    Ok(prices)
}
