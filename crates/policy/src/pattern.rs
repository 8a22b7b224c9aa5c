//! Lists of models and providers as policies write them, made ready for look-ups.
//!
//! Invariant: an entry that could not match what its author meant is an error, never an entry that matches nothing: in
//! a list of ignored models that would allow. Compared without regard to letter case.

use std::collections::HashSet;

/// The most entries one list may have.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// The longest entry, in bytes.
pub(crate) const MAX_ENTRY_BYTES: usize = 256;

/// Models: slugs (`author/slug`) and whole authors (`author/*`).
#[derive(Debug, Default)]
pub(crate) struct ModelSet {
    slugs: HashSet<Box<str>>,
    authors: HashSet<Box<str>>,
}

impl ModelSet {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, String> {
        limit(entries)?;
        let mut set = Self::default();
        for entry in entries {
            let (author, slug) = split_model(entry)?;
            if slug == "*" {
                set.authors.insert(fold(author).into());
            } else {
                set.slugs.insert(fold(entry).into());
            }
        }
        Ok(set)
    }

    /// Whether the model with this [folded](fold) slug is in the set.
    pub(crate) fn contains(&self, folded: &str) -> bool {
        let author = folded.split_once('/').map_or("", |(author, _)| author);
        self.slugs.contains(folded) || self.authors.contains(author)
    }
}

/// Providers' slugs. `google-vertex` also stands for `google-vertex/us-east5`.
#[derive(Debug, Default)]
pub(crate) struct ProviderSet(HashSet<Box<str>>);

impl ProviderSet {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, String> {
        limit(entries)?;
        entries.iter().try_for_each(|entry| check_provider(entry))?;
        Ok(Self(entries.iter().map(|entry| fold(entry).into()).collect()))
    }

    /// Whether the provider with this [folded](fold) slug is in the set.
    pub(crate) fn contains(&self, folded: &str) -> bool {
        let base = folded.split_once('/').map_or("", |(base, _)| base);
        self.0.contains(folded) || self.0.contains(base)
    }
}

/// Checks that `slug` names exactly one model.
pub(crate) fn check_model(slug: &str) -> Result<(), String> {
    match split_model(slug)? {
        (_, "*") => Err(format!("{} is not one model", quote(slug))),
        _ => Ok(()),
    }
}

/// Checks that `slug` can name a provider.
pub(crate) fn check_provider(slug: &str) -> Result<(), String> {
    if is_slug(slug) { Ok(()) } else { Err(format!("{} is not a provider's slug", quote(slug))) }
}

/// The form names are compared in.
pub(crate) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn split_model(entry: &str) -> Result<(&str, &str), String> {
    let malformed = || format!("{} is neither `author/slug` nor `author/*`", quote(entry));
    let (author, slug) = entry.split_once('/').ok_or_else(malformed)?;
    let well_formed = is_slug(author) && (slug == "*" || is_slug(slug));
    if well_formed && entry.len() <= MAX_ENTRY_BYTES { Ok((author, slug)) } else { Err(malformed()) }
}

fn is_slug(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/~@+".contains(&b);
    !text.is_empty() && text.len() <= MAX_ENTRY_BYTES && text.bytes().all(allowed)
}

fn limit(entries: &[String]) -> Result<(), String> {
    if entries.len() <= MAX_ENTRIES {
        return Ok(());
    }
    Err(format!("a list has {} entries, at most {MAX_ENTRIES} are read", entries.len()))
}

/// Hostile text, shortened and escaped, for messages.
pub(crate) fn quote(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

#[cfg(test)]
mod tests;
