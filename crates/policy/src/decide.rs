//! The decision: which endpoints a caller's request may go to, in which order; or why none.
//!
//! Invariant: pure, in memory, no clock but `now`. Layers only tighten: lists of allowed things intersect, lists of
//! ignored things unite, "zero retention" and "no training" hold where one layer says so, and what is not known counts
//! against an endpoint. A credential of the organization's own exempts from nothing.

use std::sync::Arc;

use domain::Timestamp;
use domain::model::{Model, ModelKind};

use crate::denial::{Denial, Exclusion, NoEndpoint, Rule, Why};
use crate::layers::{Layers, Source};
use crate::permit::{Caller, Candidate, Permit};
use crate::platform::{CompiledEndpoint, CompiledModel};
use crate::select;
use crate::snapshot::PolicySnapshot;

/// The most models one request may name.
pub(crate) const MAX_MODELS: usize = 16;

/// What a request asks for, as far as policy and routing are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What the request is.
    pub kind: ModelKind,
    /// The `model` it names.
    pub model: Option<&'a str>,
    /// The `models` it names: tried in order, after `model`.
    pub models: &'a [String],
    /// Its `provider` object.
    pub provider: ProviderAsk<'a>,
    /// Decides the weighted draw: random per request, fixed to explain or repeat one.
    pub seed: u64,
}

/// The `provider` object of a request (spec openrouter.md §9.1). Slugs or display names, letter case ignored.
#[derive(Debug, Clone, Copy)]
pub struct ProviderAsk<'a> {
    /// Try these first, in this order.
    pub order: &'a [String],
    /// Only these; empty means all.
    pub only: &'a [String],
    /// Never these.
    pub ignore: &'a [String],
    /// Whether others than the first (or than those of `order`) may be tried.
    pub allow_fallbacks: bool,
    /// Demand zero data retention; `Some(false)` cannot undo what a layer demands.
    pub zdr: Option<bool>,
    /// `data_collection: "deny"`.
    pub no_training: bool,
}

impl Default for ProviderAsk<'_> {
    fn default() -> Self {
        Self { order: &[], only: &[], ignore: &[], allow_fallbacks: true, zdr: None, no_training: false }
    }
}

impl<'a> Ask<'a> {
    /// A request of this kind for `model`, with nothing else said.
    #[must_use]
    pub fn new(kind: ModelKind, model: Option<&'a str>, seed: u64) -> Self {
        Self { kind, model, models: &[], provider: ProviderAsk::default(), seed }
    }
}

/// A model a caller may use, with the endpoints it would go to.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The model.
    pub model: Arc<Model>,
    /// Never empty; the organization's own credentials first, then by price.
    pub candidates: Vec<Candidate>,
}

/// Decides where `caller`'s request may go.
///
/// # Errors
/// [`Denial`] when it may go nowhere. Of several models, the denial is that of the first.
pub fn decide(
    snapshot: &PolicySnapshot,
    caller: &Caller,
    ask: &Ask<'_>,
    now: Timestamp,
) -> Result<Permit, Denial> {
    let layers = Layers::of(snapshot.platform(), caller)?;
    let requested = requested_models(&layers, ask)?;
    let decision = Decision { layers: &layers, ask, requested: &requested, now };
    let mut candidates = Vec::new();
    let mut denial = None;
    for name in &requested {
        match decision.candidates(name) {
            Ok(found) => candidates.extend(found),
            Err(refused) => {
                denial.get_or_insert(refused);
            }
        }
    }
    match denial {
        Some(denial) if candidates.is_empty() => Err(denial),
        _ => Ok(Permit::new(
            caller.clone(),
            Arc::clone(snapshot.platform()),
            candidates,
            (layers.effective(ask), layers.quotas()),
        )),
    }
}

/// Every model `caller` could use at `now` by a request that names it and says nothing else, sorted by slug.
///
/// # Errors
/// [`Denial::Broken`] when every request would be refused.
pub fn offers(snapshot: &PolicySnapshot, caller: &Caller, now: Timestamp) -> Result<Vec<Offer>, Denial> {
    let layers = Layers::of(snapshot.platform(), caller)?;
    let mut offers = Vec::new();
    for entry in snapshot.platform().entries() {
        let ask = Ask::new(entry.model.kind, Some(&entry.model.slug), 0);
        let decision = Decision { layers: &layers, ask: &ask, requested: &[], now };
        let Ok(mut candidates) = decision.permitted(entry) else { continue };
        select::by_price(ask.kind, &mut candidates);
        offers.push(Offer { model: Arc::clone(&entry.model), candidates });
    }
    offers.sort_by(|one, other| one.model.slug.cmp(&other.model.slug));
    Ok(offers)
}

fn requested_models<'a>(layers: &Layers<'a>, ask: &Ask<'a>) -> Result<Vec<&'a str>, Denial> {
    if ask.models.len() > MAX_MODELS {
        return Err(Denial::TooManyModels { max: MAX_MODELS });
    }
    let mut requested: Vec<&str> = Vec::new();
    for name in ask.model.into_iter().chain(ask.models.iter().map(String::as_str)) {
        if !requested.contains(&name) {
            requested.push(name);
        }
    }
    if requested.is_empty() {
        requested.push(layers.default_model().ok_or(Denial::NoModel)?);
    }
    Ok(requested)
}

/// One decision while it is made.
struct Decision<'a> {
    layers: &'a Layers<'a>,
    ask: &'a Ask<'a>,
    requested: &'a [&'a str],
    now: Timestamp,
}

impl<'a> Decision<'a> {
    /// The candidates of one model, in the order they are to be tried.
    fn candidates(&self, name: &str) -> Result<Vec<Candidate>, Denial> {
        let entry = self
            .layers
            .platform()
            .entry(name)
            .ok_or_else(|| Denial::ModelNotFound { model: name.to_owned(), requested: self.requested() })?;
        let mut candidates = self.permitted(entry)?;
        select::order(self.ask, &mut candidates);
        Ok(candidates)
    }

    /// The candidates of one model, in no particular order; at least one.
    fn permitted(&self, entry: &CompiledModel) -> Result<Vec<Candidate>, Denial> {
        let slug = || entry.model.slug.clone();
        if entry.model.kind != self.ask.kind {
            return Err(Denial::WrongEndpoint {
                model: slug(),
                kind: entry.model.kind,
                requested: self.requested(),
            });
        }
        if let Some((rule, source)) = self.layers.forbids_model(&entry.folded) {
            let why = Why { rule, source: source.name() };
            return Err(Denial::ModelForbidden { model: slug(), why, requested: self.requested() });
        }
        let mut candidates = Vec::new();
        let mut excluded = Vec::new();
        for endpoint in &entry.endpoints {
            match self.candidate(entry, endpoint) {
                Ok(candidate) => candidates.push(candidate),
                Err((rule, source)) => excluded.push((endpoint, rule, source)),
            }
        }
        if !candidates.is_empty() {
            return Ok(candidates);
        }
        let exclusion = |(endpoint, rule, source): (&CompiledEndpoint, Rule, Source<'_>)| Exclusion {
            provider: endpoint.provider.slug.clone(),
            why: Why { rule, source: source.name() },
        };
        let excluded = excluded.into_iter().map(exclusion).collect();
        Err(Denial::NoEndpoint(Box::new(NoEndpoint { model: slug(), excluded, requested: self.requested() })))
    }

    /// The endpoint as a candidate, or the first rule that removes it and who set that rule.
    fn candidate(
        &self,
        entry: &CompiledModel,
        endpoint: &CompiledEndpoint,
    ) -> Result<Candidate, (Rule, Source<'a>)> {
        if let Some(removed) = self.layers.forbids_provider(&endpoint.folded_provider) {
            return Err(removed);
        }
        if let Some((rule, field)) = select::removes(&self.ask.provider, &endpoint.provider) {
            return Err((rule, Source::Request(field)));
        }
        let data_policy = &endpoint.endpoint.data_policy;
        if !data_policy.is_zdr() {
            self.layers.demands_zdr(self.ask).map_or(Ok(()), |source| Err((Rule::Zdr, source)))?;
        }
        if !data_policy.never_trains() {
            self.layers.forbids_training(self.ask).map_or(Ok(()), |source| Err((Rule::Training, source)))?;
        }
        let price = endpoint.price(self.now).ok_or((Rule::Price, Source::Platform))?;
        let credential = self.layers.credential(&endpoint.folded_provider);
        let credential = credential.ok_or((Rule::Credential, Source::Platform))?;
        Ok(Candidate {
            endpoint: Arc::clone(&endpoint.endpoint),
            provider: Arc::clone(&endpoint.provider),
            model: Arc::clone(&entry.model),
            price: Arc::clone(price),
            credential: Arc::clone(credential),
        })
    }

    fn requested(&self) -> Vec<String> {
        self.requested.iter().map(|name| (*name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests;
