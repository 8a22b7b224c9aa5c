//! What a credential can reach: the provider's list of models, the same request in every dialect but for its headers.
//!
//! Invariant: nothing of the answer but the names is kept.

use bytes::Bytes;
use domain::model::Dialect;
use http::Method;
use serde_json::value::RawValue;

use crate::json::{Fields, elements};
use crate::translator::{Outgoing, Target, TranslateError};
use crate::{anthropic, openai};

/// More names than this are not kept.
const MOST: usize = 1_000;

/// Asks for the models that the target's credential may use: `GET /models`.
///
/// # Errors
/// [`TranslateError::Unsendable`].
pub fn models_request(dialect: Dialect, target: &Target<'_>) -> Result<Outgoing, TranslateError> {
    let headers = match dialect {
        Dialect::OpenAi => openai::headers(target, false),
        Dialect::Anthropic => anthropic::headers(target, false),
    }?;
    let url = format!("{}/models", target.base_url.trim_end_matches('/'));
    Ok(Outgoing { method: Method::GET, url, headers, body: Bytes::new() })
}

/// The ids in a list of models; `None` where the answer is no such list.
#[must_use]
pub fn model_names(body: &[u8]) -> Option<Vec<String>> {
    let raw: &RawValue = serde_json::from_slice(body).ok()?;
    let rows = elements(Fields::of(raw)?.get("data")?)?;
    Some(rows.into_iter().filter_map(|row| Fields::of(row)?.text("id")).take(MOST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_list_are_read_and_anything_else_is_none() {
        let list = br#"{"object":"list","data":[{"id":"gpt-4.1"},{"id":"o3","x":1},{"name":"no id"}]}"#;
        assert_eq!(model_names(list).unwrap(), ["gpt-4.1", "o3"]);
        assert_eq!(model_names(b"<html>"), None);
        assert_eq!(model_names(br#"{"data":{}}"#), None);
    }

    #[test]
    fn each_dialect_has_its_own_way_to_say_who_asks() {
        let target = Target {
            base_url: "https://api.example.com/v1/",
            upstream_model: "",
            credential: "secret",
            event_id: "1",
            output_cap: None,
        };
        let outgoing = models_request(Dialect::OpenAi, &target).unwrap();
        assert_eq!(outgoing.url, "https://api.example.com/v1/models");
        assert_eq!(outgoing.headers["authorization"], "Bearer secret");
        let outgoing = models_request(Dialect::Anthropic, &target).unwrap();
        assert_eq!(outgoing.headers["x-api-key"], "secret");
    }
}
