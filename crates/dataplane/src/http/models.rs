//! `GET /v1/models`: the models this key may use, with the price a request would be charged at first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::price::UnitPrices;
use domain::{Amount, TokenClass};
use policy::{Offer, offers};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::extract::{Authenticated, not_loaded};
use crate::Deps;

/// Lists them, sorted by slug.
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, ApiError> {
    let snapshot = deps.cell.load().ok_or_else(not_loaded)?;
    let offered = offers(&snapshot, &caller, deps.clock.now())?;
    let data: Vec<Value> = offered.iter().map(entry).collect();
    Ok(Json(json!({ "object": "list", "total_count": data.len(), "data": data })))
}

fn entry(offer: &Offer) -> Value {
    let model = &offer.model;
    let cheapest = offer.candidates.first();
    let providers: Vec<&str> =
        offer.candidates.iter().map(|candidate| candidate.provider.slug.as_str()).collect();
    json!({
        "id": model.slug,
        "object": "model",
        "canonical_slug": model.slug,
        "name": model.name,
        "created": model.created.as_seconds(),
        "description": "",
        "context_length": model.context_length,
        "architecture": {
            "modality": if model.kind.name() == "embeddings" { "text->embeddings" } else { "text->text" },
            "input_modalities": ["text"],
            "output_modalities": [if model.kind.name() == "embeddings" { "embeddings" } else { "text" }],
            "tokenizer": "Other",
            "instruct_type": null,
        },
        "pricing": cheapest.map(|candidate| pricing(&candidate.price.unit)),
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": cheapest.map(|candidate| candidate.endpoint.max_output_tokens),
            "is_moderated": false,
        },
        "per_request_limits": null,
        "supported_parameters": [],
        "default_parameters": null,
        "supported_voices": null,
        "links": { "details": format!("/v1/models/{}/endpoints", model.slug) },
        "providers": providers,
        "zdr": offer.candidates.iter().any(|candidate| candidate.endpoint.data_policy.is_zdr()),
    })
}

/// US dollars per unit, as decimal strings; what is not known is left out.
fn pricing(unit: &UnitPrices) -> Value {
    let names = [
        (TokenClass::Input, "prompt"),
        (TokenClass::Output, "completion"),
        (TokenClass::CachedInput, "input_cache_read"),
        (TokenClass::CacheWrite5m, "input_cache_write"),
        (TokenClass::CacheWrite1h, "input_cache_write_1h"),
        (TokenClass::Reasoning, "internal_reasoning"),
        (TokenClass::Request, "request"),
    ];
    let mut prices = Map::new();
    for (class, name) in names {
        if let Some(price) = unit.get(class) {
            prices.insert(name.to_owned(), Value::String(Amount::from(price).to_string()));
        }
    }
    prices.entry("completion").or_insert_with(|| Value::String("0".to_owned()));
    Value::Object(prices)
}
