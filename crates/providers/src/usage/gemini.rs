//! Gemini's `usageMetadata`.
//!
//! Invariant: cached tokens are part of the prompt; thoughts and what tools put into the prompt lie beside everything.
//! <https://ai.google.dev/api/generate-content#UsageMetadata>

use domain::TokenClass::{AudioInput, AudioOutput, CachedInput, ImageOutput, Input, Output, Reasoning};
use domain::TokenUsage;

use super::{Absurd, Classes, both, count, is_torn, list, sum};
use crate::json::Fields;

/// Audio has prices of its own, and so have images that are answered; text, images, video and documents of a prompt cost
/// the same. Cached audio is cached input: no class is cheaper and no other is nearer.
pub(super) fn classes(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    let total = count(usage, "totalTokenCount")?;
    let thoughts = count(usage, "thoughtsTokenCount")?.unwrap_or(0);
    let tools = count(usage, "toolUsePromptTokenCount")?.unwrap_or(0);
    let cached = count(usage, "cachedContentTokenCount")?.unwrap_or(0);
    let audio = of_modality(usage, "promptTokensDetails", "AUDIO")?;
    let cached_audio = of_modality(usage, "cacheTokensDetails", "AUDIO")?;
    let tools_audio = of_modality(usage, "toolUsePromptTokensDetails", "AUDIO")?;
    let audio_out = of_modality(usage, "candidatesTokensDetails", "AUDIO")?;
    let image_out = of_modality(usage, "candidatesTokensDetails", "IMAGE")?;
    // A zero is left out of this JSON: the total tells it from what is missing.
    let left = total.map(|total| total.saturating_sub(thoughts + tools));
    let both = both(count(usage, "promptTokenCount")?, count(usage, "candidatesTokenCount")?, left);
    let Some((prompt, candidates)) = both else { return Ok(None) };

    let fresh = prompt.saturating_sub(cached);
    let fresh_audio = audio.saturating_sub(cached_audio).min(fresh);
    let tools_audio = tools_audio.min(tools);
    let classes = TokenUsage::default()
        .with(Input, fresh - fresh_audio + tools - tools_audio)
        .with(CachedInput, cached)
        .with(AudioInput, fresh_audio + tools_audio)
        .with(Output, candidates.saturating_sub(audio_out + image_out))
        .with(Reasoning, thoughts)
        .with(AudioOutput, audio_out)
        .with(ImageOutput, image_out);
    let total = total.unwrap_or(prompt + tools + candidates + thoughts);
    Ok(Some((classes, is_torn(&classes, Some(total)))))
}

/// The tokens of one modality in a list of them.
fn of_modality(usage: &Fields<'_>, name: &str, modality: &str) -> Result<u64, Absurd> {
    let entries = list(usage, name)?;
    let of_it = entries.iter().filter(|entry| entry.text("modality").is_some_and(|text| text == modality));
    sum(of_it.map(|entry| count(entry, "tokenCount")))
}
