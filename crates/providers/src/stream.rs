//! A streamed answer: bytes of the provider in, chunks for the app out, usage at the end.
//!
//! Invariant: the chunks depend on the bytes alone, never on how they were cut into reads; the provider's own usage and
//! terminator are never passed on, so that the caller ends every stream in one way.

use bytes::Bytes;
use domain::model::Dialect;
use serde_json::Value;

use crate::answer::{AnswerContext, Bill};
use crate::anthropic::AnthropicStream;
use crate::error::ProviderError;
use crate::json::{ObjectWriter, array};
use crate::openai::OpenAiStream;
use crate::sse::SseParser;
use crate::text::Text;
use crate::usage::Reported;

/// A comment that keeps a connection open and that clients skip.
pub const KEEP_ALIVE: &[u8] = b": WEIR PROCESSING\n\n";

/// The last event of every stream that ended well.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// One event for the app. Holds content: no `Debug`.
pub struct Chunk {
    /// `data: {…}` and the empty line after it.
    pub bytes: Bytes,
    /// It carries something the model made: text, reasoning, a refusal, a tool call, audio or an image. The first such
    /// chunk ends failover.
    pub is_content: bool,
    /// Bytes of text, reasoning and tool arguments in it, to estimate by where the provider reports no usage.
    pub text_bytes: u64,
}

/// How far a stream has come: what a cut is charged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What the provider has said of usage so far (Anthropic: the prompt's, from the first event on).
    pub reported: Reported,
    /// Chunks with content so far.
    pub content_chunks: u64,
    /// Bytes of text, reasoning and tool arguments so far, also of reasoning that is kept from the app.
    pub text_bytes: u64,
}

/// What is known when a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// What was used; nothing where the provider had not yet said its last word on it.
    pub reported: Reported,
    /// Why the first choice ended: `stop`, `length`, `tool_calls`, `content_filter` or `error`.
    pub finish_reason: Option<&'static str>,
    /// The provider's terminator was seen, or all that it would have followed: nothing is missing.
    pub complete: bool,
}

enum Wire {
    OpenAi(Box<OpenAiStream>),
    Anthropic(Box<AnthropicStream>),
}

/// The state of one streamed answer. Holds content: no `Debug`.
pub struct ChatStream {
    events: SseParser,
    wire: Wire,
    content_chunks: u64,
    text_bytes: u64,
}

impl ChatStream {
    /// The state before the first byte.
    #[must_use]
    pub fn new(dialect: Dialect, context: &AnswerContext) -> Self {
        let wire = match dialect {
            Dialect::OpenAi => Wire::OpenAi(Box::new(OpenAiStream::new(context))),
            Dialect::Anthropic => Wire::Anthropic(Box::new(AnthropicStream::new(context))),
        };
        Self { events: SseParser::default(), wire, content_chunks: 0, text_bytes: 0 }
    }

    /// Takes in what the provider sent and appends the chunks it makes to `chunks`, also those before an error.
    ///
    /// # Errors
    /// [`ProviderError`] for an error of the provider in mid-stream, or bytes that are none of its dialect. The stream
    /// is over then: do not feed it again.
    pub fn feed(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ProviderError> {
        let before = chunks.len();
        self.events.push(bytes);
        let fed = self.drain(chunks);
        for chunk in chunks.iter().skip(before) {
            self.content_chunks += u64::from(chunk.is_content);
            self.text_bytes = self.text_bytes.saturating_add(chunk.text_bytes);
        }
        fed
    }

    fn drain(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ProviderError> {
        loop {
            let event = self.events.next_event();
            let event = event.map_err(|_| ProviderError::malformed("an event of the stream is too large"))?;
            let Some(event) = event else { return Ok(()) };
            match &mut self.wire {
                Wire::OpenAi(wire) => wire.event(&event, chunks)?,
                Wire::Anthropic(wire) => wire.event(&event, chunks)?,
            }
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let reported = match &self.wire {
            Wire::OpenAi(wire) => wire.reported(),
            Wire::Anthropic(wire) => wire.reported(),
        };
        Progress { reported, content_chunks: self.content_chunks, text_bytes: self.text_bytes() }
    }

    /// About how many tokens came, cheaply: one for each piece, or for four bytes where that is more.
    #[must_use]
    pub fn rough_tokens(&self) -> u64 {
        self.content_chunks.max(self.text_bytes() / 4)
    }

    fn text_bytes(&self) -> u64 {
        let hidden_bytes = match &self.wire {
            Wire::OpenAi(_) => 0,
            Wire::Anthropic(wire) => wire.hidden_bytes(),
        };
        self.text_bytes.saturating_add(hidden_bytes)
    }

    /// What was said so far, as far as it is kept: of several choices that come at once, the first.
    #[must_use]
    pub fn text(&self) -> Text {
        let text = match &self.wire {
            Wire::OpenAi(wire) => wire.text(),
            Wire::Anthropic(wire) => wire.text(),
        };
        text.clone().with_bytes(self.text_bytes())
    }

    /// Takes out what was said so far, as far as it is kept: of several choices that come at once, the first.
    #[must_use]
    pub fn take_text(&mut self) -> Text {
        let bytes = self.text_bytes();
        let text = match &mut self.wire {
            Wire::OpenAi(wire) => wire.take_text(),
            Wire::Anthropic(wire) => wire.take_text(),
        };
        text.with_bytes(bytes)
    }

    /// Whether the provider's terminator was seen: nothing more will come, whether or not it closes the stream.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match &self.wire {
            Wire::OpenAi(wire) => wire.is_over(),
            Wire::Anthropic(wire) => wire.is_over(),
        }
    }

    /// What is known now that the provider has closed the stream.
    #[must_use]
    pub fn finish(self) -> Ending {
        match self.wire {
            Wire::OpenAi(wire) => wire.ending(),
            Wire::Anthropic(wire) => wire.ending(),
        }
    }
}

/// The chunk with the usage: `choices` is empty, and only [`DONE`] comes after it.
#[must_use]
pub fn usage_chunk(context: &AnswerContext, bill: &Bill) -> Bytes {
    let mut chunk = ObjectWriter::after(&chunk_head(context), 512);
    chunk.raw("created", &context.created.to_string());
    chunk.raw("choices", "[]");
    chunk.raw_bytes("usage", &bill.to_json(true));
    chunk.finish_event()
}

/// The chunk that ends every choice of a stream as `length` does, since it may get no longer; `reason` is the `weir` of its
/// `metadata`.
#[must_use]
pub fn length_chunk(context: &AnswerContext, choices: u32, reason: &str) -> Bytes {
    let mut chunk = ObjectWriter::after(&chunk_head(context), 512);
    chunk.raw("created", &context.created.to_string());
    let ended = (0..choices).map(|index| {
        format!(r#"{{"index":{index},"delta":{{}},"finish_reason":"length","native_finish_reason":null}}"#)
    });
    chunk.raw_bytes("choices", &array(ended));
    let mut metadata = ObjectWriter::with_capacity(32);
    metadata.string("weir", reason);
    chunk.raw_bytes("metadata", &metadata.finish());
    chunk.finish_event()
}

/// The chunk that ends a stream after content has been sent: `error` as in an error body, and a choice that ended with
/// `error`.
#[must_use]
pub fn error_chunk(context: &AnswerContext, error: &Value) -> Bytes {
    let mut chunk = ObjectWriter::after(&chunk_head(context), 512);
    chunk.raw("created", &context.created.to_string());
    chunk.raw("error", &error.to_string());
    chunk.raw(
        "choices",
        r#"[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":null}]"#,
    );
    chunk.finish_event()
}

/// What every chunk of an answer begins with.
pub(crate) fn chunk_head(context: &AnswerContext) -> Vec<u8> {
    let mut head = ObjectWriter::after(b"data: {\"object\":\"chat.completion.chunk\"", 192);
    head.string("id", &context.id);
    head.string("model", &context.model);
    head.string("provider", &context.provider);
    head.into_head()
}

#[cfg(test)]
mod tests;
