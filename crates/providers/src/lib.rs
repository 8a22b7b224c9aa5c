//! Translation between the OpenAI shape that apps speak and each provider's own wire, in both directions.
//!
//! Invariant: pure. No IO, no clock, no randomness, no logging, and no panic, whatever a provider sends. Values that
//! hold content (requests, answers, what a provider says of an error) have no `Debug`.
//!
//! The way of one request, in the order the data plane calls:
//!
//! 1. [`ChatRequest::parse`] or [`EmbeddingsRequest::parse`]: strict about what is known, a [`BadRequest`] names the
//!    field; what is not known rides along.
//! 2. [`chat_request`] or [`embeddings_request`]: an [`Outgoing`] for one [`Target`].
//! 3. A status other than 2xx: [`provider_error`]. A whole answer: [`chat_answer`] or [`embeddings_answer`] gives an
//!    [`Answer`]; its [`Reported`] usage is priced, then [`Answer::write`] makes the body with the [`Bill`] in it.
//! 4. A stream: [`ChatStream::feed`] gives the chunks as they are to be sent; [`ChatStream::finish`] gives the usage;
//!    the caller prices it and ends with [`usage_chunk`] and [`DONE`], or with [`error_chunk`].
//!
//! Usage alone, of every shape that is known, is read by [`read_usage`]. Where a provider says none, the [`Text`] of a
//! request and of its answer is there to be counted.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]
#![warn(missing_docs)]

mod answer;
mod anthropic;
mod chat;
mod embeddings;
mod error;
mod field;
mod hangup;
mod json;
mod media;
mod message;
mod models;
mod openai;
mod prefs;
mod sse;
mod stream;
mod text;
mod translator;
mod usage;

pub use answer::{Answer, AnswerContext, Bill};
pub use chat::ChatRequest;
pub use embeddings::EmbeddingsRequest;
pub use error::{ProviderError, ProviderText, Retry, provider_error};
pub use field::BadRequest;
pub use hangup::bills_on;
pub use media::Media;
pub use models::{model_names, models_request};
pub use prefs::{PricedFields, ProviderPrefs};
pub use sse::{MAX_EVENT_BYTES, SseEvent, SseParser, TooLarge};
pub use stream::{
    ChatStream, Chunk, DONE, Ending, KEEP_ALIVE, Progress, error_chunk, length_chunk, usage_chunk,
};
pub use text::{MOST_KEPT, Text};
pub use translator::{
    Outgoing, Target, TranslateError, chat_answer, chat_request, embeddings_answer, embeddings_request,
};
pub use usage::{Reported, UsageShape, read_usage};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod priced;
#[cfg(test)]
mod recorded;
