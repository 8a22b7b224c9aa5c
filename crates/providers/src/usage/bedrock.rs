//! The usage of Bedrock's Converse.
//!
//! Invariant: tokens read from and written to a cache lie beside the input, which counts neither.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html>

use domain::TokenClass::{CacheWrite1h, CacheWrite5m, CachedInput, Input, Output};
use domain::TokenUsage;

use super::{Absurd, Classes, both, by_lifetime, count, first, is_torn, list, sum};
use crate::json::Fields;

pub(super) fn classes(usage: &Fields<'_>) -> Result<Option<Classes>, Absurd> {
    let total = count(usage, "totalTokens")?;
    let cached = first(usage, &["cacheReadInputTokens", "cacheReadInputTokenCount"])?.unwrap_or(0);
    let (split_5m, split_1h) = (written(usage, "5m")?, written(usage, "1h")?);
    let cache_write = first(usage, &["cacheWriteInputTokens", "cacheWriteInputTokenCount"])?;
    let cache_write = cache_write.unwrap_or(split_5m + split_1h);
    let left = total.map(|total| total.saturating_sub(cached + cache_write));
    let both = both(count(usage, "inputTokens")?, count(usage, "outputTokens")?, left);
    let Some((input, output)) = both else { return Ok(None) };

    let (five_minutes, hour) = by_lifetime(cache_write, split_5m, split_1h);
    let classes = TokenUsage::default()
        .with(Input, input)
        .with(CachedInput, cached)
        .with(CacheWrite5m, five_minutes)
        .with(CacheWrite1h, hour)
        .with(Output, output);
    Ok(Some((classes, split_5m + split_1h > cache_write || is_torn(&classes, total))))
}

/// The tokens written to a cache with this lifetime.
fn written(usage: &Fields<'_>, ttl: &str) -> Result<u64, Absurd> {
    let entries = list(usage, "cacheDetails")?;
    let of_it = entries.iter().filter(|entry| entry.text("ttl").is_some_and(|text| text == ttl));
    sum(of_it.map(|entry| count(entry, "inputTokens")))
}
