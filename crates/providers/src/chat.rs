//! The chat request of an app, OpenAI-shaped: checked, cut into fields, and what only the gateway understands taken out.
//!
//! Invariant: what is forwarded is forwarded byte for byte; a field that is known is checked, one that is not rides
//! along; nothing that only the gateway understands stays among the fields that can reach a provider.

mod check;

use bytes::Bytes;
use domain::Amount;
use serde_json::value::RawValue;

use crate::field::{BadRequest, body_fields, flag, integer, object, one_of, short_text, text, texts};
use crate::json::elements;
use crate::media::Media;
use crate::message;
use crate::prefs::{self, PricedFields, ProviderPrefs, Reasoning};
use crate::text::Text;

const MAX_CHOICES: u32 = 128;
const SERVICE_TIERS: [&str; 6] = ["auto", "default", "fast", "flex", "priority", "scale"];

/// A chat request. Holds content: no `Debug`.
#[derive(Default)]
pub struct ChatRequest {
    model: Option<String>,
    models: Vec<String>,
    prefs: ProviderPrefs,
    streams: bool,
    include_usage: bool,
    choices: Option<u32>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    max_cost: Option<Amount>,
    message_count: usize,
    tool_count: usize,
    media: Media,
    prompt_bytes: usize,
    user: Option<String>,
    session: Option<String>,
    metadata: Vec<(String, String)>,
    priced: PricedFields,
    is_stored: bool,
    /// Some message holds reasoning or cache marks, which not every dialect takes.
    pub(crate) messages_need_cleaning: bool,
    pub(crate) tools_need_cleaning: bool,
    pub(crate) reasoning: Reasoning,
    /// The fields that may reach a provider, in order, with the text of their values.
    pub(crate) fields: Vec<(String, Bytes)>,
}

impl ChatRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// [`BadRequest`] naming the field: text that is no JSON object, a key that appears twice anywhere, a known field
    /// of the wrong type or out of range, or one that asks the gateway for something it does not do.
    pub fn parse(body: &Bytes) -> Result<Self, BadRequest> {
        let mut request = Self::default();
        for (name, raw) in body_fields(body)?.iter() {
            if !is_free_of_prompt(name) {
                request.prompt_bytes += raw.get().len();
            }
            if raw.get() != "null" {
                request.take(name, raw)?;
            }
            if !is_for_gateway_alone(name) {
                request.fields.push((name.to_owned(), body.slice_ref(raw.get().as_bytes())));
            }
        }
        if request.message_count == 0 {
            return Err(BadRequest::new("messages", "must be an array with at least one message"));
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

    /// Whether it wants a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.streams
    }

    /// Whether it asks for usage in the stream. For the record: usage is always sent.
    #[must_use]
    pub fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// How many choices it wants (`n`).
    #[must_use]
    pub fn choices(&self) -> u32 {
        self.choices.unwrap_or(1)
    }

    /// Completion tokens it allows per choice: the lower of `max_tokens` and `max_completion_tokens`.
    #[must_use]
    pub fn max_output_tokens(&self) -> Option<u32> {
        [self.max_tokens, self.max_completion_tokens].into_iter().flatten().min()
    }

    /// The most it may cost.
    #[must_use]
    pub fn max_cost(&self) -> Option<Amount> {
        self.max_cost
    }

    /// How many messages it has.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.message_count
    }

    /// How many tools it offers the model.
    #[must_use]
    pub fn tool_count(&self) -> usize {
        self.tool_count
    }

    /// Bytes of everything that may become prompt (messages, tools, schemas, predictions, fields that are not known),
    /// as JSON text: no tokenizer that works on bytes makes more tokens of their content. Media is included.
    #[must_use]
    pub fn prompt_bytes(&self) -> usize {
        self.prompt_bytes
    }

    /// What becomes prompt, to be counted where the provider does not: all that the messages say, with tools and schemas
    /// as they are written here.
    #[must_use]
    pub fn prompt_text(&self) -> Text {
        let mut text = Text::default();
        if let Some(messages) = self.field("messages") {
            message::said(messages, &mut text);
        }
        let schema = self.field("response_format").filter(|format| format.get().contains("\"schema\""));
        let defined = ["tools", "functions", "prediction"].into_iter().filter_map(|name| self.field(name));
        for definition in defined.chain(schema) {
            text.add_plain(definition.get());
            text.is_lacking();
        }
        text
    }

    /// Its images, sounds, videos and files: [`prompt_bytes`](Self::prompt_bytes) bounds nothing that is given by URL.
    #[must_use]
    pub fn media(&self) -> Media {
        self.media
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

    /// Fields that change what it costs.
    #[must_use]
    pub fn priced(&self) -> &PricedFields {
        &self.priced
    }

    /// Whether it asks the provider to keep the answer (`store`): never to be let through under zero retention.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Whether the model may think but the app does not want to see it; for [`AnswerContext`].
    ///
    /// [`AnswerContext`]: crate::AnswerContext
    #[must_use]
    pub fn excludes_reasoning(&self) -> bool {
        self.reasoning.exclude
    }

    /// The text of field `name`, unless it is absent or `null`.
    pub(crate) fn field(&self, name: &str) -> Option<&RawValue> {
        let (_, value) = self.fields.iter().find(|(known, _)| known == name)?;
        serde_json::from_slice::<&RawValue>(value).ok().filter(|raw| raw.get() != "null")
    }

    /// Checks one field and keeps what the gateway needs of it.
    fn take(&mut self, name: &str, raw: &RawValue) -> Result<(), BadRequest> {
        match name {
            "messages" => {
                let checked = message::check(raw)?;
                (self.message_count, self.media) = (checked.count, checked.media);
                self.messages_need_cleaning = checked.needs_cleaning;
            }
            "tools" => {
                self.tool_count = check::tools(raw)?;
                self.tools_need_cleaning = raw.get().contains("\"cache_control\"");
            }
            "tool_choice" => check::tool_choice(raw)?,
            "response_format" => check::response_format(raw)?,
            "n" => self.choices = Some(integer(raw, name, 1, MAX_CHOICES)?),
            "max_tokens" => self.max_tokens = Some(integer(raw, name, 1, u32::MAX)?),
            "max_completion_tokens" => self.max_completion_tokens = Some(integer(raw, name, 1, u32::MAX)?),
            "stream" => self.streams = flag(raw, name)?,
            "stream_options" => self.include_usage = check::include_usage(raw)?,
            "service_tier" => {
                let tier = one_of(raw, name, &SERVICE_TIERS)?;
                let is_priced = !matches!(tier, "auto" | "default");
                self.priced.service_tier = is_priced.then(|| tier.to_owned());
            }
            "prediction" => {
                object(raw, name)?;
                self.priced.prediction_bytes = u64::try_from(raw.get().len()).unwrap_or(u64::MAX);
            }
            "modalities" => {
                let modalities = texts(raw, name)?;
                let asks = |modality: &str| modalities.iter().any(|asked| asked == modality);
                (self.priced.audio_output, self.priced.image_output) = (asks("audio"), asks("image"));
            }
            "web_search_options" | "x_search_filter" => self.priced.web_search = true,
            "user" => self.user = Some(short_text(raw, name, 512)?),
            "metadata" => self.metadata = prefs::metadata(raw)?,
            "store" => self.is_stored = flag(raw, name)?,
            "reasoning" => self.reasoning.read_object(raw)?,
            "reasoning_effort" => self.reasoning.read_effort(raw)?,
            "include_reasoning" => self.reasoning.read_include(raw)?,
            _ => return self.take_for_gateway(name, raw),
        }
        Ok(())
    }

    /// Fields that only the gateway understands, and the plain ones.
    fn take_for_gateway(&mut self, name: &str, raw: &RawValue) -> Result<(), BadRequest> {
        match name {
            "model" => self.model = Some(text(raw, name)?),
            "models" => self.models = prefs::models(raw)?,
            "provider" => self.prefs = ProviderPrefs::parse(raw)?,
            "session_id" => self.session = Some(short_text(raw, name, 256)?),
            "max_cost" => self.max_cost = Some(prefs::max_cost(raw)?),
            "usage" | "trace" | "debug" => {
                object(raw, name)?;
            }
            "plugins" | "transforms" if elements(raw).is_some_and(|list| list.is_empty()) => {}
            "plugins"
            | "transforms"
            | "route"
            | "preset"
            | "stop_server_tools_when"
            | "max_tool_calls"
            | "prompt" => {
                return Err(BadRequest::new(name, "not supported on this endpoint"));
            }
            _ => check::plain(name, raw)?,
        }
        Ok(())
    }
}

/// Never reaches a provider.
fn is_for_gateway_alone(name: &str) -> bool {
    matches!(
        name,
        "model"
            | "models"
            | "provider"
            | "session_id"
            | "max_cost"
            | "usage"
            | "trace"
            | "debug"
            | "plugins"
            | "transforms"
            | "route"
            | "preset"
            | "stop_server_tools_when"
            | "max_tool_calls"
            | "reasoning"
            | "include_reasoning"
            | "structured_outputs"
            | "prompt"
    )
}

/// Known never to become prompt. Everything else counts, so that the bound holds for fields that are not known.
fn is_free_of_prompt(name: &str) -> bool {
    is_for_gateway_alone(name)
        || matches!(
            name,
            "stream"
                | "stream_options"
                | "temperature"
                | "top_p"
                | "top_k"
                | "min_p"
                | "top_a"
                | "seed"
                | "n"
                | "frequency_penalty"
                | "presence_penalty"
                | "repetition_penalty"
                | "max_tokens"
                | "stop"
                | "store"
                | "max_completion_tokens"
                | "logit_bias"
                | "logprobs"
                | "top_logprobs"
                | "tool_choice"
                | "user"
                | "parallel_tool_calls"
                | "reasoning_effort"
                | "verbosity"
                | "modalities"
                | "audio"
                | "metadata"
                | "service_tier"
                | "safety_identifier"
                | "prompt_cache_key"
                | "cache_control"
        )
}

#[cfg(test)]
mod tests;
