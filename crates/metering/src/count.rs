//! How many tokens a text is, where no provider says so.
//!
//! Invariant: only a count with the model's own vocabulary is called counted; everything else says that it is estimated.
//! The work grows with the length of a text and with nothing else in it.

use std::collections::HashSet;

use tiktoken_rs::CoreBPE;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

use crate::usage::UsageSource;

/// Texts are cut into pieces of at most this many bytes: within one, neither a word without end nor the splitting into
/// words can become expensive, and a cut costs a token at most.
const PIECE_BYTES: usize = 16 * 1024;

/// A count of tokens, and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Tokens of the text alone: no template around messages, no end of message.
    pub tokens: u64,
    /// [`UsageSource::Counted`] with the model's own vocabulary, else [`UsageSource::Estimated`].
    pub source: UsageSource,
}

/// Counts tokens of texts.
///
/// The vocabularies are part of the program; each is loaded at its first use, once per process, and shared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counter;

impl Counter {
    /// Loads what most models need, so that no request waits for it: call it off the runtime's own threads.
    pub fn load(self) {
        Vocabulary::O200k.bpe();
    }

    /// How many tokens `text` is for `model`: an id with or without author (`openai/gpt-4o`), or a provider's own name.
    ///
    /// Takes time, so a long text is best counted off the runtime's own threads.
    #[must_use]
    pub fn count(self, model: &str, text: &str) -> Counted {
        let model = model.to_ascii_lowercase();
        if let Some(vocabulary) = Vocabulary::of(&model) {
            return vocabulary.tokens(text);
        }
        let Counted { tokens, .. } = Vocabulary::O200k.tokens(text);
        let tokens = tokens.saturating_mul(Family::of(&model).per_hundred()).div_ceil(100);
        Counted { tokens, source: UsageSource::Estimated }
    }

    /// How many tokens a text of `bytes` is for `model`, of which there are these pieces: what is not there is taken to be
    /// like what is, and where nothing is, about four bytes a token. Only a text that is all there is called counted.
    ///
    /// Takes time, as [`count`](Self::count).
    #[must_use]
    pub fn count_pieces(self, model: &str, pieces: &[String], bytes: u64) -> Counted {
        let mut counted = Counted { tokens: 0, source: UsageSource::Counted };
        let mut there = 0_u64;
        for piece in pieces {
            let Counted { tokens, source } = self.count(model, piece);
            counted.tokens = counted.tokens.saturating_add(tokens);
            there = there.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if source != UsageSource::Counted {
                counted.source = source;
            }
        }
        let rest = bytes.saturating_sub(there);
        if rest > 0 {
            counted.tokens = counted.tokens.saturating_add(alike(rest, counted.tokens, there));
            counted.source = UsageSource::Estimated;
        }
        counted
    }

    /// About how many tokens a text of `bytes` is, whatever it says.
    #[must_use]
    pub const fn by_size(bytes: u64) -> Counted {
        Counted { tokens: bytes.div_ceil(BYTES_PER_TOKEN), source: UsageSource::Estimated }
    }
}

/// Of English text, about.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens of `rest` bytes, where `there` bytes are so many `tokens`.
fn alike(rest: u64, tokens: u64, there: u64) -> u64 {
    if tokens == 0 || there == 0 {
        return Counter::by_size(rest).tokens;
    }
    let tokens = (u128::from(rest) * u128::from(tokens)).div_ceil(u128::from(there));
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// Whether `model` thinks without showing it (the o series, gpt-5): then what it is billed for is more than its text.
#[must_use]
pub fn thinks_unseen(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let name = model.rsplit('/').next().unwrap_or(&model);
    let is_o = name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_o || name.starts_with("gpt-5")
}

/// A vocabulary that its maker has published and that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    /// gpt-4o, gpt-4.1, gpt-5, the o series, gpt-oss.
    O200k,
    /// gpt-4, gpt-3.5, embeddings.
    Cl100k,
}

impl Vocabulary {
    /// The vocabulary of a model in lower case, if it is known.
    fn of(model: &str) -> Option<Self> {
        let name = model.rsplit('/').next().unwrap_or(model);
        match get_tokenizer(name)? {
            // The second one differs in its special tokens only, and a text has none.
            Tokenizer::O200kBase | Tokenizer::O200kHarmony => Some(Self::O200k),
            Tokenizer::Cl100kBase => Some(Self::Cl100k),
            _ => None,
        }
    }

    fn bpe(self) -> &'static CoreBPE {
        match self {
            Self::O200k => tiktoken_rs::o200k_base_singleton(),
            Self::Cl100k => tiktoken_rs::cl100k_base_singleton(),
        }
    }

    fn tokens(self, text: &str) -> Counted {
        let (bpe, none) = (self.bpe(), HashSet::new());
        let mut counted = Counted { tokens: 0, source: UsageSource::Counted };
        for piece in pieces(text) {
            // What looks like a special token is plain text here: an app wrote it, or a model did.
            let tokens = bpe.count(piece, &none).unwrap_or_else(|_| {
                counted.source = UsageSource::Estimated;
                piece.len().div_ceil(4)
            });
            counted.tokens = counted.tokens.saturating_add(u64::try_from(tokens).unwrap_or(u64::MAX));
        }
        counted
    }
}

/// `text` in pieces of at most [`PIECE_BYTES`], cut before white space where there is some: words begin with theirs.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(cut(rest)).unwrap_or((rest, ""));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Where to cut the first piece of `text`.
fn cut(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let end = text.floor_char_boundary(PIECE_BYTES);
    let piece = text.get(..end).unwrap_or(text);
    piece.rfind(char::is_whitespace).filter(|at| *at > end / 2).unwrap_or(end)
}

/// Models whose vocabulary is not built in, and which are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Anthropic,
    DeepSeek,
    Gemini,
    Llama,
    Mistral,
    OpenAi,
    Qwen,
    Xai,
    Other,
}

impl Family {
    /// Parts of names, the first that fits: a distilled model has the vocabulary of what it was distilled into, and
    /// Perplexity's are Llama's. Mistral's names end alike.
    const NAMES: [(&str, Self); 15] = [
        ("claude", Self::Anthropic),
        ("anthropic", Self::Anthropic),
        ("gemini", Self::Gemini),
        ("gemma", Self::Gemini),
        ("qwen", Self::Qwen),
        ("qwq", Self::Qwen),
        ("llama", Self::Llama),
        ("sonar", Self::Llama),
        ("stral", Self::Mistral),
        ("xtral", Self::Mistral),
        ("deepseek", Self::DeepSeek),
        ("grok", Self::Xai),
        ("x-ai/", Self::Xai),
        ("gpt-", Self::OpenAi),
        ("openai/", Self::OpenAi),
    ];

    /// The family of a model in lower case.
    fn of(model: &str) -> Self {
        let named = Self::NAMES.into_iter().find(|(part, _)| model.contains(part));
        named.map_or(Self::Other, |(_, family)| family)
    }

    /// Tokens per hundred of o200k.
    ///
    /// Measured, where nothing else is said, as the sum of what the provider counted over the sum of what o200k counts,
    /// on recorded English answers of text alone (the test prints both). Other languages and code may differ more.
    const fn per_hundred(self) -> u64 {
        match self {
            // 2807 / 2179, seven answers: 122 for models of the fourth generation, 134 for the fifth
            Self::Anthropic => 129,
            // 756 / 746, four answers
            Self::DeepSeek => 101,
            // 161 / 149, six short answers
            Self::Gemini => 108,
            // 1912 / 1886, four answers, of Llama 3.3 and Sonar
            Self::Llama => 101,
            // 434 / 422, one answer
            Self::Mistral => 103,
            // not measured: models newer than the list of names are taken to keep the newest vocabulary
            Self::OpenAi => 100,
            // 223 / 213, two answers
            Self::Qwen => 105,
            // 1804 / 1881, three answers
            Self::Xai => 96,
            // not measured: half-way between the least and the most of the measured
            Self::Other => 113,
        }
    }
}

#[cfg(test)]
mod tests;
