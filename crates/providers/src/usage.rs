//! What providers say was used, brought into disjoint classes: one file per shape, and what they share.
//!
//! Invariant: nothing is guessed. A count that is negative, no integer or absurdly large makes the whole report absurd
//! and worth nothing; a count that is missing is not zero; a class is only ever subtracted from the class that contains
//! it, never below zero.

use domain::TokenUsage;
use serde_json::value::RawValue;

use crate::json::Fields;

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod openai;

pub(crate) use anthropic::AnthropicUsage;
pub(crate) use openai::{from_chat, from_embeddings};

/// No answer has a trillion tokens; larger counts are nonsense, and below it products with prices stay far from `i128`.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// What the provider reported of an attempt's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// The counts in disjoint classes; `None` where none (or only absurd ones) were reported, or one that is needed is
    /// missing. A reported zero is zero.
    pub usage: Option<TokenUsage>,
    /// Counts were reported that cannot be true: negative, not whole, or beyond a trillion.
    pub absurd: bool,
    /// The classes do not add up to the provider's own total.
    pub total_mismatch: bool,
}

/// How a provider writes its usage: the names of the counts, and which of them contain which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageShape {
    /// `usage` of OpenAI's chat completions and of every host compatible with them.
    OpenAiChat,
    /// `usage` of OpenAI's responses.
    OpenAiResponses,
    /// `usage` of OpenAI's images.
    OpenAiImages,
    /// `usage` of embeddings and reranking in OpenAI's shape, where there is nothing but input.
    OpenAiEmbeddings,
    /// `usage` of Anthropic's messages.
    Anthropic,
    /// `usageMetadata` of Gemini's `generateContent`.
    Gemini,
    /// `usage` of Bedrock's Converse.
    Bedrock,
    /// `usage` of Cohere's chat, `meta` of its embeddings and reranking.
    Cohere,
}

/// Reads one usage object, as the provider wrote it. What is no JSON object is absurd, but `null` is nothing.
#[must_use]
pub fn read_usage(shape: UsageShape, object: &str) -> Reported {
    let Ok(object) = serde_json::from_str::<&RawValue>(object) else { return Reported::ABSURD };
    match shape {
        UsageShape::OpenAiChat => from_chat(Some(object)),
        UsageShape::OpenAiResponses => read(Some(object), openai::responses),
        UsageShape::OpenAiImages => read(Some(object), openai::images),
        UsageShape::OpenAiEmbeddings => from_embeddings(Some(object)),
        UsageShape::Anthropic => read(Some(object), anthropic::whole),
        UsageShape::Gemini => read(Some(object), gemini::classes),
        UsageShape::Bedrock => read(Some(object), bedrock::classes),
        UsageShape::Cohere => read(Some(object), cohere::classes),
    }
}

/// A count that cannot be true.
struct Absurd;

/// Counts in disjoint classes, and whether they fail to add up to the provider's total.
type Classes = (TokenUsage, bool);

impl Reported {
    const ABSURD: Self = Self { usage: None, absurd: true, total_mismatch: false };

    fn from_result(read: Result<Option<Classes>, Absurd>) -> Self {
        match read {
            Ok(Some((usage, total_mismatch))) => Self { usage: Some(usage), absurd: false, total_mismatch },
            Ok(None) => Self::default(),
            Err(Absurd) => Self::ABSURD,
        }
    }
}

/// Reads `usage` with `classes`, which gives nothing where a count is missing.
fn read(
    usage: Option<&RawValue>,
    classes: impl FnOnce(&Fields<'_>) -> Result<Option<Classes>, Absurd>,
) -> Reported {
    let Some(raw) = usage.filter(|raw| raw.get() != "null") else { return Reported::default() };
    Reported::from_result(Fields::of(raw).ok_or(Absurd).and_then(|fields| classes(&fields)))
}

/// Prompt and completion. One of them may be left out: it is what the other leaves of their `total`.
fn both(prompt: Option<u64>, completion: Option<u64>, total: Option<u64>) -> Option<(u64, u64)> {
    match (prompt, completion, total) {
        (Some(prompt), Some(completion), _) => Some((prompt, completion)),
        (Some(prompt), None, Some(total)) => Some((prompt, total.saturating_sub(prompt))),
        (None, Some(completion), Some(total)) => Some((total.saturating_sub(completion), completion)),
        _ => None,
    }
}

/// Cache writes by lifetime, five minutes and an hour, that add up to `written`.
///
/// The split may be missing, or be older than the sum: what it leaves over is of the longer lifetime where that is in
/// use, which is the dearer.
fn by_lifetime(written: u64, five_minutes: u64, hour: u64) -> (u64, u64) {
    let rest = written.saturating_sub(five_minutes + hour);
    if hour > 0 { (five_minutes, hour + rest) } else { (five_minutes + rest, hour) }
}

/// Whether the classes of `usage` fail to add up to `total`; nothing fails where the provider gave none.
fn is_torn(usage: &TokenUsage, total: Option<u64>) -> bool {
    total.is_some_and(|total| usage.prompt_tokens() + usage.completion_tokens() != total)
}

fn details<'a>(usage: &Fields<'a>, name: &str) -> Result<Fields<'a>, Absurd> {
    match usage.present(name) {
        None => Ok(Fields::default()),
        Some(raw) => Fields::of(raw).ok_or(Absurd),
    }
}

/// The elements of a list of objects; none where it is missing.
fn list<'a>(usage: &Fields<'a>, name: &str) -> Result<Vec<Fields<'a>>, Absurd> {
    let Some(raw) = usage.present(name) else { return Ok(Vec::new()) };
    serde_json::from_str(raw.get()).map_err(|_| Absurd)
}

fn count(usage: &Fields<'_>, name: &str) -> Result<Option<u64>, Absurd> {
    let Some(raw) = usage.present(name) else { return Ok(None) };
    let count: u64 = raw.get().parse().map_err(|_| Absurd)?;
    within(count).map(Some)
}

/// The first of `names` that is there.
fn first(usage: &Fields<'_>, names: &[&str]) -> Result<Option<u64>, Absurd> {
    for name in names {
        if let Some(count) = count(usage, name)? {
            return Ok(Some(count));
        }
    }
    Ok(None)
}

/// The sum of many counts, which may be as absurd as one.
fn sum(counts: impl IntoIterator<Item = Result<Option<u64>, Absurd>>) -> Result<u64, Absurd> {
    counts.into_iter().try_fold(0_u64, |sum, count| within(sum + count?.unwrap_or(0)))
}

fn within(count: u64) -> Result<u64, Absurd> {
    if count > MOST_TOKENS { Err(Absurd) } else { Ok(count) }
}

#[cfg(test)]
mod tests;
