//! Stage four: one call to one provider.
//!
//! Invariant: the journal has the attempt before the first byte leaves, and settles it whatever happens; the permit is
//! checked again after every wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::model::Dialect;
use domain::{ErrorCode, EventId};
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use metering::ports::{JournalError, Record};
use metering::usage::{Attempt, Attribution, Outcome, Revision};
use policy::sealed;
use policy::{Candidate, Permit};
use providers::{AnswerContext, Outgoing, ProviderError, Retry, Target};
use serde_json::json;

use super::reserve::{self, Funded, NotFunded};
use super::settle::{End, Open, Seen, settle};
use super::{App, Ask, Call, Head, Tried, restarting, stream, whole};
use crate::Deps;
use crate::drain::Drain;
use crate::http::error::ApiError;
use crate::rate;
use crate::upstream::{SentMark, UpstreamError, UpstreamResponse};

const MAX_ERROR_BODY: usize = 64 * 1024;
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(5);
/// A model's name is kept this far: it is the app's text, and no place for content.
const MAX_MODEL_CHARS: usize = 256;

/// An attempt on its way: what the answer's stages need.
pub(super) struct Sent {
    pub(super) open: Open,
    pub(super) response: UpstreamResponse,
    pub(super) context: AnswerContext,
    pub(super) dialect: Dialect,
    pub(super) head: Head,
    pub(super) since: Instant,
    /// The app has left, and the answer is read on.
    pub(super) drain: Option<Drain>,
}

/// Reserves, journals, sends; hands the answer to the stage that relays it.
pub(super) async fn attempt(
    deps: &Deps,
    call: &Call,
    permit: &Permit,
    candidate: &Candidate,
    (number, app): (u16, &App),
) -> Tried {
    let id = EventId { request: call.id, attempt: number };
    let mut head = Head { timings: vec![("policy", call.started.elapsed())], ..Head::default() };
    if call.needs.stored && permit.rules().zdr {
        return Tried::Refused(ApiError::field("store", "zero data retention is required; leave it out"));
    }
    let since = Instant::now();
    let funded = match reserve::reserve(deps, call, permit, candidate).await {
        Ok(funded) => funded,
        Err(NotFunded::Here(error)) => return Tried::PassedOver(error),
        Err(NotFunded::Anywhere(error)) => return Tried::Refused(error),
    };
    head.timings.push(("budget", since.elapsed()));
    if app.has_left() {
        deps.leases.void(funded.reservation);
        return Tried::Done;
    }
    if !deps.cell.load().is_some_and(|snapshot| permit.is_current(&snapshot)) {
        deps.leases.void(funded.reservation);
        return Tried::Stale;
    }
    let since = Instant::now();
    let outgoing = match outgoing(deps, call, candidate, &funded, id) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            deps.leases.void(funded.reservation);
            return Tried::PassedOver(error);
        }
    };
    head.timings.push(("translate", since.elapsed()));
    head.cap = funded.cap.zip(funded.capped_by);
    head.tightest = funded.tightest;
    let open = match journalled(deps, call, permit, candidate, (id, funded)) {
        Ok(open) => open,
        Err(error) => return Tried::Refused(error),
    };
    let since = Instant::now();
    let timeouts = deps.upstream.timeouts;
    let sent = SentMark::default();
    let patience = if call.is_stream { timeouts.first_byte } else { timeouts.whole };
    let sending = deps.upstream.send(outgoing, patience, &sent);
    let (response, drain) = match answered(deps, call, candidate, (sending, &sent), app).await {
        Ok(answered) => answered,
        Err(unheard) => {
            // While nothing has left, nothing can be owed.
            let outcome = if sent.is_sent() { Outcome::Cut } else { Outcome::Failed };
            let error = unheard.error();
            let end = End { outcome, status: 0, error: error.as_ref().map(|error| error.code) };
            settle(deps, call, open, &end, Seen::default()).await;
            return error.map_or(Tried::Done, Tried::Refused);
        }
    };
    head.timings.push(("upstream", since.elapsed()));
    let response = match response {
        Ok(response) => response,
        Err(error) => return unanswered(deps, call, open, candidate, &error).await,
    };
    let sent = Sent {
        open,
        response,
        context: context(call, candidate),
        dialect: candidate.provider.dialect,
        head,
        since,
        drain,
    };
    if !sent.response.status.is_success() {
        return Box::pin(refused(deps, call, sent, candidate, app)).await;
    }
    // Boxed where it is large and not what every request needs: a future has room for its largest branch.
    if call.is_stream {
        Box::pin(stream::relay(deps, call, sent, app)).await
    } else {
        whole::relay(deps, call, sent, app).await
    }
}

/// Why an answer was not waited for.
enum Unheard {
    Left,
    Restarting,
}

impl Unheard {
    fn error(&self) -> Option<ApiError> {
        matches!(self, Self::Restarting).then(restarting)
    }
}

type Answered = (Result<UpstreamResponse, UpstreamError>, Option<Drain>);

/// Waits for the head of an answer while there is somebody to wait for it; of a provider that bills on, also after that.
async fn answered(
    deps: &Deps,
    call: &Call,
    candidate: &Candidate,
    (sending, sent): (impl Future<Output = Result<UpstreamResponse, UpstreamError>>, &SentMark),
    app: &App,
) -> Result<Answered, Unheard> {
    let mut sending = pin!(sending);
    tokio::select! {
        biased;
        () = app.gone(), if call.is_stream => {}
        () = deps.cut.cancelled() => return Err(Unheard::Restarting),
        response = &mut sending => return Ok((response, None)),
    }
    let drain =
        deps.drains.begin(&candidate.provider.slug).filter(|_| sent.is_sent()).ok_or(Unheard::Left)?;
    let response = drain.within(sending).await.ok_or(Unheard::Left)?;
    Ok((response, Some(drain)))
}

fn outgoing(
    deps: &Deps,
    call: &Call,
    candidate: &Candidate,
    funded: &Funded,
    id: EventId,
) -> Result<Request<Full<Bytes>>, ApiError> {
    let credential = sealed::open_credential(&deps.master, &candidate.credential).map_err(|error| {
        ApiError::internal(&format_args!("credential {}: {error}", candidate.credential.id))
    })?;
    let event_id = id.to_string();
    let target = Target {
        base_url: &candidate.provider.base_url,
        upstream_model: &candidate.endpoint.upstream_model,
        credential: credential.expose(),
        event_id: &event_id,
        output_cap: funded.cap,
    };
    let dialect = candidate.provider.dialect;
    let outgoing = match &call.ask {
        Ask::Chat(chat) => providers::chat_request(dialect, chat, &target),
        Ask::Embeddings(embed) => providers::embeddings_request(dialect, embed, &target),
    };
    let Outgoing { method, url, headers, body } =
        outgoing.map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let mut request = Request::builder().method(method).uri(url).body(Full::new(body)).map_err(|_| {
        ApiError::internal(&format_args!("provider {}: its base URL is not a URL", candidate.provider.slug))
    })?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Writes RESERVED; from here on the attempt must be settled.
fn journalled(
    deps: &Deps,
    call: &Call,
    permit: &Permit,
    candidate: &Candidate,
    (id, funded): (EventId, Funded),
) -> Result<Open, ApiError> {
    let (epoch, org, platform) = permit.revision();
    let caller = permit.caller();
    let attempt = Arc::new(Attempt {
        id,
        holder: deps.leases.holder(),
        // The key may have moved since the request was admitted: the draws and the charge belong to the same team.
        attribution: Attribution {
            team: caller.team_id(),
            member: caller.member_id(),
            cost_centre: caller.cost_centre().map(str::to_owned),
            ..call.attribution.clone()
        },
        kind: call.needs.kind,
        stream: call.is_stream,
        requested_model: call.requested_model().chars().take(MAX_MODEL_CHARS).collect(),
        model: candidate.model.slug.clone(),
        provider: candidate.provider.slug.clone(),
        endpoint: candidate.endpoint.id,
        byok: candidate.is_byok().then_some(candidate.credential.id),
        price_version: candidate.price.id,
        revision: Revision { epoch, org, platform },
        zdr: permit.rules().zdr,
        reserved: funded.bound.reserved(),
        draws: funded.reservation.draws().collect(),
        admitted_at: call.admitted.at(),
    });
    if let Err(error) = deps.journal.append(&Record::Reserved(Arc::clone(&attempt))) {
        deps.leases.void(funded.reservation);
        return Err(not_journalled(id, &error));
    }
    Ok(Open {
        attempt,
        reservation: funded.reservation,
        bound: funded.bound,
        price: candidate.price.clone(),
        ceiling: funded.at_ceiling.then(|| *permit.ceiling()),
        token_quotas: rate::token_quotas(permit, &candidate.model.slug),
    })
}

fn not_journalled(event: EventId, error: &JournalError) -> ApiError {
    tracing::error!(event.id = %event, %error, "nothing can be admitted: attempts cannot be journalled");
    let mut refused = ApiError::new(
        ErrorCode::ProviderOverloaded,
        "this node cannot record usage now and admits nothing; try again",
    )
    .with("limit_source", json!("weir"));
    refused.retry_after_s = Some(5);
    refused
}

fn context(call: &Call, candidate: &Candidate) -> AnswerContext {
    AnswerContext {
        id: call.id.generation(),
        created: call.admitted.at().as_seconds(),
        model: candidate.model.slug.clone(),
        provider: candidate.provider.name.clone(),
        exclude_reasoning: matches!(&call.ask, Ask::Chat(chat) if chat.excludes_reasoning()),
    }
}

/// No answer came: whether something is owed depends on whether the request was sent.
async fn unanswered(
    deps: &Deps,
    call: &Call,
    open: Open,
    candidate: &Candidate,
    error: &UpstreamError,
) -> Tried {
    let (outcome, code) = match error {
        UpstreamError::NotSent => (Outcome::Failed, ErrorCode::ProviderUnavailable),
        UpstreamError::Broken => (Outcome::Broken, ErrorCode::ProviderUnavailable),
        UpstreamError::TimedOut => (Outcome::Broken, ErrorCode::Timeout),
    };
    settle(deps, call, open, &End { outcome, status: 0, error: Some(code) }, Seen::default()).await;
    let told = ApiError::new(code, format!("{}: {error}", candidate.provider.name))
        .with("provider_name", json!(candidate.provider.name));
    Tried::Failed(told, Retry::OtherEndpoint)
}

/// The provider answered with an error: nothing is owed.
async fn refused(deps: &Deps, call: &Call, sent: Sent, candidate: &Candidate, app: &App) -> Tried {
    let UpstreamResponse { status, headers, body } = sent.response;
    let reading = Limited::new(body, MAX_ERROR_BODY).collect();
    let body = tokio::select! {
        biased;
        () = app.gone() => Bytes::new(),
        read = tokio::time::timeout(ERROR_BODY_PATIENCE, reading) => match read {
            Ok(Ok(body)) => body.to_bytes(),
            _ => Bytes::new(),
        },
    };
    let error = providers::provider_error(sent.dialect, status, &headers, &body);
    let end = End { outcome: Outcome::Failed, status: status.as_u16(), error: Some(error.code) };
    settle(deps, call, sent.open, &end, Seen::default()).await;
    Tried::Failed(told(&error, &candidate.provider.name), error.retry)
}

/// What the app is told of a provider's error.
pub(super) fn told(error: &ProviderError, provider: &str) -> ApiError {
    let message = format!("{provider}: {}", error.message.expose());
    let mut told = ApiError::new(error.code, message).with("provider_name", json!(provider));
    if let Some(code) = &error.provider_code {
        told = told.with("provider_code", json!(code));
    }
    if error.code == ErrorCode::RateLimitExceeded {
        told = told.with("limit_source", json!("provider"));
    }
    told.retry_after_s = error.retry_after_s;
    told
}
