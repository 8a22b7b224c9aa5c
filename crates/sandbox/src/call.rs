//! The path of one call: record it, check it as the provider would, script the answer, send it.
//!
//! Invariant: a call is in the meter before anything can go wrong with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::ask::Ask;
use crate::body::MeteredBody;
use crate::knobs::{BadKnob, Knobs, Malformed};
use crate::meter::OpenCall;
use crate::play::{self, Play};
use crate::prices::Model;
use crate::received::{Received, kept, masked};
use crate::refusal::Refusal;
use crate::script::Rendering;
use crate::sites::{Dialect, Site};
use crate::tokens::Tokens;
use crate::{Sandbox, anthropic, directive, embeddings, openai, script};

/// A billable endpoint of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Chat,
    Embeddings,
    Messages,
}

impl Endpoint {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
        }
    }
}

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) site: &'static Site,
    pub(crate) endpoint: Endpoint,
}

/// Answers one request.
pub(crate) async fn answer(sandbox: Arc<Sandbox>, route: Route, headers: HeaderMap, body: Bytes) -> Response {
    let site = route.site.name;
    let id = headers.get("x-client-request-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let mut call = sandbox.meter.open(site, id.clone());
    let path = route.endpoint.path();
    let received = Received {
        seq: call.seq(),
        id,
        site,
        path,
        headers: masked(&headers),
        body_bytes: body.len(),
        body: kept(&body),
    };
    sandbox.received.keep(received);

    match prepare(&sandbox, route, &headers, &body, &mut call) {
        Ok(Prepared { play, latency_ms }) => {
            wait(latency_ms).await;
            play_back(route.site.dialect, play, call)
        }
        Err(refusal) => {
            wait(refusal.latency_ms).await;
            call.refused(refusal.status);
            refuse(route.site.dialect, &refusal, call.seq())
        }
    }
}

/// A timer's shortest wait is a millisecond, which a benchmark would see.
async fn wait(latency_ms: u64) {
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
}

struct Prepared {
    play: Play,
    latency_ms: u64,
}

/// Checks in the order of the real providers: key, body, model.
fn prepare(
    sandbox: &Sandbox,
    route: Route,
    headers: &HeaderMap,
    body: &Bytes,
    call: &mut OpenCall,
) -> Result<Prepared, Refusal> {
    authenticate(route.site.dialect, headers)?;
    let json: Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::invalid(format!("We could not parse the JSON body of your request: {error}"))
    })?;
    let mut ask = match route.endpoint {
        Endpoint::Chat => openai::ask(&json)?,
        Endpoint::Embeddings => embeddings::ask(&json)?,
        Endpoint::Messages => anthropic::ask(&json)?,
    };
    call.describe(&ask.model, ask.stream);
    let found = directive::in_prompt(&ask.prompt)?;
    let knobs = knobs(sandbox, route.site, headers, &found.directives)?;
    ask.prompt = found.rest;
    if let Some(refusal) = knobs.refusal() {
        return Err(Refusal { latency_ms: knobs.latency_ms, ..refusal });
    }
    let model = model(sandbox, route, &ask.model, &json)?;
    let latency_ms = knobs.latency_ms;
    let play = if knobs.malformed == Some(Malformed::Html) {
        call.plan(model, Tokens::default(), ask.stream);
        play::error_page()
    } else if route.endpoint == Endpoint::Embeddings {
        embed(&Request { ask: &ask, knobs: &knobs, model, body: &json, body_bytes: body.len() }, call)?
    } else {
        generate(
            &Request { ask: &ask, knobs: &knobs, model, body: &json, body_bytes: body.len() },
            route,
            call,
        )
    };
    Ok(Prepared { play, latency_ms })
}

fn authenticate(dialect: Dialect, headers: &HeaderMap) -> Result<(), Refusal> {
    match dialect {
        Dialect::OpenAi => openai::authenticate(headers),
        Dialect::Anthropic => anthropic::authenticate(headers),
    }
}

/// Merges the knobs of this call: configuration, run, header, prompt; the later wins.
fn knobs(
    sandbox: &Sandbox,
    site: &Site,
    headers: &HeaderMap,
    directives: &[directive::Pairs],
) -> Result<Knobs, BadKnob> {
    let config = &sandbox.config;
    let mut knobs = Knobs { latency_ms: config.latency_ms, chunk_ms: config.chunk_ms, ..Knobs::default() };
    knobs.set_all(&sandbox.runs.take(site.name))?;
    for value in headers.get_all("x-sandbox") {
        apply(&mut knobs, site, &directive::in_header(&String::from_utf8_lossy(value.as_bytes()))?)?;
    }
    for pairs in directives {
        apply(&mut knobs, site, pairs)?;
    }
    Ok(knobs)
}

/// Turns the knobs of one directive, unless it names another site. Its mistakes count everywhere.
fn apply(knobs: &mut Knobs, site: &Site, pairs: &[(String, String)]) -> Result<(), BadKnob> {
    let (meant_for, pairs): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(key, _)| key == "site");
    let mut turned = knobs.clone();
    turned.set_all(&pairs)?;
    if let Some((_, unknown)) = meant_for.iter().find(|(_, name)| crate::sites::named(name).is_none()) {
        return Err(BadKnob(format!("unknown site `{unknown}`")));
    }
    if meant_for.iter().all(|(_, name)| name == site.name) {
        *knobs = turned;
    }
    Ok(())
}

fn model<'a>(sandbox: &'a Sandbox, route: Route, name: &str, body: &Value) -> Result<&'a Model, Refusal> {
    let model = sandbox.prices.model(route.site.name, name).ok_or_else(|| match route.site.dialect {
        Dialect::OpenAi => openai::unknown_model(name),
        Dialect::Anthropic => anthropic::unknown_model(name),
    })?;
    match route.endpoint {
        Endpoint::Chat => openai::check(model, body)?,
        Endpoint::Embeddings => embeddings::check(model)?,
        Endpoint::Messages => {}
    }
    Ok(model)
}

/// A request that the provider accepts.
struct Request<'a> {
    ask: &'a Ask,
    knobs: &'a Knobs,
    model: &'a Model,
    body: &'a Value,
    body_bytes: usize,
}

fn embed(request: &Request<'_>, call: &mut OpenCall) -> Result<Play, Refusal> {
    let Request { ask, knobs, model, body, body_bytes } = request;
    let tokens = script::prompt_tokens(ask, knobs, &model.prices, *body_bytes);
    let list = embeddings::list(body, model, &tokens, knobs.usage)?;
    call.plan(model, tokens, false);
    Ok(play::whole(list.to_string().into(), knobs))
}

fn generate(request: &Request<'_>, route: Route, call: &mut OpenCall) -> Play {
    let Request { ask, knobs, model, body_bytes, .. } = request;
    let answer = script::answer(ask, knobs, model, *body_bytes);
    call.bills_on(knobs.bills_on);
    if ask.stream && route.endpoint == Endpoint::Messages {
        call.claims(anthropic::claimed(&answer.tokens));
    }
    call.plan(model, answer.tokens, ask.stream);
    let rendering = Rendering {
        answer: &answer,
        model,
        seq: call.seq(),
        created_s: call.started_s(),
        include_usage: ask.include_usage,
        usage_fault: knobs.usage,
    };
    let message = knobs.message.as_deref();
    match (route.site.dialect, ask.stream) {
        (Dialect::OpenAi, false) => play::whole(openai::completion(&rendering).to_string().into(), knobs),
        (Dialect::Anthropic, false) => play::whole(anthropic::message(&rendering).to_string().into(), knobs),
        (Dialect::OpenAi, true) => play::stream(
            openai::events(&rendering),
            answer.tokens,
            knobs,
            openai::error_event(message).into(),
        ),
        (Dialect::Anthropic, true) => play::stream(
            anthropic::events(&rendering),
            answer.tokens,
            knobs,
            anthropic::error_event(message).into(),
        ),
    }
}

fn play_back(dialect: Dialect, play: Play, call: OpenCall) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(play.content_type));
    match play.length {
        Some(length) => headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length)),
        None => headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    };
    identify(&mut headers, dialect, call.seq());
    let body = Body::new(MeteredBody::new(play.steps, play.ending, call));
    (StatusCode::OK, headers, body).into_response()
}

fn refuse(dialect: Dialect, refusal: &Refusal, seq: u64) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = refusal.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    identify(&mut headers, dialect, seq);
    let body = match dialect {
        Dialect::OpenAi => openai::error(refusal),
        Dialect::Anthropic => anthropic::error(refusal, seq),
    };
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, axum::Json(body)).into_response()
}

/// The provider's own id of the request, in the header its dialect uses.
fn identify(headers: &mut HeaderMap, dialect: Dialect, seq: u64) {
    let (name, id) = match dialect {
        Dialect::OpenAi => ("x-request-id", format!("req_{seq:032}")),
        Dialect::Anthropic => ("request-id", anthropic::request_id(seq)),
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static(name), id);
    }
}

/// The site's list of models. Scripted by no knob and not metered.
pub(crate) fn models(sandbox: &Sandbox, site: &Site, headers: &HeaderMap) -> Response {
    if let Err(refusal) = authenticate(site.dialect, headers) {
        return refuse(site.dialect, &refusal, 0);
    }
    let models = sandbox.prices.models(site.name);
    let list = match site.dialect {
        Dialect::OpenAi => openai::models(models),
        Dialect::Anthropic => anthropic::models(models),
    };
    axum::Json(list).into_response()
}
