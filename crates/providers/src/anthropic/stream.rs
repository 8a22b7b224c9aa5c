//! A stream of Anthropic as OpenAI's chunks.
//!
//! Invariant: text, arguments and signatures pass through undecoded; each tool call has its own index, in the order they
//! begin; usage counts as final only once the provider has given it with a reason to stop.

use domain::model::Dialect;
use serde_json::value::RawValue;

use super::answer::refusal;
use super::wire::{detail, finish_reason, tool_call};
use crate::answer::AnswerContext;
use crate::error::ProviderError;
use crate::json::{Fields, ObjectWriter, array, inner, string, text_len};
use crate::sse::SseEvent;
use crate::stream::{Chunk, Ending, chunk_head};
use crate::text::Text;
use crate::usage::{AnthropicUsage, Reported};

/// A content block that has begun and not ended.
struct Block {
    index: u64,
    kind: BlockKind,
}

enum BlockKind {
    Thinking {
        detail: usize,
    },
    /// `input` is what the block began with: sent where no part of it is streamed.
    Tool {
        call: usize,
        input: Option<String>,
    },
}

pub(crate) struct AnthropicStream {
    head: Vec<u8>,
    exclude_reasoning: bool,
    usage: AnthropicUsage,
    usage_is_final: bool,
    finish_reason: Option<&'static str>,
    is_stopped: bool,
    blocks: Vec<Block>,
    details: usize,
    tool_calls: usize,
    hidden_bytes: u64,
    text: Text,
}

impl AnthropicStream {
    pub(crate) fn new(context: &AnswerContext) -> Self {
        let mut head = ObjectWriter::after(&chunk_head(context), 32);
        head.raw("created", &context.created.to_string());
        Self {
            head: head.into_head(),
            exclude_reasoning: context.exclude_reasoning,
            usage: AnthropicUsage::default(),
            usage_is_final: false,
            finish_reason: None,
            is_stopped: false,
            blocks: Vec::new(),
            details: 0,
            tool_calls: 0,
            hidden_bytes: 0,
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
        self.usage.reported()
    }

    /// Bytes of thinking that was kept from the app.
    pub(crate) fn hidden_bytes(&self) -> u64 {
        self.hidden_bytes
    }

    /// The terminator was seen.
    pub(crate) fn is_over(&self) -> bool {
        self.is_stopped
    }

    pub(crate) fn ending(&self) -> Ending {
        let reported = if self.usage_is_final { self.usage.reported() } else { Reported::default() };
        Ending { reported, finish_reason: self.finish_reason, complete: self.is_stopped }
    }

    pub(crate) fn event(&mut self, event: &SseEvent, chunks: &mut Vec<Chunk>) -> Result<(), ProviderError> {
        if self.is_stopped || event.data.trim_ascii().is_empty() {
            return Ok(());
        }
        let fields: Result<Fields<'_>, _> = serde_json::from_slice(&event.data);
        let fields = fields.map_err(|_| ProviderError::malformed("the provider's stream is not JSON"))?;
        match fields.text("type").as_deref() {
            Some("message_start") => {
                let message = fields.present("message").and_then(Fields::of).unwrap_or_default();
                self.merge_usage(&message);
                chunks.push(self.chunk(br#"{"role":"assistant","content":""}"#, Weight::NONE));
            }
            Some("content_block_start") => chunks.extend(self.begin_block(&fields)),
            Some("content_block_delta") => chunks.extend(self.delta(&fields)),
            Some("content_block_stop") => chunks.extend(self.end_block(&fields)),
            Some("message_delta") => chunks.extend(self.message_delta(&fields)),
            Some("message_stop") => self.is_stopped = true,
            Some("error") => {
                let error = fields.present("error");
                let error = error.map(|error| ProviderError::in_band(Dialect::Anthropic, error));
                return Err(error.unwrap_or_else(|| ProviderError::malformed("the provider gave no reason")));
            }
            // `ping`, and what may be added: the documentation asks to skip it
            Some(_) => {}
            None => {
                return Err(ProviderError::malformed("the provider's stream has an event without a type"));
            }
        }
        Ok(())
    }

    fn merge_usage(&mut self, holder: &Fields<'_>) -> bool {
        let usage = holder.present("usage");
        if let Some(usage) = usage {
            self.usage.merge(usage);
        }
        usage.is_some()
    }

    fn begin_block(&mut self, fields: &Fields<'_>) -> Option<Chunk> {
        let index = block_index(fields);
        let block = fields.present("content_block").and_then(Fields::of)?;
        match block.text("type").as_deref() {
            Some("text") => {
                let text = block.present("text").filter(|raw| raw.get() != "\"\"")?;
                Some(self.content(text))
            }
            Some("thinking") => {
                self.blocks.push(Block { index, kind: BlockKind::Thinking { detail: self.details } });
                self.details += 1;
                let text = block.present("thinking").filter(|raw| raw.get() != "\"\"")?;
                self.thought(self.details - 1, text)
            }
            Some("redacted_thinking") => {
                self.details += 1;
                let data = block.present("data").filter(|_| !self.exclude_reasoning)?;
                let details = array([detail("reasoning.encrypted", self.details - 1, &[("data", data)])]);
                let mut delta = ObjectWriter::with_capacity(details.len() + 32);
                delta.raw_bytes("reasoning_details", &details);
                Some(self.chunk(&delta.finish(), Weight::of(data)))
            }
            Some("tool_use") => {
                let (id, name) = (block.present("id")?, block.present("name")?);
                self.text.keep(name);
                let call = self.tool_calls;
                self.tool_calls += 1;
                let input = block.present("input").map(|input| input.get().to_owned());
                self.blocks.push(Block {
                    index,
                    kind: BlockKind::Tool { call, input: input.or(Some("{}".to_owned())) },
                });
                let mut item = ObjectWriter::new();
                item.raw("index", &call.to_string());
                tool_call(&mut item, id, name, b"\"\"");
                Some(self.tool_chunk(item, Weight::of(name)))
            }
            _ => None,
        }
    }

    fn delta(&mut self, fields: &Fields<'_>) -> Option<Chunk> {
        let index = block_index(fields);
        let delta = fields.present("delta").and_then(Fields::of)?;
        match delta.text("type").as_deref() {
            Some("text_delta") => Some(self.content(delta.present("text")?)),
            Some("thinking_delta") => {
                let detail = self.detail_of(index)?;
                self.thought(detail, delta.present("thinking")?)
            }
            Some("signature_delta") if !self.exclude_reasoning => {
                let number = self.detail_of(index)?;
                let details =
                    array([detail("reasoning.text", number, &[("signature", delta.present("signature")?)])]);
                let mut delta = ObjectWriter::with_capacity(details.len() + 32);
                delta.raw_bytes("reasoning_details", &details);
                Some(self.chunk(&delta.finish(), Weight::CONTENT))
            }
            Some("input_json_delta") => {
                let part = delta.present("partial_json").filter(|raw| raw.get() != "\"\"")?;
                let block = self.blocks.iter_mut().find(|block| block.index == index)?;
                let BlockKind::Tool { call, input } = &mut block.kind else { return None };
                *input = None;
                let call = *call;
                self.text.keep(part);
                Some(self.arguments(call, part.get().as_bytes(), Weight::of(part)))
            }
            _ => None,
        }
    }

    /// A tool without arguments streams none: the app still needs a JSON object.
    fn end_block(&mut self, fields: &Fields<'_>) -> Option<Chunk> {
        let index = block_index(fields);
        let at = self.blocks.iter().position(|block| block.index == index)?;
        match self.blocks.swap_remove(at).kind {
            BlockKind::Tool { call, input: Some(input) } => {
                self.text.keep_plain(&input);
                let weight = Weight { is_content: true, text_bytes: u64::try_from(input.len()).unwrap_or(0) };
                Some(self.arguments(call, &string(&input), weight))
            }
            _ => None,
        }
    }

    fn message_delta(&mut self, fields: &Fields<'_>) -> Option<Chunk> {
        let has_usage = self.merge_usage(fields);
        let delta = fields.present("delta").and_then(Fields::of)?;
        let native = delta.present("stop_reason").filter(|raw| raw.get().starts_with('"'))?;
        self.usage_is_final |= has_usage;
        let finish = finish_reason(inner(native));
        self.finish_reason = Some(finish);
        let mut written = ObjectWriter::new();
        let refusal = refusal(&delta);
        if let Some(refusal) = refusal {
            written.raw("refusal", refusal.get());
        }
        let weight = refusal.map_or(Weight::NONE, |_| Weight::CONTENT);
        Some(self.choice_chunk(&written.finish(), &string(finish), native.get(), weight))
    }

    fn detail_of(&self, index: u64) -> Option<usize> {
        self.blocks.iter().find(|block| block.index == index).and_then(|block| match block.kind {
            BlockKind::Thinking { detail } => Some(detail),
            BlockKind::Tool { .. } => None,
        })
    }

    fn content(&mut self, text: &RawValue) -> Chunk {
        self.text.keep(text);
        let mut delta = ObjectWriter::with_capacity(text.get().len() + 32);
        delta.raw("content", text.get());
        self.chunk(&delta.finish(), Weight::of(text))
    }

    fn thought(&mut self, number: usize, text: &RawValue) -> Option<Chunk> {
        self.text.keep(text);
        if self.exclude_reasoning {
            self.hidden_bytes = self.hidden_bytes.saturating_add(text_len(text));
            return None;
        }
        let mut delta = ObjectWriter::with_capacity(2 * text.get().len() + 128);
        delta.raw("reasoning", text.get());
        delta.raw_bytes("reasoning_details", &array([detail("reasoning.text", number, &[("text", text)])]));
        Some(self.chunk(&delta.finish(), Weight::of(text)))
    }

    fn arguments(&self, call: usize, text: &[u8], weight: Weight) -> Chunk {
        let mut function = ObjectWriter::with_capacity(text.len() + 32);
        function.raw_bytes("arguments", text);
        let mut item = ObjectWriter::new();
        item.raw("index", &call.to_string());
        item.raw_bytes("function", &function.finish());
        self.tool_chunk(item, weight)
    }

    fn tool_chunk(&self, item: ObjectWriter, weight: Weight) -> Chunk {
        let mut delta = ObjectWriter::with_capacity(256);
        delta.raw_bytes("tool_calls", &array([item.finish()]));
        self.chunk(&delta.finish(), weight)
    }

    fn chunk(&self, delta: &[u8], weight: Weight) -> Chunk {
        self.choice_chunk(delta, b"null", "null", weight)
    }

    fn choice_chunk(&self, delta: &[u8], finish: &[u8], native: &str, weight: Weight) -> Chunk {
        let mut choice = ObjectWriter::with_capacity(delta.len() + 128);
        choice.raw("index", "0");
        choice.raw_bytes("delta", delta);
        choice.raw_bytes("finish_reason", finish);
        choice.raw("native_finish_reason", native);
        choice.raw("logprobs", "null");
        let mut chunk = ObjectWriter::after(&self.head, delta.len() + 192);
        chunk.raw_bytes("choices", &array([choice.finish()]));
        Chunk { bytes: chunk.finish_event(), is_content: weight.is_content, text_bytes: weight.text_bytes }
    }
}

/// What a chunk counts for.
#[derive(Clone, Copy)]
struct Weight {
    is_content: bool,
    text_bytes: u64,
}

impl Weight {
    const NONE: Self = Self { is_content: false, text_bytes: 0 };
    const CONTENT: Self = Self { is_content: true, text_bytes: 0 };

    fn of(text: &RawValue) -> Self {
        let text_bytes = text_len(text);
        Self { is_content: text_bytes > 0, text_bytes }
    }
}

fn block_index(fields: &Fields<'_>) -> u64 {
    fields.get("index").and_then(|raw| raw.get().parse().ok()).unwrap_or(0)
}
