//! OpenAI's usage and that of the hosts compatible with it.
//!
//! Invariant: containments are those the providers document. Cached, cache-write and audio tokens are part of the prompt;
//! reasoning, audio and image tokens part of the completion, unless the provider's own total tells otherwise.

use domain::TokenClass::{
    AudioInput, AudioOutput, CacheWrite5m, CachedInput, ImageInput, ImageOutput, Input, Output, Reasoning,
    Request, ToolCall,
};
use domain::TokenUsage;
use serde_json::value::RawValue;

use super::{Absurd, Classes, Reported, both, count, details, first, is_torn, read, sum};
use crate::json::Fields;

/// Reads the usage of a chat completion.
pub(crate) fn from_chat(usage: Option<&RawValue>) -> Reported {
    read(usage, |usage| text(usage, &CHAT))
}

/// Reads the usage of embeddings or reranking.
pub(crate) fn from_embeddings(usage: Option<&RawValue>) -> Reported {
    read(usage, embeddings)
}

/// The usage of a response.
pub(super) fn responses(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    text(usage, &RESPONSES)
}

/// What the same counts are called.
struct Names {
    prompt: &'static str,
    prompt_details: &'static str,
    completion: &'static str,
    completion_details: &'static str,
}

const CHAT: Names = Names {
    prompt: "prompt_tokens",
    prompt_details: "prompt_tokens_details",
    completion: "completion_tokens",
    completion_details: "completion_tokens_details",
};
const RESPONSES: Names = Names {
    prompt: "input_tokens",
    prompt_details: "input_tokens_details",
    completion: "output_tokens",
    completion_details: "output_tokens_details",
};

/// Image tokens of a prompt stay in the input class: every provider so far prices them as text.
fn text(usage: &Fields<'_>, names: &Names) -> Result<Option<Classes>, Absurd> {
    let total = count(usage, "total_tokens")?;
    let both = both(count(usage, names.prompt)?, count(usage, names.completion)?, total);
    let prompt_details = details(usage, names.prompt_details)?;
    let completion_details = details(usage, names.completion_details)?;
    let cached = cached(usage, &prompt_details)?;
    let cache_write = count(&prompt_details, "cache_write_tokens")?.unwrap_or(0);
    let audio_in = count(&prompt_details, "audio_tokens")?.unwrap_or(0);
    let audio_out = count(&completion_details, "audio_tokens")?.unwrap_or(0);
    let image_out = count(&completion_details, "image_tokens")?.unwrap_or(0);
    let reasoning = reasoning(usage, &completion_details)?;
    let citations = count(usage, "citation_tokens")?;
    let missed = count(usage, "prompt_cache_miss_tokens")?;
    let tools = tools(usage)?;
    let Some((prompt, completion)) = both else { return Ok(None) };

    // xAI counts reasoning beside the completion, which the total tells. Perplexity's research counts what it read and
    // thought beside both, and its total leaves them out.
    let reasoning_is_beside = match total {
        _ if citations.is_some() => true,
        Some(total) => reasoning > 0 && total == prompt + completion + reasoning,
        None => reasoning > completion,
    };
    let parts_of_prompt = cached + cache_write + audio_in;
    let parts_of_completion = audio_out + image_out + if reasoning_is_beside { 0 } else { reasoning };
    let classes = TokenUsage::default()
        .with(Input, prompt.saturating_sub(parts_of_prompt) + citations.unwrap_or(0))
        .with(CachedInput, cached)
        .with(CacheWrite5m, cache_write)
        .with(AudioInput, audio_in)
        .with(Output, completion.saturating_sub(parts_of_completion))
        .with(Reasoning, reasoning)
        .with(AudioOutput, audio_out)
        .with(ImageOutput, image_out)
        .with(ToolCall, tools);
    let beside = if reasoning_is_beside { reasoning } else { 0 };
    let expected = match citations {
        Some(citations) => total.map(|total| total + citations + reasoning),
        None => Some(total.unwrap_or(prompt + completion + beside)),
    };
    let is_split_wrongly = missed.is_some_and(|missed| cached + missed != prompt);
    Ok(Some((classes, is_split_wrongly || is_torn(&classes, expected))))
}

/// Prompt tokens that were read from a cache: OpenAI and most hosts, DeepSeek, Moonshot and Together, Mistral.
fn cached(usage: &Fields<'_>, prompt_details: &Fields<'_>) -> Result<u64, Absurd> {
    let beside = first(usage, &["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"])?;
    Ok(count(prompt_details, "cached_tokens")?.or(beside).unwrap_or(0))
}

/// Reasoning tokens: among the details, or (SGLang, Perplexity) beside them.
fn reasoning(usage: &Fields<'_>, completion_details: &Fields<'_>) -> Result<u64, Absurd> {
    let beside = count(usage, "reasoning_tokens")?;
    Ok(count(completion_details, "reasoning_tokens")?.or(beside).unwrap_or(0))
}

/// What the provider did by itself and charges for: OpenRouter's and Perplexity's searches, xAI's tools and the sources
/// of its live search. Calls of remote MCP servers cost xAI's customers tokens only.
fn tools(usage: &Fields<'_>) -> Result<u64, Absurd> {
    let openrouter = match count(&details(usage, "server_tool_use_details")?, "web_search_requests")? {
        Some(searches) => Some(searches),
        None => count(&details(usage, "server_tool_use")?, "web_search_requests")?,
    };
    let xai = match usage.present("server_side_tool_usage_details").map(Fields::of) {
        Some(None) => return Err(Absurd),
        Some(Some(calls)) => {
            let charged = calls.iter().map(|(name, _)| name).filter(|name| *name != "mcp_calls");
            Some(sum(charged.map(|name| count(&calls, name)))?)
        }
        None => count(usage, "num_server_side_tools_used")?,
    };
    sum([count(usage, "num_search_queries"), count(usage, "num_sources_used"), Ok(openrouter), Ok(xai)])
}

/// The usage of generated images. Their tokens are priced apart, and text written beside them is output.
pub(super) fn images(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    let total = count(usage, "total_tokens")?;
    let both = both(count(usage, "input_tokens")?, count(usage, "output_tokens")?, total);
    let input_details = details(usage, "input_tokens_details")?;
    let output_details = details(usage, "output_tokens_details")?;
    let cached = count(&input_details, "cached_tokens")?.unwrap_or(0);
    let images_in = count(&input_details, "image_tokens")?.unwrap_or(0);
    let written = count(&output_details, "text_tokens")?.unwrap_or(0);
    let Some((input, output)) = both else { return Ok(None) };
    let classes = TokenUsage::default()
        .with(Input, input.saturating_sub(images_in + cached))
        .with(CachedInput, cached)
        .with(ImageInput, images_in)
        .with(Output, written)
        .with(ImageOutput, output.saturating_sub(written));
    Ok(Some((classes, is_torn(&classes, Some(total.unwrap_or(input + output))))))
}

/// The usage of what has input only: some hosts say just the total. A rerank is charged by search units, of which a
/// query with up to a hundred documents makes one, at some.
fn embeddings(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    let total = count(usage, "total_tokens")?;
    let output = count(usage, "completion_tokens")?.unwrap_or(0);
    let input = count(usage, "prompt_tokens")?.or(total.map(|total| total.saturating_sub(output)));
    let units = count(usage, "search_units")?;
    if input.is_none() && units.is_none() {
        return Ok(None);
    }
    let classes = TokenUsage::default()
        .with(Input, input.unwrap_or(0))
        .with(Output, output)
        .with(Request, units.unwrap_or(0));
    Ok(Some((classes, is_torn(&classes, total))))
}
