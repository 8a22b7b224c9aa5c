//! What a file of prices changes: worked out before anything is written, shown, then written.
//!
//! Invariant: a version is only planned where it begins after all that its endpoint has; the ceiling never falls below a
//! price.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::bail;
use domain::model::{Endpoint, Model, Provider};
use domain::price::{self, PriceTier, PriceVersion, UnitPrices};
use domain::{Pico, Timestamp, TokenClass};
use policy::record::PlatformRecords;
use store::{PlatformTx, StoreError};

use crate::catalogue::{Catalogue, is_same, name_of, usd_per_million};

/// What is to be done.
pub(crate) struct Plan {
    from: Timestamp,
    providers: Vec<Provider>,
    models: Vec<Model>,
    added: Vec<Endpoint>,
    changes: Vec<Change>,
    unchanged: usize,
    ceiling: UnitPrices,
    old_ceiling: UnitPrices,
}

/// A new price version of an endpoint that is there.
struct Change {
    endpoint: Endpoint,
    version: PriceVersion,
    source: String,
}

impl Plan {
    /// Compares `file` with what applies at `from`.
    ///
    /// # Errors
    /// A sentence for each endpoint that cannot have these prices from then on, or that has no model or provider.
    pub(crate) fn make(held: &PlatformRecords, file: Catalogue, from: Timestamp) -> anyhow::Result<Self> {
        let is_new_provider = |new: &Provider| !held.providers.iter().any(|known| known.slug == new.slug);
        let is_new_model = |new: &Model| !held.models.iter().any(|known| known.slug == new.slug);
        let Catalogue { providers, models, endpoints, ceiling, mut sources } = file;
        let mut plan = Self {
            from,
            providers: providers.into_iter().filter(is_new_provider).collect(),
            models: models.into_iter().filter(is_new_model).collect(),
            added: Vec::new(),
            changes: Vec::new(),
            unchanged: 0,
            ceiling: held.ceiling,
            old_ceiling: held.ceiling,
        };
        plan.raise_ceiling(&ceiling);
        let mut refused = Vec::new();
        for endpoint in endpoints {
            let source = sources.remove(&endpoint.id).unwrap_or_default();
            if let Err(reason) = plan.add(held, endpoint, source) {
                refused.push(reason);
            }
        }
        if refused.is_empty() { Ok(plan) } else { bail!("{}", refused.join("\n")) }
    }

    fn add(&mut self, held: &PlatformRecords, new: Endpoint, source: String) -> Result<(), String> {
        let Some(known) = held.endpoints.iter().find(|known| is_same(known, &new)) else {
            self.check_parents(held, &new)?;
            for version in &new.prices {
                self.raise_to(version);
            }
            self.added.push(new);
            return Ok(());
        };
        for version in new.prices {
            let applies = price::valid_at(&known.prices, self.from);
            if applies.is_some_and(|old| old.unit == version.unit && old.tiers == version.tiers) {
                self.unchanged += 1;
                continue;
            }
            price::can_follow(&known.prices, version.effective_from)
                .map_err(|reason| format!("{}: {reason}", name_of(known)))?;
            self.raise_to(&version);
            self.changes.push(Change { endpoint: known.clone(), version, source: source.clone() });
        }
        Ok(())
    }

    fn check_parents(&self, held: &PlatformRecords, new: &Endpoint) -> Result<(), String> {
        let has_model = held.models.iter().chain(&self.models).any(|model| model.slug == new.model);
        let mut providers = held.providers.iter().chain(&self.providers);
        if !has_model {
            return Err(format!(
                "{}: there is no such model; the file can add it as [[model]]",
                name_of(new)
            ));
        }
        if !providers.any(|provider| provider.slug == new.provider) {
            return Err(format!(
                "{}: there is no such provider; the file can add it as [[provider]]",
                name_of(new)
            ));
        }
        Ok(())
    }

    fn raise_to(&mut self, version: &PriceVersion) {
        self.raise_ceiling(&version.unit);
        for tier in &version.tiers {
            self.raise_ceiling(&tier.unit);
        }
    }

    fn raise_ceiling(&mut self, unit: &UnitPrices) {
        for (class, price) in unit.iter() {
            self.ceiling.set(class, self.ceiling.get(class).max(price));
        }
    }

    /// Writes it, without committing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn write(&self, tx: &mut PlatformTx) -> Result<(), StoreError> {
        for provider in &self.providers {
            tx.put_provider(provider).await?;
        }
        for model in &self.models {
            tx.put_model(model).await?;
        }
        for endpoint in &self.added {
            tx.put_endpoint(endpoint).await?;
        }
        for Change { endpoint, version, source } in &self.changes {
            tx.add_price(endpoint.id, version, source).await?;
        }
        if self.ceiling != self.old_ceiling {
            tx.set_ceiling(&self.ceiling).await?;
        }
        Ok(())
    }
}

/// US dollars per million units, old and new.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "prices from {}, in US dollars per million", self.from)?;
        for Change { endpoint, version, .. } in &self.changes {
            writeln!(f, "\n~ {}", name_of(endpoint))?;
            difference(f, price::valid_at(&endpoint.prices, self.from), version)?;
        }
        for endpoint in &self.added {
            writeln!(f, "\n+ {}", name_of(endpoint))?;
            for version in &endpoint.prices {
                difference(f, None, version)?;
            }
        }
        if self.ceiling != self.old_ceiling {
            writeln!(f, "\n~ the ceiling, which an unknown price counts as under a hard budget")?;
            rows(f, "", &self.old_ceiling, &self.ceiling)?;
        }
        let (changed, added, unchanged) = (self.changes.len(), self.added.len(), self.unchanged);
        writeln!(f, "\nendpoints: {changed} changed, {added} new, {unchanged} unchanged")
    }
}

fn difference(
    f: &mut fmt::Formatter<'_>,
    before: Option<&PriceVersion>,
    after: &PriceVersion,
) -> fmt::Result {
    let nothing = UnitPrices::default();
    let old_tiers: &[PriceTier] = before.map_or(&[], |before| before.tiers.as_slice());
    rows(f, "", before.map_or(&nothing, |before| &before.unit), &after.unit)?;
    let tiers = old_tiers.iter().chain(&after.tiers);
    let thresholds: BTreeSet<u64> = tiers.map(|tier| tier.above_prompt_tokens).collect();
    for above in thresholds {
        let of = |tiers: &[PriceTier]| {
            tiers.iter().find(|tier| tier.above_prompt_tokens == above).map_or(nothing, |tier| tier.unit)
        };
        rows(f, &format!(" above {above} prompt tokens"), &of(old_tiers), &of(&after.tiers))?;
    }
    Ok(())
}

fn rows(f: &mut fmt::Formatter<'_>, place: &str, before: &UnitPrices, after: &UnitPrices) -> fmt::Result {
    for class in TokenClass::ALL {
        let name = class.name();
        match (before.get(class), after.get(class)) {
            (Some(old), Some(new)) if old != new => {
                let (from, to) = (usd_per_million(old), usd_per_million(new));
                writeln!(f, "    {name}{place}: {from} -> {to} ({})", percent(old, new))?;
            }
            (None, Some(new)) => writeln!(f, "    {name}{place}: none -> {}", usd_per_million(new))?,
            (Some(old), None) => writeln!(f, "    {name}{place}: {} -> none", usd_per_million(old))?,
            _ => {}
        }
    }
    Ok(())
}

/// By how much a price rises or falls, rounded to a tenth of a per cent.
fn percent(old: Pico, new: Pico) -> String {
    let (old, new) = (i128::from(old.get()), i128::from(new.get()));
    if old <= 0 {
        return "was free".to_owned();
    }
    let sign = if new < old { '-' } else { '+' };
    let tenths = ((new - old).abs() * 2_000 + old) / (2 * old);
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}
