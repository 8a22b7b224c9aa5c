//! What an app is sent back: whose name an answer carries, what it cost, and a whole answer between reading its usage
//! and writing its body.
//!
//! Invariant: money is written digit for digit from the integer; it never passes through a float.

use bytes::Bytes;
use domain::{Pico, TokenClass, TokenUsage};

use crate::json::ObjectWriter;
use crate::openai::text_of_choices;
use crate::text::Text;
use crate::usage::Reported;

/// What every chunk and the body of an answer say of where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerContext {
    /// The generation id, e.g. `gen-1790000000-…`.
    pub id: String,
    /// When the request was admitted, in seconds since 1970; used where the provider does not say.
    pub created: i64,
    /// The slug of the model that answers, e.g. `anthropic/claude-sonnet-4.5`.
    pub model: String,
    /// The provider's display name, e.g. `OpenAI`.
    pub provider: String,
    /// The app wants the model to think, but not to see it: [`ChatRequest::excludes_reasoning`].
    ///
    /// [`ChatRequest::excludes_reasoning`]: crate::ChatRequest::excludes_reasoning
    pub exclude_reasoning: bool,
}

/// The `usage` of an answer: what was used and what it was charged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// What was used.
    pub usage: TokenUsage,
    /// What the organization is charged.
    pub cost: Pico,
    /// The part of [`cost`](Self::cost) for the prompt, where it is told apart.
    pub prompt_cost: Option<Pico>,
    /// The part of [`cost`](Self::cost) for the completion, where it is told apart.
    pub completion_cost: Option<Pico>,
    /// The credential was the organization's own.
    pub is_byok: bool,
    /// What the provider itself charges the organization, where the credential is its own.
    pub upstream_cost: Option<Pico>,
}

impl Bill {
    /// The `usage` object, in OpenRouter's shape (`finish`ed JSON text). `with_completion` is false for embeddings.
    pub(crate) fn to_json(self, with_completion: bool) -> Vec<u8> {
        let count = |class| self.usage.get(class).to_string();
        let cache_writes =
            self.usage.get(TokenClass::CacheWrite5m) + self.usage.get(TokenClass::CacheWrite1h);
        let (prompt, completion) = (self.usage.prompt_tokens(), self.usage.completion_tokens());
        let mut usage = ObjectWriter::new();
        usage.raw("prompt_tokens", &prompt.to_string());
        if with_completion {
            usage.raw("completion_tokens", &completion.to_string());
        }
        usage.raw("total_tokens", &prompt.saturating_add(completion).to_string());
        let mut details = ObjectWriter::new();
        details.raw("cached_tokens", &count(TokenClass::CachedInput));
        details.raw("cache_write_tokens", &cache_writes.to_string());
        details.raw("audio_tokens", &count(TokenClass::AudioInput));
        usage.raw_bytes("prompt_tokens_details", &details.finish());
        if with_completion {
            let mut details = ObjectWriter::new();
            details.raw("reasoning_tokens", &count(TokenClass::Reasoning));
            details.raw("audio_tokens", &count(TokenClass::AudioOutput));
            details.raw("image_tokens", &count(TokenClass::ImageOutput));
            usage.raw_bytes("completion_tokens_details", &details.finish());
        }
        usage.raw("cost", &self.cost.to_string());
        usage.raw("is_byok", if self.is_byok { "true" } else { "false" });
        usage.raw_bytes("cost_details", &self.cost_details());
        usage.finish()
    }

    fn cost_details(self) -> Vec<u8> {
        let digits = |cost: Option<Pico>| cost.map_or_else(|| "null".to_owned(), |cost| cost.to_string());
        let mut details = ObjectWriter::new();
        details.raw("upstream_inference_cost", &digits(self.upstream_cost));
        if self.prompt_cost.is_some() || self.completion_cost.is_some() {
            details.raw("upstream_inference_prompt_cost", &digits(self.prompt_cost));
            details.raw("upstream_inference_completions_cost", &digits(self.completion_cost));
        }
        details.finish()
    }
}

/// A whole answer that has been read and not yet been written. Holds content: no `Debug`.
pub struct Answer {
    /// What was used, as far as the provider says so.
    pub reported: Reported,
    /// Why the first choice ended: `stop`, `length`, `tool_calls`, `content_filter` or `error`. `None` for embeddings.
    pub finish_reason: Option<&'static str>,
    /// Bytes of text, reasoning and tool arguments of all choices, to estimate by where the provider reports no usage.
    pub text_bytes: u64,
    /// Fields of the body in order, without those that are rewritten.
    pub(crate) rest: Vec<(String, Bytes)>,
    pub(crate) kind: AnswerKind,
}

/// Which head an answer is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Chat,
    Embeddings,
}

impl Answer {
    /// What it says, each choice a piece of its own; of thinking that the app does not want, the length alone.
    #[must_use]
    pub fn text(&self) -> Text {
        let choices = self.rest.iter().find(|(name, _)| self.kind == AnswerKind::Chat && name == "choices");
        choices.map(|(_, choices)| text_of_choices(choices)).unwrap_or_default().with_bytes(self.text_bytes)
    }

    /// The body: as the provider wrote it but for `id`, `model`, `provider` and `usage`.
    #[must_use]
    pub fn write(&self, context: &AnswerContext, bill: &Bill) -> Bytes {
        let is_chat = self.kind == AnswerKind::Chat;
        let mut body = ObjectWriter::with_capacity(self.rest.iter().map(|(_, value)| value.len() + 32).sum());
        body.string("id", &context.id);
        if is_chat {
            body.raw("object", "\"chat.completion\"");
        } else {
            body.raw("object", "\"list\"");
        }
        if is_chat && !self.rest.iter().any(|(name, _)| name == "created") {
            body.raw("created", &context.created.to_string());
        }
        body.string("model", &context.model);
        body.string("provider", &context.provider);
        if is_chat && !self.rest.iter().any(|(name, _)| name == "system_fingerprint") {
            body.raw("system_fingerprint", "null");
        }
        for (name, value) in &self.rest {
            body.raw_bytes(name, value);
        }
        body.raw_bytes("usage", &bill.to_json(is_chat));
        Bytes::from(body.finish())
    }
}

#[cfg(test)]
mod tests;
