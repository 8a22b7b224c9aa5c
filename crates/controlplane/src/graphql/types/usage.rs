//! A usage event as finance reads it.
//!
//! Invariant: shows what was stamped at the moment of the attempt, never what is true of a team or key now.

use async_graphql::{Enum, ID, Object, SimpleObject};
use domain::{TokenClass, TokenUsage};
use metering::usage;

use crate::graphql::scalars::{Count, DateTime, Usd};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "metering::usage::Outcome")]
pub(crate) enum Outcome {
    /// The provider answered to the end.
    Answered,
    /// The provider refused or failed before it answered; nothing is owed.
    Failed,
    /// The provider's answer broke off after it had begun.
    Broken,
    /// The app left before the end.
    Cut,
    /// The node died meanwhile; what is owed lies between `streamed` and `reserved`.
    Interrupted,
}

/// Where the usage of an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "metering::usage::UsageSource")]
pub(crate) enum UsageSource {
    /// The provider said it.
    Provider,
    /// Counted with the model's tokenizer.
    Counted,
    /// Estimated from sizes.
    Estimated,
}

/// Units per class; a unit is counted in exactly one.
#[derive(SimpleObject)]
pub(crate) struct Units {
    input: Count,
    cached_input: Count,
    #[graphql(name = "cacheWrite5m")]
    cache_write_5m: Count,
    #[graphql(name = "cacheWrite1h")]
    cache_write_1h: Count,
    output: Count,
    reasoning: Count,
    audio_input: Count,
    audio_output: Count,
    image_input: Count,
    image_output: Count,
    request: Count,
    tool_call: Count,
}

impl From<&TokenUsage> for Units {
    fn from(usage: &TokenUsage) -> Self {
        let of = |class| Count(usage.get(class));
        Self {
            input: of(TokenClass::Input),
            cached_input: of(TokenClass::CachedInput),
            cache_write_5m: of(TokenClass::CacheWrite5m),
            cache_write_1h: of(TokenClass::CacheWrite1h),
            output: of(TokenClass::Output),
            reasoning: of(TokenClass::Reasoning),
            audio_input: of(TokenClass::AudioInput),
            audio_output: of(TokenClass::AudioOutput),
            image_input: of(TokenClass::ImageInput),
            image_output: of(TokenClass::ImageOutput),
            request: of(TokenClass::Request),
            tool_call: of(TokenClass::ToolCall),
        }
    }
}

/// A declared key-value pair.
#[derive(SimpleObject)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// One attempt at one provider with what it came to: the only billing fact.
pub(crate) struct UsageEvent(pub(crate) usage::UsageEvent);

#[Object]
impl UsageEvent {
    /// `request.attempt`
    pub(crate) async fn id(&self) -> ID {
        self.0.attempt.id.to_string().into()
    }

    /// The id the app saw.
    async fn generation_id(&self) -> String {
        self.0.attempt.id.request.generation()
    }

    async fn attempt(&self) -> i32 {
        i32::from(self.0.attempt.id.attempt)
    }

    async fn key_id(&self) -> ID {
        self.0.attempt.attribution.key.to_string().into()
    }

    async fn team_id(&self) -> Option<ID> {
        self.0.attempt.attribution.team.map(|team| team.to_string().into())
    }

    async fn member_id(&self) -> Option<ID> {
        self.0.attempt.attribution.member.map(|member| member.to_string().into())
    }

    async fn cost_centre(&self) -> Option<&str> {
        self.0.attempt.attribution.cost_centre.as_deref()
    }

    /// The app, from `X-Title` or `HTTP-Referer`.
    async fn app(&self) -> Option<&str> {
        self.0.attempt.attribution.app.as_deref()
    }

    /// The app's end user, from `user`.
    async fn end_user(&self) -> Option<&str> {
        self.0.attempt.attribution.end_user.as_deref()
    }

    async fn tags(&self) -> Vec<Tag> {
        let tags = &self.0.attempt.attribution.tags;
        tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
    }

    async fn requested_model(&self) -> &str {
        &self.0.attempt.requested_model
    }

    async fn model(&self) -> &str {
        &self.0.attempt.model
    }

    /// The provider's slug.
    async fn provider(&self) -> &str {
        &self.0.attempt.provider
    }

    /// Whether the organization's own credential was used.
    async fn byok(&self) -> bool {
        self.0.attempt.byok.is_some()
    }

    /// Whether zero data retention was required.
    async fn zdr(&self) -> bool {
        self.0.attempt.zdr
    }

    async fn stream(&self) -> bool {
        self.0.attempt.stream
    }

    async fn price_version_id(&self) -> ID {
        self.0.attempt.price_version.to_string().into()
    }

    async fn outcome(&self) -> Outcome {
        self.0.settlement.outcome.into()
    }

    /// The provider's HTTP status; 0 when there was none.
    async fn status(&self) -> i32 {
        i32::from(self.0.settlement.status)
    }

    async fn usage(&self) -> Units {
        Units::from(&self.0.settlement.usage)
    }

    async fn usage_source(&self) -> UsageSource {
        self.0.settlement.usage_source.into()
    }

    /// What is charged.
    async fn cost(&self) -> Usd {
        self.0.settlement.cost.into()
    }

    /// The least it can have cost: what was seen of the answer.
    async fn streamed(&self) -> Usd {
        self.0.settlement.streamed.into()
    }

    /// Beyond `cost`, what it may still turn out to owe; counts as spent.
    async fn suspense(&self) -> Usd {
        self.0.settlement.suspense.into()
    }

    /// The bound on its cost that was reserved.
    async fn reserved(&self) -> Usd {
        self.0.attempt.reserved.into()
    }

    /// What finance should look at.
    async fn flags(&self) -> Vec<&'static str> {
        self.0.settlement.flags.names().collect()
    }

    async fn finish_reason(&self) -> Option<&str> {
        self.0.settlement.finish_reason.as_deref()
    }

    async fn admitted_at(&self) -> DateTime {
        self.0.attempt.admitted_at.into()
    }

    async fn first_byte_at(&self) -> Option<DateTime> {
        self.0.settlement.first_byte_at.map(DateTime)
    }

    async fn ended_at(&self) -> DateTime {
        self.0.settlement.ended_at.into()
    }
}
