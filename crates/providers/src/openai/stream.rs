//! A stream in OpenAI's shape: chunks pass through, usage and terminator stay here.
//!
//! Invariant: a chunk keeps every field the provider gave it but `id`, `model`, `provider` and `usage`.

use domain::model::Dialect;

use super::answer::{ChoiceView, write_choice};
use crate::answer::AnswerContext;
use crate::error::ProviderError;
use crate::json::{Fields, ObjectWriter, array};
use crate::sse::SseEvent;
use crate::stream::{Chunk, Ending, chunk_head};
use crate::text::Text;
use crate::usage::{self, Reported};

pub(crate) struct OpenAiStream {
    head: Vec<u8>,
    created: i64,
    exclude_reasoning: bool,
    reported: Reported,
    finish_reason: Option<&'static str>,
    choices_begun: u32,
    choices_finished: u32,
    is_done: bool,
    text: Text,
}

impl OpenAiStream {
    pub(crate) fn new(context: &AnswerContext) -> Self {
        Self {
            head: chunk_head(context),
            created: context.created,
            exclude_reasoning: context.exclude_reasoning,
            reported: Reported::default(),
            finish_reason: None,
            choices_begun: 0,
            choices_finished: 0,
            is_done: false,
            text: Text::default(),
        }
    }

    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    pub(crate) fn take_text(&mut self) -> Text {
        std::mem::take(&mut self.text)
    }

    pub(crate) fn reported(&self) -> Reported {
        self.reported
    }

    /// Some hosts leave the terminator out: where every choice has ended and usage has been said, nothing is missing.
    /// The terminator was seen.
    pub(crate) fn is_over(&self) -> bool {
        self.is_done
    }

    pub(crate) fn ending(&self) -> Ending {
        let has_ended = self.choices_begun > 0 && self.choices_finished >= self.choices_begun;
        let complete = self.is_done || (has_ended && self.reported != Reported::default());
        let reported = if complete { self.reported } else { Reported::default() };
        Ending { reported, finish_reason: self.finish_reason, complete }
    }

    pub(crate) fn event(&mut self, event: &SseEvent, chunks: &mut Vec<Chunk>) -> Result<(), ProviderError> {
        let data = event.data.trim_ascii();
        if self.is_done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let fields: Result<Fields<'_>, _> = serde_json::from_slice(data);
        let fields = fields.map_err(|_| ProviderError::malformed("the provider's stream is not JSON"))?;
        if let Some(error) = fields.present("error") {
            return Err(ProviderError::in_band(Dialect::OpenAi, error));
        }
        let usage = fields.present("usage");
        if usage.is_some() {
            self.reported = usage::from_chat(usage);
        }
        let choices = match fields.present("choices") {
            None if usage.is_some() => Some(Vec::new()),
            None => None,
            Some(raw) => serde_json::from_str::<Vec<Fields<'_>>>(raw.get()).ok(),
        };
        let choices =
            choices.ok_or_else(|| ProviderError::malformed("the provider's stream has no choices"))?;
        if choices.is_empty() && usage.is_some() {
            return Ok(());
        }
        chunks.push(self.chunk(&fields, &choices));
        Ok(())
    }

    fn chunk(&mut self, fields: &Fields<'_>, choices: &[Fields<'_>]) -> Chunk {
        let views: Vec<ChoiceView<'_>> =
            choices.iter().map(|choice| ChoiceView::of(choice, "delta")).collect();
        for view in &views {
            self.choices_begun = self.choices_begun.max(view.index.saturating_add(1));
            if view.finish_reason.is_some() {
                self.choices_finished = self.choices_finished.saturating_add(1);
            }
            if view.index == 0 {
                self.finish_reason = self.finish_reason.or(view.finish_reason);
                view.keep(&mut self.text);
            }
        }
        let length = fields.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum();
        let mut chunk = ObjectWriter::after(&self.head, length);
        let mut has_created = false;
        for (name, value) in fields.iter() {
            match name {
                "id" | "object" | "model" | "provider" | "usage" | "error" => {}
                // absent or a string: a client fails on null
                "system_fingerprint" if value.get() == "null" => {}
                "created" => {
                    has_created = value.get().parse::<i64>().is_ok_and(|created| created > 0);
                    if has_created {
                        chunk.raw(name, value.get());
                    }
                }
                "choices" if !views.iter().all(|view| view.is_as_needed(self.exclude_reasoning)) => {
                    let both = choices.iter().zip(&views);
                    let written = both
                        .map(|(choice, view)| write_choice(choice, view, "delta", self.exclude_reasoning));
                    chunk.raw_bytes(name, &array(written));
                }
                _ => chunk.raw(name, value.get()),
            }
        }
        if !has_created {
            chunk.raw("created", &self.created.to_string());
        }
        Chunk {
            bytes: chunk.finish_event(),
            is_content: views.iter().any(|view| view.has_content),
            text_bytes: views.iter().map(|view| view.text_bytes).sum(),
        }
    }
}
