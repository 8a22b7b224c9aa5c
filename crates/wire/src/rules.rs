//! Policies: the layer they are attached to and their rules.
//!
//! Invariant: an absent allowlist (allows all) and an empty one (allows nothing) stay different.

use domain::{KeyId, MemberId, PolicyId, TeamId};
use policy::record::{Layer, Policy, Rate, Rules};

use crate::WireError;
use crate::field::{bits, choice, id, message, required};
use crate::pb::policy::v1 as pb;

impl From<&Policy> for pb::Policy {
    fn from(policy: &Policy) -> Self {
        Self {
            id: bits(policy.id.to_bits()),
            layer: Some(policy.layer.into()),
            name: policy.name.clone(),
            rules: Some((&policy.rules).into()),
        }
    }
}

impl TryFrom<pb::Policy> for Policy {
    type Error = WireError;
    fn try_from(policy: pb::Policy) -> Result<Self, WireError> {
        Ok(Self {
            id: id("policy.id", &policy.id, PolicyId::from_bits)?,
            layer: message("policy.layer", policy.layer)?,
            name: policy.name,
            rules: message("policy.rules", policy.rules)?,
        })
    }
}

impl From<Layer> for pb::Layer {
    fn from(layer: Layer) -> Self {
        let kind = match layer {
            Layer::Platform => pb::layer::Kind::Platform(pb::Nothing {}),
            Layer::Org => pb::layer::Kind::Org(pb::Nothing {}),
            Layer::Team(team) => pb::layer::Kind::Team(bits(team.to_bits())),
            Layer::Member(member) => pb::layer::Kind::Member(bits(member.to_bits())),
            Layer::Key(key) => pb::layer::Kind::Key(bits(key.to_bits())),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::Layer> for Layer {
    type Error = WireError;
    fn try_from(layer: pb::Layer) -> Result<Self, WireError> {
        use pb::layer::Kind;
        match required("policy.layer", layer.kind)? {
            Kind::Platform(pb::Nothing {}) => Ok(Self::Platform),
            Kind::Org(pb::Nothing {}) => Ok(Self::Org),
            Kind::Team(team) => id("policy.layer", &team, TeamId::from_bits).map(Self::Team),
            Kind::Member(member) => id("policy.layer", &member, MemberId::from_bits).map(Self::Member),
            Kind::Key(key) => id("policy.layer", &key, KeyId::from_bits).map(Self::Key),
        }
    }
}

impl From<&Rules> for pb::Rules {
    fn from(rules: &Rules) -> Self {
        let names = |names: &Vec<String>| pb::Names { names: names.clone() };
        Self {
            allowed_models: rules.allowed_models.as_ref().map(names),
            ignored_models: rules.ignored_models.clone(),
            allowed_providers: rules.allowed_providers.as_ref().map(names),
            ignored_providers: rules.ignored_providers.clone(),
            zdr: rules.zdr,
            no_training: rules.no_training,
            output_cap: rules.output_cap,
            unaffordable: rules.unaffordable.map(|choice| pb::Unaffordable::from(choice).into()),
            unknown_price: rules.unknown_price.map(|choice| pb::UnknownPrice::from(choice).into()),
            default_model: rules.default_model.clone(),
            rates: rules.rates.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::Rules> for Rules {
    type Error = WireError;
    fn try_from(rules: pb::Rules) -> Result<Self, WireError> {
        let unaffordable =
            rules.unaffordable.map(|number| choice::<pb::Unaffordable, _>("rules.unaffordable", number));
        let unknown_price =
            rules.unknown_price.map(|number| choice::<pb::UnknownPrice, _>("rules.unknown_price", number));
        Ok(Self {
            allowed_models: rules.allowed_models.map(|list| list.names),
            ignored_models: rules.ignored_models,
            allowed_providers: rules.allowed_providers.map(|list| list.names),
            ignored_providers: rules.ignored_providers,
            zdr: rules.zdr,
            no_training: rules.no_training,
            output_cap: rules.output_cap,
            unaffordable: unaffordable.transpose()?,
            unknown_price: unknown_price.transpose()?,
            default_model: rules.default_model,
            rates: rules.rates.into_iter().map(Rate::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Rate> for pb::Rate {
    fn from(Rate { unit, limit, models }: &Rate) -> Self {
        Self { unit: pb::RateUnit::from(*unit).into(), limit: *limit, models: models.clone() }
    }
}

impl TryFrom<pb::Rate> for Rate {
    type Error = WireError;
    fn try_from(rate: pb::Rate) -> Result<Self, WireError> {
        let unit = choice::<pb::RateUnit, _>("rules.rates", rate.unit)?;
        Ok(Self { unit, limit: rate.limit, models: rate.models })
    }
}
