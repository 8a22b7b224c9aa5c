//! A policy, and what creating, changing and removing one takes.
//!
//! Invariant: rules are written whole: what an update leaves out is not kept from before, so that nobody is surprised
//! by a rule they did not see.

use ::policy::record;
use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};

use crate::graphql::error::Result;
use crate::graphql::scalars::Count;
use crate::graphql::types::propagation::Applied;
use crate::service::input::{id, no_id, required};

/// Whom a policy is attached to. A layer can only tighten what those before it allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PolicyLayer {
    Platform,
    Org,
    Team,
    Member,
    Key,
}

/// What to do when a budget cannot cover a request's output cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "::policy::record::Unaffordable")]
pub(crate) enum Unaffordable {
    /// Lower the cap to what is affordable, and say so in a header.
    Clamp,
    /// Refuse the request.
    Reject,
}

/// What to do under a hard budget when a price is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "::policy::record::UnknownPrice")]
pub(crate) enum UnknownPrice {
    /// Charge the platform's dearest configured unit price and flag the event.
    Ceiling,
    /// Refuse the request.
    Block,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "::policy::record::RateUnit")]
pub(crate) enum RateUnit {
    /// Requests in a minute, each once, however often it is tried.
    RequestsPerMinute,
    /// Prompt and completion tokens in a minute. They count when the answer has ended: a minute may see more by what
    /// requests in flight use.
    TokensPerMinute,
    /// Requests under way. Each node admits its share, limit ÷ nodes rounded up.
    Concurrent,
}

/// How much everybody under a policy may do together.
#[derive(SimpleObject)]
pub(crate) struct Rate {
    unit: RateUnit,
    /// The most of it.
    limit: Count,
    /// Only requests to these models: a slug, or `author/*`. Null: all.
    models: Option<String>,
}

impl From<&record::Rate> for Rate {
    fn from(rate: &record::Rate) -> Self {
        Self { unit: rate.unit.into(), limit: Count(u64::from(rate.limit)), models: rate.models.clone() }
    }
}

#[derive(InputObject)]
pub(crate) struct RateInput {
    unit: RateUnit,
    /// At least 1.
    limit: u32,
    /// Only requests to these models: a slug, or `author/*`. Left out: all.
    models: Option<String>,
}

impl From<RateInput> for record::Rate {
    fn from(RateInput { unit, limit, models }: RateInput) -> Self {
        Self { unit: unit.into(), limit, models }
    }
}

/// Rules attached to one layer.
pub(crate) struct Policy(pub(crate) record::Policy);

#[Object]
impl Policy {
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What a refusal calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whom it is attached to.
    async fn layer(&self) -> PolicyLayer {
        match self.0.layer {
            record::Layer::Platform => PolicyLayer::Platform,
            record::Layer::Org => PolicyLayer::Org,
            record::Layer::Team(_) => PolicyLayer::Team,
            record::Layer::Member(_) => PolicyLayer::Member,
            record::Layer::Key(_) => PolicyLayer::Key,
        }
    }

    /// The team, member or key; null for the whole organization.
    async fn layer_id(&self) -> Option<ID> {
        match self.0.layer {
            record::Layer::Platform | record::Layer::Org => None,
            record::Layer::Team(id) => Some(id.to_string().into()),
            record::Layer::Member(id) => Some(id.to_string().into()),
            record::Layer::Key(id) => Some(id.to_string().into()),
        }
    }

    /// What it says.
    async fn rules(&self) -> Rules {
        Rules::from(&self.0.rules)
    }
}

/// What a policy says.
#[derive(SimpleObject)]
pub(crate) struct Rules {
    /// Only these models: slugs, or `author/*`. Null allows all; an empty list allows none.
    allowed_models: Option<Vec<String>>,
    /// Never these models: slugs, or `author/*`.
    ignored_models: Vec<String>,
    /// Only these providers' slugs. Null allows all; an empty list allows none.
    allowed_providers: Option<Vec<String>>,
    /// Never these providers' slugs.
    ignored_providers: Vec<String>,
    /// Only endpoints whose zero retention is recorded with evidence.
    zdr: bool,
    /// Only endpoints that are known not to train on what they are sent.
    no_training: bool,
    /// Under a hard budget: the completion tokens a request without `max_tokens` is sent with.
    output_cap: Option<Count>,
    unaffordable: Option<Unaffordable>,
    unknown_price: Option<UnknownPrice>,
    /// The model of a request that names none.
    default_model: Option<String>,
    /// How much everybody under the policy may do together.
    rates: Vec<Rate>,
}

impl From<&record::Rules> for Rules {
    fn from(rules: &record::Rules) -> Self {
        Self {
            allowed_models: rules.allowed_models.clone(),
            ignored_models: rules.ignored_models.clone(),
            allowed_providers: rules.allowed_providers.clone(),
            ignored_providers: rules.ignored_providers.clone(),
            zdr: rules.zdr,
            no_training: rules.no_training,
            output_cap: rules.output_cap.map(|cap| Count(u64::from(cap))),
            unaffordable: rules.unaffordable.map(Into::into),
            unknown_price: rules.unknown_price.map(Into::into),
            default_model: rules.default_model.clone(),
            rates: rules.rates.iter().map(Into::into).collect(),
        }
    }
}

#[derive(InputObject)]
pub(crate) struct RulesInput {
    /// Only these models: slugs, or `author/*`. Left out allows all; an empty list allows none.
    allowed_models: Option<Vec<String>>,
    #[graphql(default)]
    ignored_models: Vec<String>,
    /// Only these providers' slugs. Left out allows all; an empty list allows none.
    allowed_providers: Option<Vec<String>>,
    #[graphql(default)]
    ignored_providers: Vec<String>,
    #[graphql(default)]
    zdr: bool,
    #[graphql(default)]
    no_training: bool,
    output_cap: Option<u32>,
    unaffordable: Option<Unaffordable>,
    unknown_price: Option<UnknownPrice>,
    default_model: Option<String>,
    /// At most 16.
    #[graphql(default)]
    rates: Vec<RateInput>,
}

impl From<RulesInput> for record::Rules {
    fn from(input: RulesInput) -> Self {
        Self {
            allowed_models: input.allowed_models,
            ignored_models: input.ignored_models,
            allowed_providers: input.allowed_providers,
            ignored_providers: input.ignored_providers,
            zdr: input.zdr,
            no_training: input.no_training,
            output_cap: input.output_cap,
            unaffordable: input.unaffordable.map(Into::into),
            unknown_price: input.unknown_price.map(Into::into),
            default_model: input.default_model,
            rates: input.rates.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(InputObject)]
pub(crate) struct CreatePolicyInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
    pub(crate) layer: PolicyLayer,
    /// The team, member or key; left out for the whole organization.
    pub(crate) layer_id: Option<ID>,
    pub(crate) rules: RulesInput,
}

#[derive(InputObject)]
pub(crate) struct UpdatePolicyInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    pub(crate) name: Option<String>,
    /// Replaces all rules.
    pub(crate) rules: Option<RulesInput>,
}

#[derive(InputObject)]
pub(crate) struct RemovePolicyInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct PolicyPayload {
    pub(crate) policy: Policy,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}

/// Reads the two fields that say whom a policy is attached to.
pub(crate) fn layer(kind: PolicyLayer, layer_id: Option<&ID>) -> Result<record::Layer> {
    const FIELD: &str = "layerId";
    Ok(match kind {
        PolicyLayer::Platform => record::Layer::Platform,
        PolicyLayer::Org => {
            no_id(FIELD, layer_id)?;
            record::Layer::Org
        }
        PolicyLayer::Team => record::Layer::Team(id(FIELD, required(FIELD, layer_id)?)?),
        PolicyLayer::Member => record::Layer::Member(id(FIELD, required(FIELD, layer_id)?)?),
        PolicyLayer::Key => record::Layer::Key(id(FIELD, required(FIELD, layer_id)?)?),
    })
}
