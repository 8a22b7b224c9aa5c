//! The simulated provider accounts: a path prefix, a dialect and a published data policy each.
//!
//! Invariant: the names here are the names in `prices.toml`.

/// The wire a site speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
}

/// One provider account.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// Whether its policy page states that nothing is kept.
    pub(crate) retains_nothing: bool,
}

pub(crate) static SITES: [Site; 3] = [
    Site { name: "openai", dialect: Dialect::OpenAi, retains_nothing: false },
    Site { name: "zdr", dialect: Dialect::OpenAi, retains_nothing: true },
    Site { name: "anthropic", dialect: Dialect::Anthropic, retains_nothing: false },
];

pub(crate) fn named(name: &str) -> Option<&'static Site> {
    SITES.iter().find(|site| site.name == name)
}

impl Site {
    /// The page an auditor would cite as evidence of the data policy.
    pub(crate) fn policy_page(&self) -> String {
        let statement = if self.retains_nothing {
            "Zero data retention. As of 2026-11-01 prompts and completions are processed in memory only; \
             nothing derived from them is stored, logged or used for training."
        } else {
            "As of 2026-11-01 prompts and completions are retained for 30 days for abuse monitoring, then deleted. \
             They are not used for training."
        };
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Data policy of {name}</title></head>\n\
             <body><h1>Data policy of {name}</h1><p>{statement}</p>\n\
             <p>Effective 2026-11-01. This is a simulated provider.</p></body></html>\n",
            name = self.name,
        )
    }
}
