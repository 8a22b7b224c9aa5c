//! The catalogue: providers, models and the endpoints where a model can be reached.
//!
//! Invariant: zero retention is believed only with evidence and a date; whatever is not known counts as retained.

use crate::id::EndpointId;
use crate::price::PriceVersion;
use crate::time::Timestamp;

/// The wire a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions and embeddings, and every compatible host.
    OpenAi,
    /// Anthropic messages.
    Anthropic,
}

impl Dialect {
    /// `openai` or `anthropic`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The dialect with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::OpenAi, Self::Anthropic].into_iter().find(|dialect| dialect.name() == name)
    }
}

/// A company or installation that serves models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What requests and policies call it, e.g. `openai`.
    pub slug: String,
    /// What people call it, e.g. `OpenAI`; the `provider` of an answer.
    pub name: String,
    /// The wire it speaks.
    pub dialect: Dialect,
    /// Where its API begins, version segment included and without a final slash, e.g. `https://api.openai.com/v1`.
    pub base_url: String,
}

/// What a model is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelKind {
    /// Chat completions.
    Chat,
    /// Embeddings.
    Embeddings,
}

impl ModelKind {
    /// `chat` or `embeddings`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }

    /// The kind with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Chat, Self::Embeddings].into_iter().find(|kind| kind.name() == name)
    }
}

/// A model, wherever it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// `author/slug`, e.g. `anthropic/claude-sonnet-4.5`.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is called for.
    pub kind: ModelKind,
    /// Prompt and completion tokens together, at most.
    pub context_length: u32,
    /// When it was published.
    pub created: Timestamp,
}

/// Whether a provider keeps what is sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retention {
    /// Zero data retention, recorded with evidence.
    Zero {
        /// Where the promise is written.
        evidence_url: String,
        /// When somebody last read it there.
        checked_at: Timestamp,
    },
    /// Not known, which counts as retained.
    Unknown,
    /// Known to be retained.
    Retained,
}

/// What a provider does with what an endpoint is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPolicy {
    /// Whether it is kept.
    pub retention: Retention,
    /// Whether models may be trained on it; `None` where not known, which counts as yes.
    pub trains: Option<bool>,
}

impl DataPolicy {
    /// Whether zero retention is recorded with evidence.
    #[must_use]
    pub const fn is_zdr(&self) -> bool {
        matches!(self.retention, Retention::Zero { .. })
    }

    /// Whether training on what is sent is ruled out.
    #[must_use]
    pub const fn never_trains(&self) -> bool {
        matches!(self.trains, Some(false))
    }
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its identity; usage events name it.
    pub id: EndpointId,
    /// The model's slug.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// What the provider calls the model, e.g. `claude-sonnet-4-5`.
    pub upstream_model: String,
    /// Most completion tokens one answer can have.
    pub max_output_tokens: u32,
    /// What happens to what is sent there.
    pub data_policy: DataPolicy,
    /// Its price versions, in no particular order.
    pub prices: Vec<PriceVersion>,
}
