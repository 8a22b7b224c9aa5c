//! The embeddings request of an app, OpenAI-shaped.
//!
//! Invariant: as for chat: forwarded byte for byte, known fields checked, the gateway's own taken out.

use bytes::Bytes;
use domain::Amount;
use serde_json::value::RawValue;

use crate::field::{BadRequest, body_fields, integer, object, one_of, short_text, text};
use crate::json::elements;
use crate::prefs::{self, ProviderPrefs};
use crate::text::Text;

const MAX_INPUTS: usize = 2048;

/// An embeddings request. Holds content: no `Debug`.
#[derive(Default)]
pub struct EmbeddingsRequest {
    model: Option<String>,
    models: Vec<String>,
    prefs: ProviderPrefs,
    max_cost: Option<Amount>,
    input_count: usize,
    prompt_bytes: usize,
    user: Option<String>,
    session: Option<String>,
    metadata: Vec<(String, String)>,
    /// The fields that may reach a provider, in order, with the text of their values.
    pub(crate) fields: Vec<(String, Bytes)>,
}

impl EmbeddingsRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// [`BadRequest`] naming the field.
    pub fn parse(body: &Bytes) -> Result<Self, BadRequest> {
        let mut request = Self::default();
        for (name, raw) in body_fields(body)?.iter() {
            if raw.get() != "null" {
                request.take(name, raw)?;
            }
            if !is_for_gateway_alone(name) {
                request.fields.push((name.to_owned(), body.slice_ref(raw.get().as_bytes())));
            }
        }
        if request.input_count == 0 {
            return Err(BadRequest::new("input", "must be a string, or an array that is not empty"));
        }
        Ok(request)
    }

    /// The model it names, as it names it.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Models to fall back to, in order.
    #[must_use]
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// What it asks of the choice of provider.
    #[must_use]
    pub fn prefs(&self) -> &ProviderPrefs {
        &self.prefs
    }

    /// The most it may cost.
    #[must_use]
    pub fn max_cost(&self) -> Option<Amount> {
        self.max_cost
    }

    /// How many texts (or token lists) it has.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.input_count
    }

    /// Bytes of `input` as JSON text: never fewer than it has tokens, also where it is given as tokens.
    #[must_use]
    pub fn prompt_bytes(&self) -> usize {
        self.prompt_bytes
    }

    /// What it has embedded, to be counted where the provider does not.
    #[must_use]
    pub fn prompt_text(&self) -> Text {
        let mut text = Text::default();
        let input = self.fields.iter().find(|(name, _)| name == "input");
        if let Some(input) = input.and_then(|(_, value)| serde_json::from_slice(value).ok()) {
            add_input(input, &mut text);
        }
        text
    }

    /// The app's end user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The conversation it belongs to.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Declared pairs, sorted by key.
    #[must_use]
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    fn take(&mut self, name: &str, raw: &RawValue) -> Result<(), BadRequest> {
        match name {
            "input" => {
                self.input_count = count_inputs(raw)?;
                self.prompt_bytes = raw.get().len();
            }
            "model" => self.model = Some(text(raw, name)?),
            "models" => self.models = prefs::models(raw)?,
            "provider" => self.prefs = ProviderPrefs::parse(raw)?,
            "dimensions" => drop(integer(raw, name, 1, u32::MAX)?),
            "encoding_format" => drop(one_of(raw, name, &["float", "base64"])?),
            "user" => self.user = Some(short_text(raw, name, 512)?),
            "session_id" => self.session = Some(short_text(raw, name, 256)?),
            "metadata" => self.metadata = prefs::metadata(raw)?,
            "max_cost" => self.max_cost = Some(prefs::max_cost(raw)?),
            "usage" | "trace" => drop(object(raw, name)?),
            "plugins" | "route" | "preset" | "transforms" => {
                return Err(BadRequest::new(name, "not supported on this endpoint"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_for_gateway_alone(name: &str) -> bool {
    matches!(
        name,
        "model"
            | "models"
            | "provider"
            | "session_id"
            | "metadata"
            | "max_cost"
            | "usage"
            | "trace"
            | "plugins"
            | "route"
            | "preset"
            | "transforms"
    )
}

/// A text, a list of texts, tokens, or a list of those.
fn add_input(raw: &RawValue, text: &mut Text) {
    if raw.get().starts_with('"') {
        return text.add(raw);
    }
    if let Ok(tokens) = serde_json::from_str::<Vec<u32>>(raw.get()) {
        return text.add_tokens(u64::try_from(tokens.len()).unwrap_or(u64::MAX));
    }
    for input in elements(raw).unwrap_or_default() {
        add_input(input, text);
    }
}

fn count_inputs(raw: &RawValue) -> Result<usize, BadRequest> {
    let problem = || {
        let expected =
            "must be a string, an array of 1 to 2048 strings, an array of tokens, or an array of those";
        BadRequest::new("input", expected)
    };
    if raw.get().starts_with('"') {
        let text = text(raw, "input")?;
        return if text.is_empty() { Err(problem()) } else { Ok(1) };
    }
    let is_tokens =
        |raw: &RawValue| serde_json::from_str::<Vec<u32>>(raw.get()).is_ok_and(|list| !list.is_empty());
    if is_tokens(raw) {
        return Ok(1);
    }
    let inputs = elements(raw).ok_or_else(problem)?;
    let all_texts = inputs.iter().all(|input| serde_json::from_str::<String>(input.get()).is_ok());
    let all_tokens = inputs.iter().all(|input| is_tokens(input));
    if inputs.len() > MAX_INPUTS || !(all_texts || all_tokens) {
        return Err(problem());
    }
    Ok(inputs.len())
}

#[cfg(test)]
mod tests;
