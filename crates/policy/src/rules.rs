//! One policy, made ready to be asked.
//!
//! Invariant: a policy that cannot be understood is kept as one that refuses every request it applies to.

use std::sync::Arc;

use crate::denial::Rule;
use crate::pattern::{MAX_ENTRY_BYTES, ModelSet, ProviderSet, check_model};
use crate::permit::Quota;
use crate::record::{MAX_RATES, Policy, Rate, Rules};

/// A policy with its lists made ready for look-ups.
#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    pub(crate) source: Policy,
    lists: Result<Lists, String>,
}

#[derive(Debug)]
struct Lists {
    allowed_models: Option<ModelSet>,
    ignored_models: ModelSet,
    allowed_providers: Option<ProviderSet>,
    ignored_providers: ProviderSet,
    quotas: Vec<Arc<Quota>>,
}

/// Why `policy` would refuse every request it applies to; `None` for one that can be understood. For telling its author
/// before it is stored.
#[must_use]
pub fn problem(policy: &Policy) -> Option<String> {
    check(policy).and_then(|()| Lists::parse(policy).map(drop)).err()
}

impl CompiledPolicy {
    pub(crate) fn compile(source: Policy) -> Self {
        let lists = check(&source).and_then(|()| Lists::parse(&source));
        Self { source, lists }
    }

    /// A policy that refuses because of where it was found.
    pub(crate) fn broken(source: Policy, problem: &str) -> Self {
        Self { source, lists: Err(problem.to_owned()) }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.source.rules
    }

    /// Why it refuses every request; `None` for a policy that is understood.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.lists.as_ref().err().map(String::as_str)
    }

    /// The rule that forbids the model with this folded slug. A broken policy is asked nothing: it has refused before.
    pub(crate) fn forbids_model(&self, folded: &str) -> Option<Rule> {
        let lists = self.lists.as_ref().ok()?;
        if lists.allowed_models.as_ref().is_some_and(|allowed| !allowed.contains(folded)) {
            return Some(Rule::AllowedModels);
        }
        lists.ignored_models.contains(folded).then_some(Rule::IgnoredModels)
    }

    /// What its rates hold everybody under it to.
    pub(crate) fn quotas(&self) -> &[Arc<Quota>] {
        self.lists.as_ref().map_or(&[], |lists| &lists.quotas)
    }

    /// The rule that forbids the provider with this folded slug.
    pub(crate) fn forbids_provider(&self, folded: &str) -> Option<Rule> {
        let lists = self.lists.as_ref().ok()?;
        if lists.allowed_providers.as_ref().is_some_and(|allowed| !allowed.contains(folded)) {
            return Some(Rule::AllowedProviders);
        }
        lists.ignored_providers.contains(folded).then_some(Rule::IgnoredProviders)
    }
}

impl Lists {
    fn parse(policy: &Policy) -> Result<Self, String> {
        let rules = &policy.rules;
        Ok(Self {
            quotas: quotas(policy)?,
            allowed_models: rules.allowed_models.as_deref().map(ModelSet::parse).transpose()?,
            ignored_models: ModelSet::parse(&rules.ignored_models)?,
            allowed_providers: rules.allowed_providers.as_deref().map(ProviderSet::parse).transpose()?,
            ignored_providers: ProviderSet::parse(&rules.ignored_providers)?,
        })
    }
}

fn quotas(policy: &Policy) -> Result<Vec<Arc<Quota>>, String> {
    let quota = |(place, rate): (u8, &Rate)| {
        if rate.limit == 0 {
            return Err(format!("a rate of 0 {}; to refuse everything, allow no models", rate.unit.name()));
        }
        let models = rate.models.as_ref().map(|models| ModelSet::parse(std::slice::from_ref(models)));
        Ok(Arc::new(Quota {
            policy: policy.id,
            place,
            layer: policy.layer.name(),
            name: policy.name.clone(),
            rate: rate.clone(),
            models: models.transpose()?,
        }))
    };
    (0..).zip(&policy.rules.rates).map(quota).collect()
}

fn check(policy: &Policy) -> Result<(), String> {
    if policy.name.len() > MAX_ENTRY_BYTES {
        return Err(format!("its name has more than {MAX_ENTRY_BYTES} bytes"));
    }
    if policy.rules.output_cap == Some(0) {
        return Err("its output cap is 0".to_owned());
    }
    if policy.rules.rates.len() > MAX_RATES {
        return Err(format!("it has {} rates, at most {MAX_RATES} are read", policy.rules.rates.len()));
    }
    policy.rules.default_model.as_deref().map_or(Ok(()), check_model)
}
