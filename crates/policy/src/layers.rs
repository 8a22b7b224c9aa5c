//! The policies one caller is under, from the platform to the key, asked together.
//!
//! Invariant: made only when each of them is understood; one that is not refuses the request.

use std::sync::Arc;

use crate::decide::Ask;
use crate::denial::{Denial, Rule, RuleSource};
use crate::pattern::quote;
use crate::permit::{Caller, DEFAULT_OUTPUT_CAP, EffectiveRules, Quota};
use crate::platform::CompiledPlatform;
use crate::record::{Credential, Unaffordable, UnknownPrice};
use crate::rules::CompiledPolicy;

/// Who set a rule, while a decision is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Policy(&'a CompiledPolicy),
    Request(&'static str),
    Platform,
}

impl Source<'_> {
    pub(crate) fn name(self) -> RuleSource {
        match self {
            Self::Policy(policy) => {
                RuleSource::Policy { layer: policy.source.layer.name(), name: policy.source.name.clone() }
            }
            Self::Request(field) => RuleSource::Request(field),
            Self::Platform => RuleSource::Platform,
        }
    }
}

/// Platform, org, team, member, key.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    platform: &'a CompiledPlatform,
    caller: &'a Caller,
}

impl<'a> Layers<'a> {
    pub(crate) fn of(platform: &'a CompiledPlatform, caller: &'a Caller) -> Result<Self, Denial> {
        let broken = |subject: String, problem: &str| Denial::Broken { subject, problem: problem.to_owned() };
        if let Some(problem) = platform.refusal() {
            return Err(broken("the platform's policy".to_owned(), problem));
        }
        if let Some(problem) = caller.org.refusal() {
            return Err(broken("the organization's policy".to_owned(), problem));
        }
        if let Some(problem) = &caller.key.refusal {
            return Err(broken(format!("the key {}", quote(&caller.key.key.name)), problem));
        }
        let layers = Self { platform, caller };
        for policy in layers.policies() {
            if let Some(problem) = policy.problem() {
                let subject = format!(
                    "the policy {} of layer {}",
                    quote(&policy.source.name),
                    policy.source.layer.name()
                );
                return Err(broken(subject, problem));
            }
        }
        Ok(layers)
    }

    pub(crate) fn platform(&self) -> &'a CompiledPlatform {
        self.platform
    }

    /// From the widest layer to the narrowest.
    fn policies(&self) -> impl DoubleEndedIterator<Item = &'a CompiledPolicy> + use<'a> {
        self.platform.policies().iter().chain(self.caller.key.policies.iter().map(Arc::as_ref))
    }

    pub(crate) fn forbids_model(&self, folded: &str) -> Option<(Rule, Source<'a>)> {
        self.policies()
            .find_map(|policy| policy.forbids_model(folded).map(|rule| (rule, Source::Policy(policy))))
    }

    pub(crate) fn forbids_provider(&self, folded: &str) -> Option<(Rule, Source<'a>)> {
        self.policies()
            .find_map(|policy| policy.forbids_provider(folded).map(|rule| (rule, Source::Policy(policy))))
    }

    /// Who demands zero retention: the widest layer that does, or the request.
    pub(crate) fn demands_zdr(&self, ask: &Ask<'_>) -> Option<Source<'a>> {
        let layer = self.policies().find(|policy| policy.rules().zdr).map(Source::Policy);
        layer.or_else(|| (ask.provider.zdr == Some(true)).then_some(Source::Request("provider.zdr")))
    }

    /// Who forbids training: the widest layer that does, or the request.
    pub(crate) fn forbids_training(&self, ask: &Ask<'_>) -> Option<Source<'a>> {
        let layer = self.policies().find(|policy| policy.rules().no_training).map(Source::Policy);
        layer.or_else(|| ask.provider.no_training.then_some(Source::Request("provider.data_collection")))
    }

    /// The narrowest layer's default.
    pub(crate) fn default_model(&self) -> Option<&'a str> {
        self.policies().rev().find_map(|policy| policy.rules().default_model.as_deref())
    }

    /// The organization's own secret for a provider, else the platform's.
    pub(crate) fn credential(&self, folded_provider: &str) -> Option<&'a Arc<Credential>> {
        let own = self.caller.org.credential(folded_provider);
        own.or_else(|| self.platform.credential(folded_provider))
    }

    /// Every rate the caller is held to, from the widest layer to the narrowest.
    pub(crate) fn quotas(&self) -> Vec<Arc<Quota>> {
        self.policies().flat_map(CompiledPolicy::quotas).cloned().collect()
    }

    pub(crate) fn effective(&self, ask: &Ask<'_>) -> EffectiveRules {
        let rules = || self.policies().map(CompiledPolicy::rules);
        let rejects = rules().any(|rules| rules.unaffordable == Some(Unaffordable::Reject));
        let blocks = rules().any(|rules| rules.unknown_price == Some(UnknownPrice::Block));
        EffectiveRules {
            zdr: self.demands_zdr(ask).is_some(),
            no_training: self.forbids_training(ask).is_some(),
            output_cap: rules().filter_map(|rules| rules.output_cap).min().unwrap_or(DEFAULT_OUTPUT_CAP),
            unaffordable: if rejects { Unaffordable::Reject } else { Unaffordable::Clamp },
            unknown_price: if blocks { UnknownPrice::Block } else { UnknownPrice::Ceiling },
        }
    }
}
