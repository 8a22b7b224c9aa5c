//! The most an attempt can cost, before it is made.
//!
//! Invariant: while the provider keeps to its own context length and to the output cap it was sent, and names no class
//! the price version does not know, the true cost is never above [`Bound::reserved`].

use domain::price::{PriceVersion, UnitPrices};
use domain::{Amount, Pico, TokenClass};

use crate::price::{Overflow, unit_price};

/// Tokens that a chat template may put around a whole prompt.
const TEMPLATE_TOKENS: u64 = 64;
/// Tokens that a chat template may put around one message.
const MESSAGE_TOKENS: u64 = 16;
/// Tokens of the instructions a provider adds when there are tools; the largest published figure is below 900.
/// <https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview#pricing>
const TOOL_PROMPT_TOKENS: u64 = 1024;
/// Tokens that may be put around the definition of one tool.
const TOOL_TOKENS: u64 = 32;

const OUTPUT_CLASSES: [TokenClass; 4] =
    [TokenClass::Output, TokenClass::Reasoning, TokenClass::AudioOutput, TokenClass::ImageOutput];
const CACHE_CLASSES: [TokenClass; 3] =
    [TokenClass::CachedInput, TokenClass::CacheWrite5m, TokenClass::CacheWrite1h];
const MEDIA_CLASSES: [TokenClass; 2] = [TokenClass::AudioInput, TokenClass::ImageInput];

/// What decides how much a request can cost. Numbers that are too large only make the bound larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Bytes of everything that counts as prompt. The whole JSON body will do: an escape is never shorter than the
    /// UTF-8 it stands for.
    pub body_bytes: u64,
    /// How many messages (or embedding inputs) the prompt has.
    pub messages: u32,
    /// How many tools and response schemas the prompt has.
    pub tools: u32,
    /// Images, audio or files, whose tokens no byte count bounds.
    pub media: MediaTokens,
    /// Whether the request asks for prompt tokens to be written to the provider's cache.
    pub cache_writes: bool,
    /// The model's context length, in tokens.
    pub context_length: u32,
    /// The output cap that will be sent, in completion tokens; 0 for embeddings.
    pub output_cap: u32,
    /// How many answers are asked for (`n`); each may use the whole cap.
    pub choices: u32,
}

impl Ask {
    /// Whether the prompt has tokens of this class, as far as can be told.
    fn uses(&self, class: TokenClass) -> Use {
        use TokenClass::{AudioInput, CachedInput, ImageInput};
        match (class, self.media) {
            (AudioInput | ImageInput, MediaTokens::None) | (AudioInput, MediaTokens::AtMost(_)) => Use::Never,
            (AudioInput | ImageInput, MediaTokens::Unknown) => Use::Surely,
            (ImageInput | CachedInput, _) => Use::Perhaps,
            _ if self.cache_writes => Use::Surely,
            _ => Use::Perhaps,
        }
    }
}

/// Whether a class is used.
enum Use {
    Never,
    /// Where the provider has a price for it.
    Perhaps,
    Surely,
}

/// How many tokens a prompt's images, audio and files make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaTokens {
    /// It has none.
    None,
    /// Images alone, and no more than this by the formula of their provider, who bills them as input.
    AtMost(u64),
    /// Nobody says: up to the context length, with the text.
    Unknown,
}

/// Why no bound can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError {
    /// A class the request will use has no price, not even a ceiling.
    #[error("the price of {} is not known", .0.name())]
    Unpriced(TokenClass),
    /// The request could cost more than one event can.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// The most an attempt can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    fixed: Pico,
    per_cap_token: Pico,
    output_cap: u32,
    reserved: Pico,
    at_ceiling: bool,
}

impl Bound {
    /// What to reserve, in pico-USD.
    #[must_use]
    pub const fn reserved(&self) -> Pico {
        self.reserved
    }

    /// The output cap the bound holds for; it must be sent to the provider.
    #[must_use]
    pub const fn output_cap(&self) -> u32 {
        self.output_cap
    }

    /// Whether the ceiling stood in for a price that is not known.
    #[must_use]
    pub const fn at_ceiling(&self) -> bool {
        self.at_ceiling
    }

    /// The same request with an output cap of `output_cap`: what an answer turns out to need beyond the one that was sent.
    /// `None` beyond what one event can cost.
    #[must_use]
    pub fn raised(&self, output_cap: u32) -> Option<Self> {
        let output_cap = output_cap.max(self.output_cap);
        let reserved = total(self.fixed, self.per_cap_token, output_cap).ok()?;
        Some(Self { output_cap, reserved, ..*self })
    }

    /// The same request with the largest output cap, at most the one asked for, that `available` covers. `None` when it
    /// does not cover the prompt and one token.
    #[must_use]
    pub fn clamped(&self, available: Amount) -> Option<Self> {
        if Amount::from(self.reserved) <= available {
            return Some(*self);
        }
        let left = available.pico().checked_sub(i128::from(self.fixed.get()))?;
        let affordable = left.checked_div(i128::from(self.per_cap_token.get()))?;
        let output_cap = u32::try_from(affordable).ok().filter(|cap| *cap > 0)?.min(self.output_cap);
        let reserved = total(self.fixed, self.per_cap_token, output_cap).ok()?;
        Some(Self { output_cap, reserved, ..*self })
    }
}

/// The most that `ask` can cost at `version`, in the dearest tier its prompt may reach.
///
/// The prompt is bounded by its bytes, because byte-level tokenizers never yield more tokens than bytes, plus what
/// templates add; it is priced at the dearest class it may become. With a `ceiling`, a price that is not known counts
/// as the ceiling's.
///
/// # Errors
/// [`EstimateError::Unpriced`] when the price of a class the request uses is not known and no ceiling stands in;
/// [`EstimateError::Overflow`] beyond about 9.2 million US dollars.
pub fn bound(
    ask: &Ask,
    version: &PriceVersion,
    ceiling: Option<&UnitPrices>,
) -> Result<Bound, EstimateError> {
    let prompt_tokens = prompt_tokens(ask);
    let reachable = version.tiers.iter().filter(|tier| prompt_tokens > tier.above_prompt_tokens);
    let units = std::iter::once(&version.unit).chain(reachable.map(|tier| &tier.unit));
    let mut dearest = Dearest::default();
    for unit in units {
        dearest.raise(ask, unit, ceiling)?;
    }
    let prompt = dearest.prompt.times(prompt_tokens).ok_or(Overflow)?;
    let fixed = prompt.plus(dearest.request).ok_or(Overflow)?;
    let per_cap_token = dearest.output.times(u64::from(ask.choices.max(1))).ok_or(Overflow)?;
    let reserved = total(fixed, per_cap_token, ask.output_cap)?;
    let Dearest { at_ceiling, .. } = dearest;
    Ok(Bound { fixed, per_cap_token, output_cap: ask.output_cap, reserved, at_ceiling })
}

fn prompt_tokens(ask: &Ask) -> u64 {
    let messages = MESSAGE_TOKENS * u64::from(ask.messages);
    let tools = if ask.tools == 0 { 0 } else { TOOL_PROMPT_TOKENS + TOOL_TOKENS * u64::from(ask.tools) };
    let text = ask.body_bytes.saturating_add(TEMPLATE_TOKENS + messages + tools);
    let whole = text.max(u64::from(ask.context_length));
    match ask.media {
        MediaTokens::None => text,
        MediaTokens::AtMost(tokens) => text.saturating_add(tokens).min(whole),
        MediaTokens::Unknown => whole,
    }
}

fn total(fixed: Pico, per_cap_token: Pico, output_cap: u32) -> Result<Pico, Overflow> {
    per_cap_token.times(u64::from(output_cap)).and_then(|output| fixed.plus(output)).ok_or(Overflow)
}

/// The dearest unit prices among the tiers a request may fall into.
#[derive(Default)]
struct Dearest {
    prompt: Pico,
    output: Pico,
    request: Pico,
    at_ceiling: bool,
}

impl Dearest {
    fn raise(
        &mut self,
        ask: &Ask,
        unit: &UnitPrices,
        ceiling: Option<&UnitPrices>,
    ) -> Result<(), EstimateError> {
        self.prompt = self.prompt.max(self.certain(TokenClass::Input, unit, ceiling)?);
        for class in CACHE_CLASSES.into_iter().chain(MEDIA_CLASSES) {
            let price = match ask.uses(class) {
                Use::Never => continue,
                Use::Perhaps => possible(class, unit),
                Use::Surely => self.certain(class, unit, ceiling)?,
            };
            self.prompt = self.prompt.max(price);
        }
        if ask.output_cap > 0 {
            self.output = self.output.max(self.certain(TokenClass::Output, unit, ceiling)?);
            let dearest = OUTPUT_CLASSES.into_iter().map(|class| possible(class, unit)).max();
            self.output = self.output.max(dearest.unwrap_or(Pico::ZERO));
        }
        self.request = self.request.max(possible(TokenClass::Request, unit));
        Ok(())
    }

    /// The price of a class that will be used.
    fn certain(
        &mut self,
        class: TokenClass,
        unit: &UnitPrices,
        ceiling: Option<&UnitPrices>,
    ) -> Result<Pico, EstimateError> {
        if let Some(price) = unit_price(unit, class) {
            return Ok(price);
        }
        self.at_ceiling = true;
        ceiling.and_then(|ceiling| unit_price(ceiling, class)).ok_or(EstimateError::Unpriced(class))
    }
}

/// The price of a class that a provider uses only where it has a price for it.
fn possible(class: TokenClass, unit: &UnitPrices) -> Pico {
    unit_price(unit, class).unwrap_or(Pico::ZERO)
}

#[cfg(test)]
mod tests;
