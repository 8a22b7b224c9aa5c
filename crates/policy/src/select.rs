//! What a request says about providers, and the order its candidates are tried in.
//!
//! Invariant: the same candidates and the same seed give the same order, and only integers are compared: prices are
//! money.

use domain::model::{ModelKind, Provider};
use domain::{Pico, TokenClass};

use crate::decide::{Ask, ProviderAsk};
use crate::denial::Rule;
use crate::permit::Candidate;

/// What in the request removes a provider: the rule, and the field it is from.
pub(crate) fn removes(ask: &ProviderAsk<'_>, provider: &Provider) -> Option<(Rule, &'static str)> {
    let named = |names: &[String]| names.iter().any(|name| is_named(name, provider));
    if !ask.only.is_empty() && !named(ask.only) {
        return Some((Rule::AllowedProviders, "provider.only"));
    }
    if named(ask.ignore) {
        return Some((Rule::IgnoredProviders, "provider.ignore"));
    }
    let is_not_ordered = !ask.allow_fallbacks && !ask.order.is_empty() && !named(ask.order);
    is_not_ordered.then_some((Rule::Order, "provider.order"))
}

/// Puts one model's candidates into the order they are tried in: those with the organization's own credential first
/// (spec openrouter.md §8.7), then as `order` says; otherwise the first is drawn with weight 1/price² and the rest
/// follow by price (§9.2).
pub(crate) fn order(ask: &Ask<'_>, candidates: &mut Vec<Candidate>) {
    by_price(ask.kind, candidates);
    if ask.provider.order.is_empty() {
        draw_first(ask, candidates);
    } else {
        candidates.sort_by_key(|candidate| {
            let place = ask.provider.order.iter().position(|name| is_named(name, &candidate.provider));
            (!candidate.is_byok(), place.unwrap_or(usize::MAX))
        });
    }
    if !ask.provider.allow_fallbacks && ask.provider.order.is_empty() {
        candidates.truncate(1);
    }
}

/// Own credentials first, then the cheapest; unknown prices last.
pub(crate) fn by_price(kind: ModelKind, candidates: &mut [Candidate]) {
    candidates.sort_by_key(|candidate| {
        let price = price(kind, candidate);
        (!candidate.is_byok(), price.is_none(), price, candidate.endpoint.id)
    });
}

/// Whether `name` is the provider's slug, the base of its slug (`google-vertex` of `google-vertex/us-east5`) or its
/// display name.
fn is_named(name: &str, provider: &Provider) -> bool {
    let base = provider.slug.split_once('/').map(|(base, _)| base);
    let names = [Some(provider.slug.as_str()), base, Some(provider.name.as_str())];
    names.into_iter().flatten().any(|known| known.eq_ignore_ascii_case(name))
}

/// The price of one unit of input and one of output, below every tier; `None` where either is not known.
fn price(kind: ModelKind, candidate: &Candidate) -> Option<Pico> {
    let unit = |class| candidate.price.unit.get(class);
    match kind {
        ModelKind::Chat => unit(TokenClass::Input)?.plus(unit(TokenClass::Output)?),
        ModelKind::Embeddings => unit(TokenClass::Input),
    }
}

/// Among the candidates that share the first one's place (own credential or not), moves one to the front.
fn draw_first(ask: &Ask<'_>, candidates: &mut [Candidate]) {
    let Some(first) = candidates.first() else { return };
    let is_byok = first.is_byok();
    let known = |candidate: &&Candidate| candidate.is_byok() == is_byok;
    let peers = candidates.iter().take_while(known).map_while(|candidate| price(ask.kind, candidate));
    let weights = weights(&peers.collect::<Vec<_>>());
    let drawn = draw(&weights, ask.seed);
    if let Some(front) = candidates.get_mut(..=drawn) {
        front.rotate_right(1);
    }
}

/// 1/price², scaled to integers. The prices rise.
fn weights(prices: &[Pico]) -> Vec<u128> {
    let units = |price: &Pico| u128::from(price.get().max(1).unsigned_abs());
    let least = prices.first().map_or(1, units);
    // How many times as dear as the cheapest, in 1/2¹⁶; beyond 65536 times as dear it makes no difference.
    let ratio = |price: &Pico| ((units(price) << 16) / least).min(1 << 32);
    prices.iter().map(|price| (1 << 96) / (ratio(price) * ratio(price))).collect()
}

/// The index that `seed` draws; 0 when there is nothing to draw from.
fn draw(weights: &[u128], seed: u64) -> usize {
    let total: u128 = weights.iter().sum();
    if total == 0 {
        return 0;
    }
    let high = mix(seed);
    let mut rest = ((u128::from(high) << 64) | u128::from(mix(high))) % total;
    for (index, weight) in weights.iter().enumerate() {
        if rest < *weight {
            return index;
        }
        rest -= weight;
    }
    0
}

/// SplitMix64: spreads even a counter over all 64 bits.
fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests;
