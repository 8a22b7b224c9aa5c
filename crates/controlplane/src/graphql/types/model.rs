//! The catalogue: models with the endpoints where they can be reached, their prices and data policies.
//!
//! Invariant: a price that is not known is null, never zero; zero retention is shown only with its evidence.

use async_graphql::{Enum, ID, Object, SimpleObject};
use domain::model::{self, Retention};
use domain::price::{PriceVersion, UnitPrices};
use domain::{Timestamp, price};

use crate::graphql::scalars::{Count, DateTime, Usd};

/// What a model is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::model::ModelKind")]
pub(crate) enum ModelKind {
    Chat,
    Embeddings,
}

/// A model with its endpoints.
pub(crate) struct Model {
    pub(crate) model: model::Model,
    pub(crate) endpoints: Vec<model::Endpoint>,
    pub(crate) now: Timestamp,
}

/// A model, wherever it is served.
#[Object]
impl Model {
    /// `author/slug`
    async fn slug(&self) -> &str {
        &self.model.slug
    }

    async fn name(&self) -> &str {
        &self.model.name
    }

    async fn kind(&self) -> ModelKind {
        self.model.kind.into()
    }

    /// Prompt and completion tokens together, at most.
    async fn context_length(&self) -> Count {
        Count(u64::from(self.model.context_length))
    }

    /// When it was published.
    async fn created(&self) -> DateTime {
        self.model.created.into()
    }

    /// Where it can be reached.
    async fn endpoints(&self) -> Vec<Endpoint<'_>> {
        self.endpoints.iter().map(|endpoint| Endpoint { endpoint, now: self.now }).collect()
    }
}

pub(crate) struct Endpoint<'a> {
    endpoint: &'a model::Endpoint,
    now: Timestamp,
}

/// A model at a provider.
#[Object]
impl Endpoint<'_> {
    async fn id(&self) -> ID {
        self.endpoint.id.to_string().into()
    }

    /// The provider's slug.
    async fn provider(&self) -> &str {
        &self.endpoint.provider
    }

    /// What the provider calls the model.
    async fn upstream_model(&self) -> &str {
        &self.endpoint.upstream_model
    }

    /// Most completion tokens one answer can have.
    async fn max_output_tokens(&self) -> Count {
        Count(u64::from(self.endpoint.max_output_tokens))
    }

    /// Whether zero data retention is recorded with evidence. What is not known counts as retained.
    async fn zdr(&self) -> bool {
        self.endpoint.data_policy.is_zdr()
    }

    /// Where the promise of zero retention is written.
    async fn evidence_url(&self) -> Option<&str> {
        match &self.endpoint.data_policy.retention {
            Retention::Zero { evidence_url, .. } => Some(evidence_url),
            Retention::Unknown | Retention::Retained => None,
        }
    }

    /// When somebody last read it there.
    async fn checked_at(&self) -> Option<DateTime> {
        match &self.endpoint.data_policy.retention {
            Retention::Zero { checked_at, .. } => Some(DateTime(*checked_at)),
            Retention::Unknown | Retention::Retained => None,
        }
    }

    /// Whether models may be trained on what it is sent; null where not known, which counts as yes.
    async fn trains(&self) -> Option<bool> {
        self.endpoint.data_policy.trains
    }

    /// The prices that apply now; null when none has begun.
    async fn prices(&self) -> Option<Prices> {
        price::valid_at(&self.endpoint.prices, self.now).map(Prices::from)
    }
}

/// One price version.
#[derive(SimpleObject)]
pub(crate) struct Prices {
    id: ID,
    /// When it began to apply.
    effective_from: DateTime,
    /// Per class, where the price is known.
    units: Vec<UnitPrice>,
    /// Prices for long prompts, by rising threshold.
    tiers: Vec<Tier>,
}

/// The price of one unit of one class.
#[derive(SimpleObject)]
pub(crate) struct UnitPrice {
    /// `input`, `cached_input`, `output`, …
    class: &'static str,
    usd: Usd,
}

/// Prices that replace the others for the whole request when its prompt is longer than the threshold.
#[derive(SimpleObject)]
pub(crate) struct Tier {
    above_prompt_tokens: Count,
    units: Vec<UnitPrice>,
}

impl From<&PriceVersion> for Prices {
    fn from(version: &PriceVersion) -> Self {
        let tier = |tier: &price::PriceTier| Tier {
            above_prompt_tokens: Count(tier.above_prompt_tokens),
            units: known(&tier.unit),
        };
        Self {
            id: version.id.to_string().into(),
            effective_from: version.effective_from.into(),
            units: known(&version.unit),
            tiers: version.tiers.iter().map(tier).collect(),
        }
    }
}

fn known(prices: &UnitPrices) -> Vec<UnitPrice> {
    let with_price = |(class, price): (domain::TokenClass, Option<domain::Pico>)| {
        price.map(|price| UnitPrice { class: class.name(), usd: price.into() })
    };
    prices.iter().filter_map(with_price).collect()
}
