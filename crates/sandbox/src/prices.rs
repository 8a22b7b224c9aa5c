//! The sandbox's own price file, and the true cost of a call by it.
//!
//! Invariant: a price is parsed exactly or the sandbox does not start. Nothing here is rounded, because a
//! dollar per million tokens is a whole million pico-USD per token and six decimals are all the file may use.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tokens::Tokens;

const FILE: &str = include_str!("prices.toml");

/// Decimals of a dollar per million tokens that still give whole pico-USD per token.
const DECIMALS: usize = 6;

/// Why the price file was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PriceError {
    #[error("the price file is not valid: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("`{0}` is not a price in dollars with at most {DECIMALS} decimals")]
    Price(String),
}

/// Unit prices of one model in pico-USD per token. A class without a price does not exist for the model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prices {
    pub(crate) input: i64,
    pub(crate) cached_input: Option<i64>,
    pub(crate) cache_write_5m: Option<i64>,
    pub(crate) cache_write_1h: Option<i64>,
    pub(crate) output: Option<i64>,
}

impl Prices {
    /// What these tokens cost, in pico-USD. Reasoning is billed as output.
    pub(crate) fn cost_pico(&self, tokens: &Tokens) -> i128 {
        let classes = [
            (tokens.input, Some(self.input)),
            (tokens.cached_input, self.cached_input),
            (tokens.cache_write_5m, self.cache_write_5m),
            (tokens.cache_write_1h, self.cache_write_1h),
            (tokens.output, self.output),
            (tokens.reasoning, self.output),
        ];
        classes.iter().map(|(count, price)| i128::from(*count) * i128::from(price.unwrap_or(0))).sum()
    }
}

/// One model on one site.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The name customers use and the meter shows.
    pub(crate) name: String,
    /// The dated name in answers.
    pub(crate) served_as: String,
    /// Reasoning models refuse `max_tokens` and want `max_completion_tokens`.
    pub(crate) reasons: bool,
    pub(crate) prices: Prices,
}

/// Every model of every site.
#[derive(Debug)]
pub(crate) struct PriceList {
    sites: BTreeMap<String, Vec<Model>>,
}

impl PriceList {
    /// Reads the file that is compiled into the sandbox.
    pub(crate) fn embedded() -> Result<Self, PriceError> {
        Self::parse(FILE)
    }

    fn parse(text: &str) -> Result<Self, PriceError> {
        let rows: BTreeMap<String, BTreeMap<String, Row>> = toml::from_str(text)?;
        let mut sites = BTreeMap::new();
        for (site, models) in rows {
            let models: Result<Vec<Model>, PriceError> =
                models.into_iter().map(|(name, row)| row.into_model(name)).collect();
            sites.insert(site, models?);
        }
        Ok(Self { sites })
    }

    /// The models of a site, by name.
    pub(crate) fn models(&self, site: &str) -> &[Model] {
        self.sites.get(site).map_or(&[], Vec::as_slice)
    }

    /// The model of this name, plain or dated, on this site.
    pub(crate) fn model(&self, site: &str, name: &str) -> Option<&Model> {
        self.models(site).iter().find(|model| model.name == name || model.served_as == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    served_as: String,
    input: String,
    cached_input: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    output: Option<String>,
    #[serde(default)]
    reasons: bool,
}

impl Row {
    fn into_model(self, name: String) -> Result<Model, PriceError> {
        let optional = |text: &Option<String>| text.as_deref().map(pico_per_token).transpose();
        let prices = Prices {
            input: pico_per_token(&self.input)?,
            cached_input: optional(&self.cached_input)?,
            cache_write_5m: optional(&self.cache_write_5m)?,
            cache_write_1h: optional(&self.cache_write_1h)?,
            output: optional(&self.output)?,
        };
        Ok(Model { name, served_as: self.served_as, reasons: self.reasons, prices })
    }
}

/// Turns dollars per million tokens into pico-USD per token, exactly.
fn pico_per_token(dollars_per_million: &str) -> Result<i64, PriceError> {
    let refused = || PriceError::Price(dollars_per_million.to_owned());
    let (whole, decimals) = dollars_per_million.split_once('.').unwrap_or((dollars_per_million, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > DECIMALS {
        return Err(refused());
    }
    let digits = format!("{whole}{decimals:0<DECIMALS$}");
    digits.parse().map_err(|_| refused())
}

#[cfg(test)]
mod tests;
