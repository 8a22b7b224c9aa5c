//! `GET /v1/generation?id=`: what one request came to, from the ledger.
//!
//! Invariant: committed events of the caller's own organization and nothing else; what they do not say is `null`. Tokens and
//! money are the sums over all attempts, so that they are what the organization is charged for.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::model::ModelKind;
use domain::{Amount, ErrorCode, RequestId, Timestamp, TokenClass, TokenUsage};
use metering::ports::GenerationRequest;
use metering::usage::{Outcome, UsageEvent};
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::ApiError;
use super::extract::{Authenticated, not_loaded};
use super::reads::{answer, away, number};
use crate::Deps;

const MICROS_PER_MILLI: i64 = 1_000;

/// OpenRouter's shape (spec: `GET /generation`).
#[derive(Serialize)]
struct Generation<'a> {
    id: String,
    request_id: String,
    created_at: String,
    model: &'a str,
    provider_name: &'a str,
    provider_responses: Vec<ProviderResponse<'a>>,
    api_type: &'static str,
    streamed: bool,
    cancelled: bool,
    is_byok: bool,
    finish_reason: Option<&'a str>,
    latency: Option<i64>,
    generation_time: Option<i64>,
    tokens_prompt: u64,
    tokens_completion: u64,
    native_tokens_prompt: u64,
    native_tokens_completion: u64,
    native_tokens_reasoning: u64,
    native_tokens_cached: u64,
    native_tokens_completion_images: u64,
    usage: Option<Box<RawValue>>,
    total_cost: Option<Box<RawValue>>,
    session_id: Option<&'a str>,
    external_user: Option<&'a str>,
    /// Some clients insist on a text.
    origin: &'a str,
    #[serde(flatten)]
    not_recorded: NotRecorded,
}

type Null = Option<()>;

/// What no event says; always `null`, because clients expect the fields.
#[derive(Default, Serialize)]
struct NotRecorded {
    router: Null,
    upstream_id: Null,
    data_region: Null,
    native_finish_reason: Null,
    moderation_latency: Null,
    num_media_prompt: Null,
    num_media_completion: Null,
    num_input_audio_prompt: Null,
    num_search_results: Null,
    num_fetches: Null,
    upstream_inference_cost: Null,
    cache_discount: Null,
    service_tier: Null,
    web_search_engine: Null,
    preset_id: Null,
    workspace_id: Null,
    app_id: Null,
    http_referer: Null,
    user_agent: Null,
    response_cache_source_id: Null,
}

/// One attempt.
#[derive(Serialize)]
struct ProviderResponse<'a> {
    /// What the provider was sent as `X-Client-Request-Id`.
    id: String,
    endpoint_id: String,
    provider_name: &'a str,
    model_permaslug: &'a str,
    status: Option<u16>,
    latency: i64,
    is_byok: bool,
    routed_service_tier: Null,
    outcome: &'static str,
    usage_source: &'static str,
    cost: Option<Box<RawValue>>,
}

/// Answers for a key of the organization that the request was charged to.
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    Authenticated(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let id = id(query.as_deref())
        .ok_or_else(|| ApiError::field("id", "say which generation: ?id=gen-…, as in X-Generation-Id"))?;
    // An id that was never given out is no other thing than one that nobody has used.
    let request = RequestId::from_generation(id).map_err(|_| not_there())?;
    let asked = GenerationRequest { org: caller.org_id(), request };
    let attempts = deps.reads.generation(asked).await.map_err(|error| away("a generation", &error))?;
    let snapshot = deps.cell.load().ok_or_else(not_loaded)?;
    let name = |slug| snapshot.platform().provider(slug).map(|provider| provider.name.as_str());
    answer(generation(&attempts, name).ok_or_else(not_there)?)
}

/// The query's `id`; ids have no characters that need to be escaped.
fn id(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("id=")).filter(|id| !id.is_empty())
}

/// The same for an id that does not exist, one of another organization, and one that is not committed yet.
fn not_there() -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "your organization's ledger has no generation with this id; one appears there, shortly after its answer has ended, \
         once its usage is in the ledger",
    )
}

/// `attempts` in order, with `name` for a provider's slug; `None` where there are none.
fn generation<'a>(
    attempts: &'a [UsageEvent],
    name: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<Generation<'a>> {
    let UsageEvent { attempt, settlement } = attempts.last()?;
    let named = |slug| name(slug).unwrap_or(slug);
    let usage = used(attempts);
    let cost: Amount = attempts.iter().map(|event| Amount::from(event.settlement.cost)).sum();
    let whose = &attempt.attribution;
    let first_byte = settlement.first_byte_at;
    Some(Generation {
        id: attempt.id.request.generation(),
        request_id: attempt.id.request.to_string(),
        created_at: attempt.admitted_at.to_string(),
        model: &attempt.model,
        provider_name: named(&attempt.provider),
        provider_responses: responses(attempts, named),
        api_type: match attempt.kind {
            ModelKind::Chat => "completions",
            ModelKind::Embeddings => "embeddings",
        },
        streamed: attempt.stream,
        // Without an error it ended because the app had left.
        cancelled: matches!(settlement.outcome, Outcome::Cut | Outcome::Failed) && settlement.error.is_none(),
        is_byok: attempt.byok.is_some(),
        finish_reason: settlement.finish_reason.as_deref(),
        latency: first_byte.map(|first| millis(attempt.admitted_at, first)),
        // A whole answer comes at once: how long it was made for is not known.
        generation_time: first_byte
            .filter(|_| attempt.stream)
            .map(|first| millis(first, settlement.ended_at)),
        tokens_prompt: usage.prompt_tokens(),
        tokens_completion: usage.completion_tokens(),
        native_tokens_prompt: usage.prompt_tokens(),
        native_tokens_completion: usage.completion_tokens(),
        native_tokens_reasoning: usage.get(TokenClass::Reasoning),
        native_tokens_cached: usage.get(TokenClass::CachedInput),
        native_tokens_completion_images: usage.get(TokenClass::ImageOutput),
        usage: number(cost),
        total_cost: number(cost),
        session_id: whose.session.as_deref(),
        external_user: whose.end_user.as_deref(),
        origin: whose.app.as_deref().unwrap_or_default(),
        not_recorded: NotRecorded::default(),
    })
}

/// One for each attempt; each begins where the one before ended.
fn responses<'a>(
    attempts: &'a [UsageEvent],
    named: impl Fn(&'a str) -> &'a str,
) -> Vec<ProviderResponse<'a>> {
    let mut since = None;
    let response = |UsageEvent { attempt, settlement }: &'a UsageEvent| {
        let began = since.replace(settlement.ended_at).unwrap_or(attempt.admitted_at);
        ProviderResponse {
            id: attempt.id.to_string(),
            endpoint_id: attempt.endpoint.to_string(),
            provider_name: named(&attempt.provider),
            model_permaslug: &attempt.model,
            status: Some(settlement.status).filter(|status| *status != 0),
            latency: millis(began, settlement.first_byte_at.unwrap_or(settlement.ended_at)),
            is_byok: attempt.byok.is_some(),
            routed_service_tier: None,
            outcome: settlement.outcome.name(),
            usage_source: settlement.usage_source.name(),
            cost: number(settlement.cost.into()),
        }
    };
    attempts.iter().map(response).collect()
}

/// The units of all attempts.
fn used(attempts: &[UsageEvent]) -> TokenUsage {
    attempts
        .iter()
        .flat_map(|event| event.settlement.usage.iter())
        .fold(TokenUsage::default(), |sum, (class, units)| {
            sum.with(class, sum.get(class).saturating_add(units))
        })
}

/// Whole milliseconds; none where a clock was put back.
fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.since_micros(from).max(0) / MICROS_PER_MILLI
}

#[cfg(test)]
mod tests;
