//! `POST /v1/embeddings`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use domain::model::ModelKind;
use providers::{EmbeddingsRequest, Media};

use super::answer;
use super::error::ApiError;
use super::extract::Authorized;
use crate::Deps;
use crate::attribution::{self, Declared};
use crate::pipeline::{Ask, Call, Needs};

/// Answers an embeddings request.
pub(crate) async fn embed(
    State(deps): State<Arc<Deps>>,
    Authorized { caller, headers, body }: Authorized,
) -> Result<Response, ApiError> {
    let started = Instant::now();
    let embed = EmbeddingsRequest::parse(&body)?;
    let declared = Declared {
        end_user: embed.user().map(str::to_owned),
        session: embed.session().map(str::to_owned),
        tags: embed.metadata().to_vec(),
    };
    let id = deps.new_request_id();
    let call = Call {
        id,
        attribution: attribution::of(&caller, &headers, declared),
        caller,
        needs: Needs {
            kind: ModelKind::Embeddings,
            body_bytes: u64::try_from(embed.prompt_bytes()).unwrap_or(u64::MAX),
            messages: u32::try_from(embed.input_count()).unwrap_or(u32::MAX),
            tools: 0,
            media: Media::default(),
            cache_writes: false,
            asked_cap: None,
            choices: 1,
            stored: false,
        },
        is_stream: false,
        max_cost: embed.max_cost(),
        ask: Ask::Embeddings(Box::new(embed)),
        admitted: deps.outstanding.admit(id),
        started,
    };
    answer::respond(&deps, call).await
}
