//! What providers do when a stream is hung up on: stop, or go on and bill it to the end.
//!
//! Invariant: who is not named stops, so that a stream nobody reads is cut.

/// Providers, by slug, that make and bill an answer to its end although its reader has left.
///
/// Source: "Stream cancellation" of <https://openrouter.ai/docs/api-reference/streaming>, read on 2026-11-20, which names
/// them as not supporting it (and OpenAI, Azure, Anthropic, Fireworks, DeepInfra, Together, Novita, Cohere, xAI, DeepSeek
/// and Cloudflare as supporting it).
const BILL_ON: [&str; 12] = [
    "ai21",
    "alibaba",
    "bedrock",
    "google",
    "google-ai-studio",
    "google-vertex",
    "groq",
    "mistral",
    "nebius",
    "perplexity",
    "sambanova",
    "vertex",
];

/// Whether the provider with this slug is known to bill a stream to its end although it was hung up on.
#[must_use]
pub fn bills_on(provider: &str) -> bool {
    BILL_ON.contains(&provider)
}

#[cfg(test)]
mod tests {
    use super::bills_on;

    #[test]
    fn a_provider_that_is_not_known_to_bill_on_stops() {
        assert!(bills_on("groq") && bills_on("mistral"));
        assert!(!bills_on("openai") && !bills_on("anthropic") && !bills_on("acme"));
    }
}
