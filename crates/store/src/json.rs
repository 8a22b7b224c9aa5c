//! The JSON columns: rules, prices, tags, draws, and what narrows a budget.
//!
//! Invariant: a document with a field missing, unknown or of another type is an error that names its row; but for `rates`,
//! which older rows lack, nothing here has a default, since a rule that is not read is a rule that does not hold.

use std::collections::BTreeMap;

use domain::limit::{BudgetFilter, Thresholds};
use domain::price::{PriceTier, UnitPrices};
use domain::{Amount, Pico, TokenClass};
use metering::usage::Draw;
use policy::record::{Rate, RateUnit, Rules, Unaffordable, UnknownPrice};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::column::Row;
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesDocument {
    #[serde(deserialize_with = "present")]
    allowed_models: Option<Vec<String>>,
    ignored_models: Vec<String>,
    #[serde(deserialize_with = "present")]
    allowed_providers: Option<Vec<String>>,
    ignored_providers: Vec<String>,
    zdr: bool,
    no_training: bool,
    #[serde(deserialize_with = "present")]
    output_cap: Option<u32>,
    #[serde(deserialize_with = "present")]
    unaffordable: Option<UnaffordableName>,
    #[serde(deserialize_with = "present")]
    unknown_price: Option<UnknownPriceName>,
    #[serde(deserialize_with = "present")]
    default_model: Option<String>,
    // Rows from before there were rates have none, and the release before reads rows without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rates: Vec<RateDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateDocument {
    unit: String,
    limit: u32,
    #[serde(deserialize_with = "present")]
    models: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnaffordableName {
    Clamp,
    Reject,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnknownPriceName {
    Ceiling,
    Block,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierDocument {
    above_prompt_tokens: u64,
    unit: BTreeMap<String, i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterDocument {
    models: Vec<String>,
    providers: Vec<String>,
    data_classes: Vec<String>,
    #[serde(deserialize_with = "present")]
    tag: Option<(String, String)>,
}

/// One budget an event drew on, and how much of its cost no lease covered, in pico-USD.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawDocument {
    budget: String,
    window: String,
    overrun: String,
}

/// An optional field that must be there: `null`, or a value.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads a policy's rules.
pub(crate) fn rules(place: Row<'_>, text: &str) -> Result<Rules, StoreError> {
    let document: RulesDocument = read(place, text)?;
    Ok(Rules {
        allowed_models: document.allowed_models,
        ignored_models: document.ignored_models,
        allowed_providers: document.allowed_providers,
        ignored_providers: document.ignored_providers,
        zdr: document.zdr,
        no_training: document.no_training,
        output_cap: document.output_cap,
        unaffordable: document.unaffordable.map(|name| match name {
            UnaffordableName::Clamp => Unaffordable::Clamp,
            UnaffordableName::Reject => Unaffordable::Reject,
        }),
        unknown_price: document.unknown_price.map(|name| match name {
            UnknownPriceName::Ceiling => UnknownPrice::Ceiling,
            UnknownPriceName::Block => UnknownPrice::Block,
        }),
        default_model: document.default_model,
        rates: document.rates.into_iter().map(|rate| read_rate(place, rate)).collect::<Result<_, _>>()?,
    })
}

fn read_rate(place: Row<'_>, RateDocument { unit, limit, models }: RateDocument) -> Result<Rate, StoreError> {
    Ok(Rate { unit: place.named(&unit, RateUnit::from_name)?, limit, models })
}

impl From<&Rate> for RateDocument {
    fn from(rate: &Rate) -> Self {
        Self { unit: rate.unit.name().to_owned(), limit: rate.limit, models: rate.models.clone() }
    }
}

/// A policy's rules as a document, for the audit log.
pub(crate) fn rules_value(rules: &Rules) -> Result<Value, StoreError> {
    let document = RulesDocument {
        allowed_models: rules.allowed_models.clone(),
        ignored_models: rules.ignored_models.clone(),
        allowed_providers: rules.allowed_providers.clone(),
        ignored_providers: rules.ignored_providers.clone(),
        zdr: rules.zdr,
        no_training: rules.no_training,
        output_cap: rules.output_cap,
        unaffordable: rules.unaffordable.map(|rule| match rule {
            Unaffordable::Clamp => UnaffordableName::Clamp,
            Unaffordable::Reject => UnaffordableName::Reject,
        }),
        unknown_price: rules.unknown_price.map(|rule| match rule {
            UnknownPrice::Ceiling => UnknownPriceName::Ceiling,
            UnknownPrice::Block => UnknownPriceName::Block,
        }),
        default_model: rules.default_model.clone(),
        rates: rules.rates.iter().map(RateDocument::from).collect(),
    };
    serde_json::to_value(document).map_err(|error| StoreError::Internal(Box::new(error)))
}

/// A policy's rules as a column.
pub(crate) fn rules_text(rules: &Rules) -> Result<String, StoreError> {
    Ok(rules_value(rules)?.to_string())
}

/// Reads unit prices: pico-USD per class; a class that is missing has no known price.
pub(crate) fn unit(place: Row<'_>, text: &str) -> Result<UnitPrices, StoreError> {
    unit_of(place, &read(place, text)?)
}

/// Unit prices as a column.
pub(crate) fn unit_text(unit: &UnitPrices) -> Result<String, StoreError> {
    write(&document_of(unit))
}

/// Reads price tiers.
pub(crate) fn tiers(place: Row<'_>, text: &str) -> Result<Vec<PriceTier>, StoreError> {
    let tiers: Vec<TierDocument> = read(place, text)?;
    let tier = |tier: TierDocument| {
        let unit = unit_of(place, &tier.unit)?;
        Ok(PriceTier { above_prompt_tokens: tier.above_prompt_tokens, unit })
    };
    tiers.into_iter().map(tier).collect()
}

/// Price tiers as a column.
pub(crate) fn tiers_text(tiers: &[PriceTier]) -> Result<String, StoreError> {
    let tier = |tier: &PriceTier| TierDocument {
        above_prompt_tokens: tier.above_prompt_tokens,
        unit: document_of(&tier.unit),
    };
    write(&tiers.iter().map(tier).collect::<Vec<_>>())
}

/// Reads what narrows a budget.
pub(crate) fn filter(place: Row<'_>, text: &str) -> Result<BudgetFilter, StoreError> {
    let FilterDocument { models, providers, data_classes, tag } = read(place, text)?;
    Ok(BudgetFilter { models, providers, data_classes, tag })
}

/// What narrows a budget as a column.
pub(crate) fn filter_text(filter: &BudgetFilter) -> Result<String, StoreError> {
    let BudgetFilter { models, providers, data_classes, tag } = filter.clone();
    write(&FilterDocument { models, providers, data_classes, tag })
}

/// Reads at what percentages notice is given.
pub(crate) fn thresholds(place: Row<'_>, text: &str) -> Result<Thresholds, StoreError> {
    Thresholds::new(&read::<Vec<u32>>(place, text)?).map_err(|error| place.problem(error))
}

/// The percentages as a column.
pub(crate) fn thresholds_text(thresholds: &Thresholds) -> Result<String, StoreError> {
    write(&thresholds.percentages())
}

/// One tag as it stands in a column of tags.
pub(crate) fn tag_text(tag: &(String, String)) -> Result<String, StoreError> {
    write(tag)
}

/// Reads tags.
pub(crate) fn tags(place: Row<'_>, text: &str) -> Result<Vec<(String, String)>, StoreError> {
    read(place, text)
}

/// Tags as a column.
pub(crate) fn tags_text(tags: &[(String, String)]) -> Result<String, StoreError> {
    write(&tags)
}

/// Reads the draws of an event, each with its overrun.
pub(crate) fn draws(place: Row<'_>, text: &str) -> Result<Vec<(Draw, Amount)>, StoreError> {
    let documents: Vec<DrawDocument> = read(place, text)?;
    let draw = |document: DrawDocument| {
        let draw = Draw { budget: place.parse(&document.budget)?, window: place.parse(&document.window)? };
        Ok((draw, Amount::from_pico(place.parse(&document.overrun)?)))
    };
    documents.into_iter().map(draw).collect()
}

/// The draws of an event as a column.
pub(crate) fn draws_text(draws: &[(Draw, Amount)]) -> Result<String, StoreError> {
    let document = |(draw, overrun): &(Draw, Amount)| DrawDocument {
        budget: draw.budget.to_string(),
        window: draw.window.to_string(),
        overrun: overrun.pico().to_string(),
    };
    write(&draws.iter().map(document).collect::<Vec<_>>())
}

fn unit_of(place: Row<'_>, document: &BTreeMap<String, i64>) -> Result<UnitPrices, StoreError> {
    let mut unit = UnitPrices::default();
    for (class, pico) in document {
        unit.set(place.named(class, TokenClass::from_name)?, Some(Pico::new(*pico)));
    }
    Ok(unit)
}

fn document_of(unit: &UnitPrices) -> BTreeMap<String, i64> {
    unit.iter().filter_map(|(class, price)| Some((class.name().to_owned(), price?.get()))).collect()
}

fn read<'a, T: Deserialize<'a>>(place: Row<'_>, text: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| place.problem(error))
}

pub(crate) fn write<T: Serialize>(document: &T) -> Result<String, StoreError> {
    serde_json::to_string(document).map_err(|error| StoreError::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests;
