//! Which requests a budget counts, among those in its scope.
//!
//! Invariant: node and control plane ask the same function, so that what draws on a budget is what is counted on it.

/// Narrows a budget: a request counts when it matches every part that is given. The default counts every request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BudgetFilter {
    /// Slugs of models; empty for every model.
    pub models: Vec<String>,
    /// Slugs of providers; empty for every provider.
    pub providers: Vec<String>,
    /// Data classes; empty for every class, and for requests without one.
    pub data_classes: Vec<String>,
    /// A key and its value, as the app declares them.
    pub tag: Option<(String, String)>,
}

/// What a filter looks at: one request on its way to one endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Traits<'a> {
    /// The slug of the model it goes to.
    pub model: &'a str,
    /// The slug of the provider it goes to.
    pub provider: &'a str,
    /// Its sensitivity.
    pub data_class: Option<&'a str>,
    /// What the app declares.
    pub tags: &'a [(String, String)],
}

impl BudgetFilter {
    /// Whether it narrows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the budget counts such a request.
    #[must_use]
    pub fn matches(&self, request: Traits<'_>) -> bool {
        let is_among = |list: &[String], slug: &str| list.is_empty() || list.iter().any(|one| one == slug);
        let is_in_class = self.data_classes.is_empty()
            || request.data_class.is_some_and(|class| is_among(&self.data_classes, class));
        is_among(&self.models, request.model)
            && is_among(&self.providers, request.provider)
            && is_in_class
            && self.tag.as_ref().is_none_or(|tag| request.tags.contains(tag))
    }
}

#[cfg(test)]
mod tests;
