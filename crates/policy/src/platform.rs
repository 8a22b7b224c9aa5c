//! The platform's records made ready: the catalogue by model, credentials by provider, rules for everybody.
//!
//! Invariant: an endpoint that is ambiguous, dangling or absurdly priced is left out, with a problem that says so.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use domain::model::{Endpoint, Model, Provider};
use domain::price::{PriceVersion, UnitPrices};
use domain::{Pico, Timestamp};

use crate::compile::Problem;
use crate::pattern::{check_model, check_provider, fold, quote};
use crate::record::{Credential, Layer, PlatformRecords};
use crate::rules::CompiledPolicy;
use crate::snapshot::Version;

/// The most price versions of one endpoint.
const MAX_PRICES: usize = 10_000;
/// The most policies of layer platform: each request asks them all.
const MAX_POLICIES: usize = 64;

/// The platform at one revision.
#[derive(Debug)]
pub struct CompiledPlatform {
    records: PlatformRecords,
    models: HashMap<String, CompiledModel>,
    providers: HashMap<String, Arc<Provider>>,
    /// By folded provider slug: the newest of each provider.
    credentials: HashMap<String, Arc<Credential>>,
    policies: Vec<CompiledPolicy>,
    refusal: Option<String>,
    problems: Vec<Problem>,
}

/// A model with its endpoints.
#[derive(Debug)]
pub(crate) struct CompiledModel {
    pub(crate) model: Arc<Model>,
    pub(crate) folded: String,
    pub(crate) endpoints: Vec<CompiledEndpoint>,
}

/// An endpoint with its provider.
#[derive(Debug)]
pub(crate) struct CompiledEndpoint {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) folded_provider: String,
    /// The first to apply comes first.
    prices: Vec<Arc<PriceVersion>>,
}

impl CompiledEndpoint {
    /// The price version that applies at `now`.
    pub(crate) fn price(&self, now: Timestamp) -> Option<&Arc<PriceVersion>> {
        self.prices.iter().rev().find(|price| price.effective_from <= now)
    }
}

impl CompiledPlatform {
    /// How new it is.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { epoch: self.records.epoch, revision: self.records.revision }
    }

    /// What it was compiled from.
    #[must_use]
    pub fn records(&self) -> &PlatformRecords {
        &self.records
    }

    /// What could not be used as it is, and so refuses.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The dearest unit prices: what an unknown price counts as under a hard budget.
    #[must_use]
    pub fn ceiling(&self) -> &UnitPrices {
        &self.records.ceiling
    }

    /// The provider with this slug.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Arc<Provider>> {
        self.providers.get(slug)
    }

    /// The model with this slug.
    #[must_use]
    pub fn model(&self, slug: &str) -> Option<&Arc<Model>> {
        self.models.get(slug).map(|entry| &entry.model)
    }

    pub(crate) fn entry(&self, slug: &str) -> Option<&CompiledModel> {
        self.models.get(slug)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &CompiledModel> {
        self.models.values()
    }

    pub(crate) fn policies(&self) -> &[CompiledPolicy] {
        &self.policies
    }

    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// The platform's secret for the provider with this folded slug.
    pub(crate) fn credential(&self, provider: &str) -> Option<&Arc<Credential>> {
        self.credentials.get(provider)
    }

    pub(crate) fn compile(records: PlatformRecords) -> Self {
        let mut problems = Problems(Vec::new());
        let providers = by_slug(&records.providers, |provider| &provider.slug, check_provider, &mut problems);
        let models = by_slug(&records.models, |model| &model.slug, check_model, &mut problems);
        let mut models: HashMap<String, CompiledModel> = models
            .into_iter()
            .map(|(slug, model)| {
                (slug, CompiledModel { folded: fold(&model.slug), model, endpoints: Vec::new() })
            })
            .collect();
        let mut seen = HashSet::new();
        for endpoint in &records.endpoints {
            if !seen.insert(endpoint.id) {
                problems.endpoint(endpoint, "its id was used before");
                continue;
            }
            add_endpoint(endpoint, &providers, &mut models, &mut problems);
        }
        let credentials = newest_credentials(&records, &mut problems);
        let policies = policies(&records, &mut problems);
        let refusal = refusal(&records);
        problems.0.extend(refusal.iter().map(|text| Problem { object: None, text: text.clone() }));
        Self { records, models, providers, credentials, policies, refusal, problems: problems.0 }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, text: String) {
        self.0.push(Problem { object: None, text });
    }

    fn endpoint(&mut self, endpoint: &Endpoint, problem: &str) {
        let (model, provider) = (quote(&endpoint.model), quote(&endpoint.provider));
        self.add(format!("the endpoint {} ({model} at {provider}) is left out: {problem}", endpoint.id));
    }
}

/// Why nothing at all is allowed.
fn refusal(records: &PlatformRecords) -> Option<String> {
    if records.policies.len() > MAX_POLICIES {
        return Some(format!(
            "there are {} policies, at most {MAX_POLICIES} are read",
            records.policies.len()
        ));
    }
    has_negative(&records.ceiling).then(|| "the ceiling has a negative price".to_owned())
}

/// By slug; what has a malformed slug, or one that is used twice, is left out: policies could not name it.
fn by_slug<T: Clone>(
    records: &[T],
    slug: impl Fn(&T) -> &String,
    check: impl Fn(&str) -> Result<(), String>,
    problems: &mut Problems,
) -> HashMap<String, Arc<T>> {
    let counts = count(records.iter().map(|record| fold(slug(record))));
    let mut by_slug = HashMap::new();
    for record in records {
        let slug = slug(record);
        if let Err(problem) = check(slug) {
            problems.add(format!("left out of the catalogue: {problem}"));
        } else if counts.get(&fold(slug)) != Some(&1) {
            problems.add(format!("left out of the catalogue: the slug {} is used twice", quote(slug)));
        } else {
            by_slug.insert(slug.clone(), Arc::new(record.clone()));
        }
    }
    by_slug
}

fn count<T: Hash + Eq>(items: impl Iterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_insert(0) += 1;
    }
    counts
}

fn add_endpoint(
    endpoint: &Endpoint,
    providers: &HashMap<String, Arc<Provider>>,
    models: &mut HashMap<String, CompiledModel>,
    problems: &mut Problems,
) {
    let Some(provider) = providers.get(&endpoint.provider) else {
        return problems.endpoint(endpoint, "there is no such provider");
    };
    let Some(entry) = models.get_mut(&endpoint.model) else {
        return problems.endpoint(endpoint, "there is no such model");
    };
    if let Some(problem) = price_problem(&endpoint.prices) {
        return problems.endpoint(endpoint, problem);
    }
    let mut prices: Vec<_> = endpoint.prices.iter().cloned().map(Arc::new).collect();
    prices.sort_by_key(|price| (price.effective_from, price.id));
    entry.endpoints.push(CompiledEndpoint {
        endpoint: Arc::new(endpoint.clone()),
        provider: Arc::clone(provider),
        folded_provider: fold(&provider.slug),
        prices,
    });
}

fn price_problem(prices: &[PriceVersion]) -> Option<&'static str> {
    let negative = |price: &PriceVersion| {
        has_negative(&price.unit) || price.tiers.iter().any(|tier| has_negative(&tier.unit))
    };
    let falling = |price: &PriceVersion| {
        let tiers = price.tiers.iter();
        tiers
            .clone()
            .zip(tiers.skip(1))
            .any(|(tier, next)| tier.above_prompt_tokens >= next.above_prompt_tokens)
    };
    if prices.len() > MAX_PRICES {
        return Some("it has too many price versions");
    }
    if prices.iter().any(negative) {
        return Some("it has a negative price");
    }
    prices.iter().any(falling).then_some("its price tiers do not rise")
}

fn has_negative(prices: &UnitPrices) -> bool {
    prices.iter().any(|(_, price)| price.is_some_and(|price| price < Pico::ZERO))
}

fn newest_credentials(
    records: &PlatformRecords,
    problems: &mut Problems,
) -> HashMap<String, Arc<Credential>> {
    let mut sorted: Vec<_> = records.credentials.iter().collect();
    sorted.sort_by_key(|credential| credential.id);
    let mut newest = HashMap::new();
    for credential in sorted {
        if credential.org.is_some() {
            problems.add(format!("the credential {} is left out: it is an organization's", credential.id));
            continue;
        }
        newest.insert(fold(&credential.provider), Arc::new(credential.clone()));
    }
    newest
}

fn policies(records: &PlatformRecords, problems: &mut Problems) -> Vec<CompiledPolicy> {
    let mut policies = Vec::new();
    for policy in records.policies.iter().take(MAX_POLICIES) {
        let compiled = match policy.layer {
            Layer::Platform => CompiledPolicy::compile(policy.clone()),
            _ => CompiledPolicy::broken(policy.clone(), "it is not of layer platform"),
        };
        if let Some(problem) = compiled.problem() {
            problems.add(format!("the policy {} cannot be used: {problem}", quote(&policy.name)));
        }
        policies.push(compiled);
    }
    policies
}

#[cfg(test)]
mod tests;
