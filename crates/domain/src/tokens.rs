//! What was used, in disjoint classes.
//!
//! Invariant: a token is counted in exactly one class: `Input` excludes cached and cache-write tokens, `Output` excludes
//! reasoning. The classes' sum is the provider's total, or the event is flagged.

/// One class of metered units. Most are tokens; `Request` and `ToolCall` count calls, `Image…` tokens or images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenClass {
    /// Prompt tokens read afresh.
    Input,
    /// Prompt tokens read from the provider's cache.
    CachedInput,
    /// Prompt tokens written to a cache that lasts five minutes (also providers with a single kind of write).
    CacheWrite5m,
    /// Prompt tokens written to a cache that lasts one hour.
    CacheWrite1h,
    /// Completion tokens the app sees.
    Output,
    /// Completion tokens spent on reasoning.
    Reasoning,
    /// Audio tokens in the prompt.
    AudioInput,
    /// Audio tokens in the completion.
    AudioOutput,
    /// Image tokens in the prompt.
    ImageInput,
    /// Image tokens in the completion.
    ImageOutput,
    /// Requests, where a provider charges per request.
    Request,
    /// Tool calls that the provider runs and charges for.
    ToolCall,
}

impl TokenClass {
    /// How many classes there are.
    pub const COUNT: usize = 12;

    /// Every class, in the order of the stored columns.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Output,
        Self::Reasoning,
        Self::AudioInput,
        Self::AudioOutput,
        Self::ImageInput,
        Self::ImageOutput,
        Self::Request,
        Self::ToolCall,
    ];

    /// The name in SQL, GraphQL, reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::ImageInput => "image_input",
            Self::ImageOutput => "image_output",
            Self::Request => "request",
            Self::ToolCall => "tool_call",
        }
    }

    /// The class with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// One value per class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerClass<T>([T; TokenClass::COUNT]);

impl<T: Copy> PerClass<T> {
    /// The value of `class`.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the array has one place per class")]
    pub fn get(&self, class: TokenClass) -> T {
        self.0[class.index()]
    }

    /// Replaces the value of `class`.
    #[expect(clippy::indexing_slicing, reason = "the array has one place per class")]
    pub fn set(&mut self, class: TokenClass, value: T) {
        self.0[class.index()] = value;
    }

    /// The same with `class` replaced.
    #[must_use]
    pub fn with(mut self, class: TokenClass, value: T) -> Self {
        self.set(class, value);
        self
    }

    /// Every class with its value.
    pub fn iter(&self) -> impl Iterator<Item = (TokenClass, T)> {
        TokenClass::ALL.into_iter().zip(self.0)
    }
}

/// Units used per class.
pub type TokenUsage = PerClass<u64>;

impl TokenUsage {
    /// All prompt tokens: fresh, cached, written, audio and image.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        use TokenClass::{AudioInput, CacheWrite1h, CacheWrite5m, CachedInput, ImageInput, Input};
        self.total([Input, CachedInput, CacheWrite5m, CacheWrite1h, AudioInput, ImageInput])
    }

    /// All completion tokens, reasoning included.
    #[must_use]
    pub fn completion_tokens(&self) -> u64 {
        use TokenClass::{AudioOutput, ImageOutput, Output, Reasoning};
        self.total([Output, Reasoning, AudioOutput, ImageOutput])
    }

    fn total<const N: usize>(&self, classes: [TokenClass; N]) -> u64 {
        classes.into_iter().fold(0, |sum, class| sum.saturating_add(self.get(class)))
    }
}

#[cfg(test)]
mod tests;
