//! What a request asks of the gateway itself: where it may go, how much to think, what it declares of its sender.
//!
//! Invariant: a filter that is not enforced is refused by name; ignoring it would break a promise.

use domain::Amount;
use serde_json::value::RawValue;

use crate::field::{BadRequest, flag, integer, object, one_of, read, short_text, texts};

const MAX_MODELS: usize = 8;
const MAX_METADATA_PAIRS: usize = 16;

/// The `provider` object of a request, as far as it is enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPrefs {
    /// Providers to try first, in this order.
    pub order: Vec<String>,
    /// If not empty: only these providers.
    pub only: Vec<String>,
    /// Never these providers.
    pub ignore: Vec<String>,
    /// Whether anything but the first choice (or [`order`](Self::order)) may be tried.
    pub allow_fallbacks: bool,
    /// `zdr`, if the request says.
    pub zdr: Option<bool>,
    /// `data_collection` is `deny`.
    pub no_training: bool,
}

impl Default for ProviderPrefs {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            only: Vec::new(),
            ignore: Vec::new(),
            allow_fallbacks: true,
            zdr: None,
            no_training: false,
        }
    }
}

impl ProviderPrefs {
    pub(crate) fn parse(raw: &RawValue) -> Result<Self, BadRequest> {
        let mut prefs = Self::default();
        for (name, value) in object(raw, "provider")?.iter().filter(|(_, value)| value.get() != "null") {
            let field = format!("provider.{}", crate::json::shown(name));
            match name {
                "order" => prefs.order = texts(value, &field)?,
                "only" => prefs.only = texts(value, &field)?,
                "ignore" => prefs.ignore = texts(value, &field)?,
                "allow_fallbacks" => prefs.allow_fallbacks = flag(value, &field)?,
                "zdr" => prefs.zdr = Some(flag(value, &field)?),
                "data_collection" => prefs.no_training = one_of(value, &field, &["allow", "deny"])? == "deny",
                // the default, which some clients spell out
                "require_parameters" if value.get() == "false" => {}
                _ => {
                    return Err(BadRequest::new(
                        field,
                        "not supported yet, and ignoring it could break a promise",
                    ));
                }
            }
        }
        Ok(prefs)
    }
}

/// Fields that change what a request costs, beside its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PricedFields {
    /// `service_tier`, unless it is `auto` or `default`.
    pub service_tier: Option<String>,
    /// Bytes of `prediction`: rejected parts of it are charged as output, up to as many tokens.
    pub prediction_bytes: u64,
    /// `modalities` asks for audio.
    pub audio_output: bool,
    /// `modalities` asks for images.
    pub image_output: bool,
    /// `web_search_options` or `x_search_filter`: the provider searches, and charges for it.
    pub web_search: bool,
}

/// How hard to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

impl Effort {
    const ALL: [(Self, &'static str, u32); 7] = [
        (Self::None, "none", 0),
        (Self::Minimal, "minimal", 10),
        (Self::Low, "low", 20),
        (Self::Medium, "medium", 50),
        (Self::High, "high", 80),
        (Self::XHigh, "xhigh", 95),
        (Self::Max, "max", 95),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(effort, ..)| *effort == self).map_or("medium", |(_, name, _)| name)
    }

    /// The part of `max_tokens` it may think for, in percent.
    pub(crate) fn percent(self) -> u32 {
        Self::ALL.into_iter().find(|(effort, ..)| *effort == self).map_or(50, |(.., percent)| percent)
    }

    /// The least effort whose part of `max_tokens` covers `budget`.
    pub(crate) fn covering(budget: u32, max_tokens: Option<u32>) -> Self {
        let Some(max_tokens) = max_tokens else { return Self::Medium };
        let covers = |percent: u32| u64::from(max_tokens) * u64::from(percent) >= u64::from(budget) * 100;
        let covering =
            Self::ALL.into_iter().find(|(effort, _, percent)| *effort != Self::None && covers(*percent));
        covering.map_or(Self::XHigh, |(effort, ..)| effort)
    }

    fn parse(raw: &RawValue, field: &str) -> Result<Self, BadRequest> {
        let names = Self::ALL.map(|(_, name, _)| name);
        let name = one_of(raw, field, &names)?;
        Ok(Self::ALL
            .into_iter()
            .find(|(_, known, _)| *known == name)
            .map_or(Self::Medium, |(effort, ..)| effort))
    }
}

/// `reasoning`, `reasoning_effort` and `include_reasoning` in one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reasoning {
    pub(crate) effort: Option<Effort>,
    pub(crate) max_tokens: Option<u32>,
    /// Thinking was asked for or ruled out, without saying how much.
    pub(crate) enabled: Option<bool>,
    pub(crate) exclude: bool,
}

impl Reasoning {
    pub(crate) fn read_object(&mut self, raw: &RawValue) -> Result<(), BadRequest> {
        let fields = object(raw, "reasoning")?;
        if let Some(raw) = fields.present("effort") {
            self.effort = Some(Effort::parse(raw, "reasoning.effort")?);
        }
        if let Some(raw) = fields.present("max_tokens") {
            self.max_tokens = Some(integer(raw, "reasoning.max_tokens", 1, u32::MAX)?);
        }
        if let Some(raw) = fields.present("enabled") {
            self.enabled = Some(flag(raw, "reasoning.enabled")?);
        }
        if let Some(raw) = fields.present("exclude") {
            self.exclude = flag(raw, "reasoning.exclude")?;
        }
        if self.effort.is_some() && self.max_tokens.is_some() {
            return Err(BadRequest::new("reasoning", "takes one of effort and max_tokens, not both"));
        }
        Ok(())
    }

    pub(crate) fn read_effort(&mut self, raw: &RawValue) -> Result<(), BadRequest> {
        let effort = Effort::parse(raw, "reasoning_effort")?;
        self.effort.get_or_insert(effort);
        Ok(())
    }

    pub(crate) fn read_include(&mut self, raw: &RawValue) -> Result<(), BadRequest> {
        if flag(raw, "include_reasoning")? {
            self.enabled.get_or_insert(true);
        } else {
            self.exclude = true;
        }
        Ok(())
    }

    /// The effort asked for, if thinking was asked for or ruled out at all; a budget counts against `max_tokens`.
    pub(crate) fn as_effort(self, max_tokens: Option<u32>) -> Option<Effort> {
        match (self.effort, self.max_tokens, self.enabled) {
            (_, _, Some(false)) => Some(Effort::None),
            (Some(effort), ..) => Some(effort),
            (None, Some(budget), _) => Some(Effort::covering(budget, max_tokens)),
            (None, None, Some(true)) => Some(Effort::Medium),
            (None, None, None) => None,
        }
    }
}

/// `models`: what to fall back to.
pub(crate) fn models(raw: &RawValue) -> Result<Vec<String>, BadRequest> {
    let models = texts(raw, "models")?;
    if models.len() > MAX_MODELS {
        return Err(BadRequest::new("models", "must have at most 8 models"));
    }
    Ok(models)
}

/// `metadata`: declared pairs, sorted by key.
pub(crate) fn metadata(raw: &RawValue) -> Result<Vec<(String, String)>, BadRequest> {
    let fields = object(raw, "metadata")?;
    let mut pairs = Vec::new();
    for (name, value) in fields.iter() {
        if name.chars().count() > 64 {
            return Err(BadRequest::new("metadata", "keys must have at most 64 characters"));
        }
        if name.contains('\0') {
            return Err(BadRequest::new("metadata", "keys must not have the character NUL"));
        }
        pairs.push((name.to_owned(), short_text(value, &format!("metadata.{name}"), 512)?));
    }
    if pairs.len() > MAX_METADATA_PAIRS {
        return Err(BadRequest::new("metadata", "must have at most 16 pairs"));
    }
    pairs.sort();
    Ok(pairs)
}

/// `max_cost`: US dollars, a number or a decimal string, read digit for digit.
pub(crate) fn max_cost(raw: &RawValue) -> Result<Amount, BadRequest> {
    let text: String = if raw.get().starts_with('"') {
        read(raw, "max_cost", "a decimal number of US dollars")?
    } else {
        raw.get().to_owned()
    };
    let amount: Option<Amount> = text.parse().ok();
    amount.filter(|amount| *amount > Amount::ZERO).ok_or_else(|| {
        BadRequest::new(
            "max_cost",
            "must be a positive decimal number of US dollars with at most 12 decimals",
        )
    })
}

#[cfg(test)]
mod tests;
