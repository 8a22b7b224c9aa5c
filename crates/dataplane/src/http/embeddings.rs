//! `POST /v1/embeddings`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::model::ModelKind;
use providers::EmbeddingsRequest;

use super::error::ApiError;
use super::extract::Authenticated;
use super::{answer, body};
use crate::Deps;
use crate::attribution::{self, Declared};
use crate::pipeline::{Ask, Call, Needs};

/// Answers an embeddings request.
pub(crate) async fn embed(
    State(deps): State<Arc<Deps>>,
    Authenticated(caller): Authenticated,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let started = Instant::now();
    let headers = request.headers().clone();
    let body = body::read(request, deps.body).await?;
    let embed = EmbeddingsRequest::parse(&body)?;
    let declared = Declared {
        end_user: embed.user().map(str::to_owned),
        session: embed.session().map(str::to_owned),
        tags: embed.metadata().to_vec(),
    };
    let call = Call {
        id: deps.new_request_id(),
        attribution: attribution::of(&caller, &headers, declared),
        caller,
        needs: Needs {
            kind: ModelKind::Embeddings,
            body_bytes: u64::try_from(embed.prompt_bytes()).unwrap_or(u64::MAX),
            messages: u32::try_from(embed.input_count()).unwrap_or(u32::MAX),
            tools: 0,
            media: false,
            cache_writes: false,
            asked_cap: None,
            choices: 1,
            stored: false,
        },
        is_stream: false,
        max_cost: embed.max_cost(),
        ask: Ask::Embeddings(Box::new(embed)),
        admitted_at: deps.clock.now(),
        started,
    };
    answer::respond(&deps, call).await
}
