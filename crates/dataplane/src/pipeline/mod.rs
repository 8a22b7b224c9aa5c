//! The product in one function: admit, reserve, attempt, answer, settle; and the channel the answer goes back by.
//!
//! Invariant: it runs in a task of its own, so that every attempt is settled also when the app has left.

mod admit;
mod attempt;
mod guard;
mod reserve;
mod settle;
mod stream;
mod whole;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::model::ModelKind;
use domain::{Amount, BudgetId, EndpointId, ErrorCode, RequestId};
use metering::usage::Attribution;
use policy::{Caller, Candidate, Permit};
use providers::{ChatRequest, EmbeddingsRequest, Media, Retry, Text};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::Deps;
use crate::http::error::ApiError;
use crate::outstanding::Admitted;
use crate::rate::{Counted, UsedUp};

/// What an app asks for.
pub(crate) enum Ask {
    Chat(Box<ChatRequest>),
    Embeddings(Box<EmbeddingsRequest>),
}

impl Ask {
    /// What becomes prompt, to be counted.
    fn prompt_text(&self) -> Text {
        match self {
            Self::Chat(chat) => chat.prompt_text(),
            Self::Embeddings(embed) => embed.prompt_text(),
        }
    }
}

/// What decides how much a request can cost.
#[derive(Clone, Copy)]
pub(crate) struct Needs {
    pub(crate) kind: ModelKind,
    pub(crate) body_bytes: u64,
    pub(crate) messages: u32,
    pub(crate) tools: u32,
    pub(crate) media: Media,
    pub(crate) cache_writes: bool,
    pub(crate) asked_cap: Option<u32>,
    pub(crate) choices: u32,
    /// The provider is asked to keep the answer.
    pub(crate) stored: bool,
}

impl Needs {
    fn may_clamp(&self) -> bool {
        self.kind == ModelKind::Chat
    }
}

/// One request, parsed and authenticated.
pub(crate) struct Call {
    pub(crate) id: RequestId,
    pub(crate) caller: Caller,
    pub(crate) ask: Ask,
    pub(crate) needs: Needs,
    pub(crate) attribution: Attribution,
    pub(crate) is_stream: bool,
    /// The most this request may reserve.
    pub(crate) max_cost: Option<Amount>,
    pub(crate) admitted: Admitted,
    pub(crate) started: Instant,
}

impl Call {
    /// The model as the app named it; empty where it named none.
    pub(crate) fn requested_model(&self) -> &str {
        let named = match &self.ask {
            Ask::Chat(chat) => chat.model(),
            Ask::Embeddings(embed) => embed.model(),
        };
        named.unwrap_or_default()
    }
}

/// What goes back to the app, in order: `Refused`, or `Whole`, or `Begun` and `Chunk`s up to a `Last`. Small: each request has a
/// channel with room for many.
pub(crate) enum Reply {
    Refused(ApiError),
    Whole(Box<Head>, Bytes),
    Begun(Box<Head>),
    Chunk(Bytes),
    Last(Bytes),
}

/// What the head of an answer says.
#[derive(Clone, Default)]
pub(crate) struct Head {
    /// The output cap that was applied and why, where it is not the app's own.
    pub(crate) cap: Option<(u32, &'static str)>,
    /// The hard budget this node holds least of, and how much of it was free beside this request's reservation.
    pub(crate) tightest: Option<(BudgetId, Amount)>,
    /// Stages with how long they took.
    pub(crate) timings: Vec<(&'static str, Duration)>,
}

/// An app that takes nothing for this long has left.
const STALLED: Duration = Duration::from_secs(60);

/// Where replies go.
pub(crate) struct App(mpsc::Sender<Reply>);

impl App {
    /// Sends; whether the app is still there. One that takes nothing for a long time counts as gone, so that it holds
    /// no provider and no budget.
    pub(super) async fn send(&self, reply: Reply) -> bool {
        self.0.send_timeout(reply, STALLED).await.is_ok()
    }

    pub(super) fn has_left(&self) -> bool {
        self.0.is_closed()
    }

    /// Resolves when the app has left.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Starts answering `call`; dropping the receiver means that the app has left.
pub(crate) fn start(deps: &Arc<Deps>, call: Call) -> mpsc::Receiver<Reply> {
    let (sender, receiver) = mpsc::channel(32);
    let deps = Arc::clone(deps);
    let tasks = deps.tasks.clone();
    let span = tracing::info_span!(
        "request",
        otel.name = call.needs.kind.name(),
        otel.kind = "server",
        request.id = %call.id,
        org.id = %call.caller.org_id(),
        key.id = %call.caller.key_id(),
        gen_ai.operation.name = call.needs.kind.name(),
        http.response.status_code = tracing::field::Empty,
    );
    // Boxed: spawning moves it several times.
    tasks.spawn(Box::pin(answer(deps, call, App(sender)).instrument(span)));
    receiver
}

async fn answer(deps: Arc<Deps>, call: Call, app: App) {
    deps.metrics.open_requests.inc();
    let route = call.needs.kind.name();
    let status = match run(&deps, &call, &app).await {
        Ok(()) => 200,
        Err(error) => {
            let status = error.code.status();
            app.send(Reply::Refused(error)).await;
            status
        }
    };
    tracing::Span::current().record("http.response.status_code", status);
    deps.metrics.requests.with_label_values(&[route, &status.to_string()]).inc();
    deps.metrics.duration.with_label_values(&[route]).observe(call.started.elapsed().as_secs_f64());
    deps.metrics.open_requests.dec();
}

/// How one attempt went.
enum Tried {
    /// The app has its answer, or has left.
    Done,
    /// Policy changed before anything was sent: decide again.
    Stale,
    /// Nothing else may be tried.
    Refused(ApiError),
    /// It could not be tried: too dear, unpriced, or not to be said in its dialect. Nothing was sent.
    PassedOver(ApiError),
    /// The provider failed before any content; somebody else may do better.
    Failed(ApiError, Retry),
}

/// `Caller → Permit → Reservation → Answer → Settled`.
async fn run(deps: &Deps, call: &Call, app: &App) -> Result<(), ApiError> {
    let mut permit = admit::admit(deps, call)?;
    if let Some(limit) = call.caller.key().requests_per_minute {
        deps.rates.admit_key(call.caller.key(), limit).await?;
    }
    let (mut route, mut counted) = (Route::default(), Counted::default());
    loop {
        if app.has_left() {
            return Ok(());
        }
        if deps.cut.is_cancelled() {
            return Err(restarting());
        }
        permit = admit::renew(deps, call, permit)?;
        let Some(candidate) = route.next(&permit) else { return Err(route.exhausted()) };
        match deps.rates.admit(&permit, &candidate.model.slug, &mut counted).await {
            Ok(()) => {}
            Err(UsedUp { error, anywhere: true }) => return Err(error),
            Err(UsedUp { error, anywhere: false }) => {
                route.passed_over(&candidate, error);
                continue;
            }
        }
        let span = attempt_span(call, &candidate);
        let attempt = attempt::attempt(deps, call, &permit, &candidate, (route.attempts + 1, app));
        match attempt.instrument(span).await {
            Tried::Done => return Ok(()),
            Tried::Stale => {}
            Tried::Refused(error) => return Err(error),
            Tried::PassedOver(error) => route.passed_over(&candidate, error),
            Tried::Failed(error, retry) => route.failed(&candidate, error, retry),
        }
    }
}

/// What an app is told that this process cannot wait for any longer.
fn restarting() -> ApiError {
    let mut error = ApiError::new(
        ErrorCode::ProviderOverloaded,
        "this node is being restarted and cannot wait any longer; send the request again",
    )
    .with("limit_source", json!("weir"));
    error.retry_after_s = Some(1);
    error
}

/// The span of one call to a provider, by OpenTelemetry's conventions for generative AI; `settle` fills in the rest.
fn attempt_span(call: &Call, candidate: &Candidate) -> tracing::Span {
    let Candidate { endpoint, provider, model, .. } = candidate;
    tracing::info_span!(
        "attempt",
        otel.name = %format_args!("{} {}", call.needs.kind.name(), model.slug),
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        gen_ai.operation.name = call.needs.kind.name(),
        gen_ai.provider.name = provider.slug.as_str(),
        gen_ai.request.model = endpoint.upstream_model.as_str(),
        gen_ai.response.model = model.slug.as_str(),
        gen_ai.response.id = %call.id.generation(),
        gen_ai.response.finish_reasons = tracing::field::Empty,
        gen_ai.usage.input_tokens = tracing::field::Empty,
        gen_ai.usage.output_tokens = tracing::field::Empty,
        weir.outcome = tracing::field::Empty,
        weir.cost_pico = tracing::field::Empty,
    )
}

/// Which candidates were tried, and what came of it.
#[derive(Default)]
struct Route {
    attempts: u16,
    tried: HashSet<EndpointId>,
    given_up: HashSet<String>,
    errors: Vec<Value>,
    last: Option<ApiError>,
}

impl Route {
    fn next(&self, permit: &Permit) -> Option<Candidate> {
        let is_left = |candidate: &&Candidate| {
            !self.tried.contains(&candidate.endpoint.id) && !self.given_up.contains(&candidate.model.slug)
        };
        permit.candidates().iter().find(is_left).cloned()
    }

    fn passed_over(&mut self, candidate: &Candidate, error: ApiError) {
        self.tried.insert(candidate.endpoint.id);
        self.note(candidate, error);
    }

    fn failed(&mut self, candidate: &Candidate, error: ApiError, retry: Retry) {
        self.attempts = self.attempts.saturating_add(1);
        self.tried.insert(candidate.endpoint.id);
        if retry == Retry::OtherModel {
            self.given_up.insert(candidate.model.slug.clone());
        }
        self.note(candidate, error);
    }

    fn note(&mut self, candidate: &Candidate, error: ApiError) {
        self.errors.push(json!({
            "provider": candidate.provider.name,
            "model": candidate.model.slug,
            "code": error.code.status(),
            "error_type": error.code.error_type(),
        }));
        self.last = Some(error);
    }

    /// The last failure, with those before it.
    fn exhausted(mut self) -> ApiError {
        let error = self.last.take().unwrap_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                "policy changed while the request waited, and no endpoint is left",
            )
        });
        self.errors.pop();
        if self.errors.is_empty() { error } else { error.with("previous_errors", Value::Array(self.errors)) }
    }
}
