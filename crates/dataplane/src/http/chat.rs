//! `POST /v1/chat/completions`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use domain::ErrorCode;
use domain::model::ModelKind;
use providers::ChatRequest;

use super::answer;
use super::error::ApiError;
use super::extract::Authorized;
use crate::Deps;
use crate::attribution::{self, Declared};
use crate::pipeline::{Ask, Call, Needs};

/// Where it stands anywhere in a body, prompt tokens may be written to the provider's cache.
const CACHE_CONTROL: &[u8] = b"\"cache_control\"";

/// Answers a chat request, whole or streamed.
pub(crate) async fn complete(
    State(deps): State<Arc<Deps>>,
    Authorized { caller, headers, body }: Authorized,
) -> Result<Response, ApiError> {
    let started = Instant::now();
    let chat = ChatRequest::parse(&body)?;
    served(&chat)?;
    let declared = Declared {
        end_user: chat.user().map(str::to_owned),
        session: chat.session().map(str::to_owned),
        tags: chat.metadata().to_vec(),
    };
    let id = deps.new_request_id();
    let call = Call {
        id,
        attribution: attribution::of(&caller, &headers, declared),
        caller,
        needs: needs(&chat, &body),
        is_stream: chat.streams(),
        max_cost: chat.max_cost(),
        ask: Ask::Chat(Box::new(chat)),
        admitted: deps.outstanding.admit(id),
        started,
    };
    answer::respond(&deps, call).await
}

/// What is parsed and not served yet is refused by name, because leaving it out would change price or promise.
fn served(chat: &ChatRequest) -> Result<(), ApiError> {
    let priced = chat.priced();
    if let Some(tier) = priced.service_tier.as_deref().filter(|tier| !matches!(*tier, "auto" | "default")) {
        return Err(ApiError::field("service_tier", &format!("{tier:?} is not priced here; leave it out")));
    }
    let unpriced = [
        (priced.prediction_bytes > 0, "prediction"),
        (priced.audio_output || priced.image_output, "modalities"),
        (priced.web_search, "web_search_options"),
    ];
    if let Some((_, field)) = unpriced.into_iter().find(|(asked, _)| *asked) {
        return Err(ApiError::field(
            field,
            "changes what a request costs and is not priced here; leave it out",
        ));
    }
    if chat.model().is_some_and(|model| model.contains(':')) {
        let message = "variants such as :free or :nitro are not known here; name the model alone";
        return Err(ApiError::new(ErrorCode::InvalidRequest, format!("model: {message}")));
    }
    Ok(())
}

fn needs(chat: &ChatRequest, body: &[u8]) -> Needs {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Needs {
        kind: ModelKind::Chat,
        body_bytes: u64::try_from(chat.prompt_bytes().saturating_sub(chat.media().bytes)).unwrap_or(u64::MAX),
        messages: count(chat.message_count()),
        tools: count(chat.tool_count()),
        media: chat.media(),
        cache_writes: memchr::memmem::find(body, CACHE_CONTROL).is_some(),
        asked_cap: chat.max_output_tokens(),
        choices: chat.choices(),
        stored: chat.is_stored(),
    }
}
