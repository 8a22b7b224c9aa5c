//! What a request has beside text, and how many tokens a provider makes of it at most.
//!
//! Invariant: a bound is given only by a formula its provider has published, and is twice what that comes to, since the
//! edges of such formulas are not; of what has no bound, a whole context is to be expected.

/// What the messages have beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Media {
    /// How many images there are.
    pub images: u32,
    /// How many sounds, videos and files there are, and parts that nobody knows.
    pub others: u32,
    /// The JSON text of all of it, a part of what may become prompt.
    pub bytes: usize,
}

/// The most tokens one image makes, by model: 512-pixel tiles of an image that is scaled to 768 x 2048, or at most 1,536
/// patches of 32 pixels, times the model's factor.
///
/// Source: "Calculating costs" of <https://platform.openai.com/docs/guides/images-vision>.
const OPENAI_IMAGES: [(&str, u64); 4] =
    [("gpt-4o", 85 + 8 * 170), ("gpt-4.1", 1_536), ("gpt-4.1-mini", 2_489), ("gpt-4.1-nano", 3_779)];
/// The most of any model that reads images in full size.
///
/// Source: <https://platform.claude.com/docs/en/build-with-claude/vision>.
const ANTHROPIC_IMAGE: u64 = 4_784;
const SAFETY: u64 = 2;

impl Media {
    /// Whether there is any.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.images > 0 || self.others > 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.images = self.images.saturating_add(other.images);
        self.others = self.others.saturating_add(other.others);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// The most tokens that the provider with this slug makes of it for what it calls `upstream_model`; `None` where that
    /// is not known.
    #[must_use]
    pub fn most_tokens(&self, provider: &str, upstream_model: &str) -> Option<u64> {
        let image = match provider {
            _ if self.others > 0 => None,
            "openai" => of_openai(upstream_model),
            "anthropic" => Some(ANTHROPIC_IMAGE),
            _ => None,
        };
        image?.checked_mul(self.images.into())?.checked_mul(SAFETY)
    }
}

/// The model itself, or a snapshot of it: `gpt-4o-2024-11-20`.
fn of_openai(upstream_model: &str) -> Option<u64> {
    let is_snapshot = |rest: &str| rest.is_empty() || rest.starts_with("-20");
    let known =
        OPENAI_IMAGES.iter().find(|(name, _)| upstream_model.strip_prefix(name).is_some_and(is_snapshot));
    known.map(|(_, tokens)| *tokens)
}

#[cfg(test)]
mod tests {
    use super::Media;

    const IMAGE: Media = Media { images: 1, others: 0, bytes: 90 };

    #[test]
    fn an_image_is_bounded_by_its_providers_formula() {
        let most = |provider, model| IMAGE.most_tokens(provider, model);
        assert_eq!(most("openai", "gpt-4.1"), Some(3_072));
        assert_eq!(most("openai", "gpt-4.1-mini-2025-04-14"), Some(4_978));
        assert_eq!(Media { images: 3, ..IMAGE }.most_tokens("anthropic", "claude-haiku-4-5"), Some(28_704));
    }

    /// Billed figures that were published: <https://community.openai.com/t/1281361>, and the examples of the documentation.
    #[test]
    fn what_was_billed_is_within_the_bound() {
        for (model, billed) in [("gpt-4o", 1_105), ("gpt-4.1", 1_453), ("gpt-4.1-mini", 2_498)] {
            assert!(IMAGE.most_tokens("openai", model).unwrap() > billed, "{model}");
        }
    }

    #[test]
    fn what_nobody_published_has_no_bound() {
        assert_eq!(IMAGE.most_tokens("openai", "gpt-5.9-pro"), None);
        assert_eq!(IMAGE.most_tokens("together", "gpt-4.1"), None);
        assert_eq!(Media { others: 1, ..IMAGE }.most_tokens("openai", "gpt-4.1"), None);
    }
}
