//! Why a request was refused before anything was sent: the rule, the layer it is from, and the way out.
//!
//! Invariant: every refusal has an [`ErrorCode`] from the closed list and a message an app developer can act on; nothing
//! in it comes from the content of the request but names of models and providers.

use std::fmt;

use domain::ErrorCode;
use domain::key::KeyRefused;
use domain::model::ModelKind;

use crate::pattern::quote;

/// Why a request was refused. See spec openrouter.md §7.4 for the codes of [`Self::availability`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The text is no key: prefix, length, alphabet or checksum is wrong.
    #[error("this is not a valid API key: send `Authorization: Bearer sk-weir-…`, copied whole")]
    NotAKey,
    /// The key is well-formed, but nobody's.
    #[error("this API key is not known: it may have been deleted; create a new one")]
    UnknownKey,
    /// The key is somebody's, but not accepted any more.
    #[error("{0}: use a current key, or create a new one")]
    KeyRefused(KeyRefused),
    /// A management key was used for a request to a model.
    #[error("this is a management key, which cannot run inference: use an inference key (`sk-weir-…`)")]
    ManagementKey,
    /// Something about the organization, key or policy cannot be understood, so nothing is allowed.
    #[error("{subject} cannot be used: {problem}; an admin must correct it")]
    Broken {
        /// What refuses, e.g. `the policy "eu" of layer team`.
        subject: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The request names no model and no layer has a default.
    #[error("no model was named and no policy sets a default: put a model's slug into `model`")]
    NoModel,
    /// The request names more fallback models than are tried.
    #[error("too many models were named: at most {max} are tried")]
    TooManyModels {
        /// How many are tried.
        max: usize,
    },
    /// The catalogue has no such model.
    #[error("{} is not a known model: `GET /v1/models` lists those there are", quote(.model))]
    ModelNotFound {
        /// As the app named it.
        model: String,
        /// Every model the request named.
        requested: Vec<String>,
    },
    /// The model is for another endpoint of the API.
    #[error("{model} cannot be used here: send the request to {}", path(*.kind))]
    WrongEndpoint {
        /// The model's slug.
        model: String,
        /// What it is called for.
        kind: ModelKind,
        /// Every model the request named.
        requested: Vec<String>,
    },
    /// A layer's model lists do not allow the model.
    #[error("{model} is not allowed: {why}; ask an admin to allow it, or use another model")]
    ModelForbidden {
        /// The model's slug.
        model: String,
        /// Which rule of which layer.
        why: Why,
        /// Every model the request named.
        requested: Vec<String>,
    },
    /// The model is allowed, but no endpoint of it is left.
    #[error("{0}")]
    NoEndpoint(Box<NoEndpoint>),
}

/// A model none of whose endpoints may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoEndpoint {
    /// The model's slug.
    pub model: String,
    /// Every endpoint the model has, with what removed it.
    pub excluded: Vec<Exclusion>,
    /// Every model the request named.
    pub requested: Vec<String>,
}

/// One endpoint that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The provider's slug.
    pub provider: String,
    /// Which rule of which layer.
    pub why: Why,
}

/// A rule, and the layer that set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// What the rule says.
    pub rule: Rule,
    /// Who set it.
    pub source: RuleSource,
}

/// What removed a model or an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// It is on no list of allowed models.
    AllowedModels,
    /// It is on a list of ignored models.
    IgnoredModels,
    /// Its provider is not on a list of allowed providers.
    AllowedProviders,
    /// Its provider is on a list of ignored providers.
    IgnoredProviders,
    /// Its provider is not in `provider.order`, and fallbacks are off.
    Order,
    /// Zero data retention is demanded and not proven.
    Zdr,
    /// Training is forbidden and not ruled out.
    Training,
    /// It has no price version that applies now.
    Price,
    /// There is no secret to call its provider with.
    Credential,
}

/// Who set a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSource {
    /// A policy.
    Policy {
        /// `platform`, `org`, `team`, `member` or `key`.
        layer: &'static str,
        /// What admins call it.
        name: String,
    },
    /// The request itself, in this field.
    Request(&'static str),
    /// Nobody: the catalogue or the credentials lack something.
    Platform,
}

/// The availability object of an error (spec openrouter.md §7.4), as far as it is known before any attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// `model_not_found`, `wrong_endpoint`, `no_endpoints`, `privacy_restricted` or `constraint_filtered`.
    pub code: &'static str,
    /// Every model the request named.
    pub requested_models: Vec<String>,
    /// The providers whose endpoints were removed, each once.
    pub affected_providers: Vec<String>,
    /// `data_policy:zdr`, `data_policy:training`, `allowed_providers`, each once.
    pub excluded_by: Vec<&'static str>,
    /// The field to change and how, where one is to blame.
    pub constraint: Option<(&'static str, String)>,
}

impl Denial {
    /// The code the app is answered with.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotAKey | Self::UnknownKey | Self::KeyRefused(_) => ErrorCode::Authentication,
            Self::ManagementKey | Self::Broken { .. } | Self::ModelForbidden { .. } => {
                ErrorCode::PermissionDenied
            }
            Self::NoModel | Self::TooManyModels { .. } => ErrorCode::InvalidRequest,
            Self::ModelNotFound { .. } | Self::WrongEndpoint { .. } => ErrorCode::InvalidRequest,
            Self::NoEndpoint(_) => ErrorCode::NotFound,
        }
    }

    /// The field of the request that is to blame, where one is.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoModel | Self::ModelNotFound { .. } | Self::WrongEndpoint { .. } => Some("model"),
            Self::ModelForbidden { .. } => Some("model"),
            Self::TooManyModels { .. } => Some("models"),
            Self::NoEndpoint(none) => none.excluded.iter().find_map(|exclusion| match exclusion.why.source {
                RuleSource::Request(field) => Some(field),
                RuleSource::Policy { .. } | RuleSource::Platform => None,
            }),
            Self::NotAKey
            | Self::UnknownKey
            | Self::KeyRefused(_)
            | Self::ManagementKey
            | Self::Broken { .. } => None,
        }
    }

    /// The availability object, for denials that are about models.
    #[must_use]
    pub fn availability(&self) -> Option<Availability> {
        let about = |code, requested: &[String]| Availability {
            code,
            requested_models: requested.to_vec(),
            affected_providers: Vec::new(),
            excluded_by: Vec::new(),
            constraint: None,
        };
        match self {
            Self::ModelNotFound { requested, .. } => Some(about("model_not_found", requested)),
            Self::WrongEndpoint { kind, requested, .. } => Some(Availability {
                constraint: Some(("model", format!("send the request to {}", path(*kind)))),
                ..about("wrong_endpoint", requested)
            }),
            Self::NoEndpoint(none) => Some(none.availability()),
            _ => None,
        }
    }
}

impl NoEndpoint {
    fn availability(&self) -> Availability {
        let names = self.excluded.iter().filter_map(|exclusion| exclusion.why.rule.excluded_by());
        let excluded_by: Vec<&'static str> = each_once(names);
        let code = if excluded_by.iter().any(|name| name.starts_with("data_policy:")) {
            "privacy_restricted"
        } else if excluded_by.is_empty() {
            "no_endpoints"
        } else {
            "constraint_filtered"
        };
        let constraint = self.excluded.iter().find_map(|exclusion| match exclusion.why.source {
            RuleSource::Request(field) => Some((field, exclusion.why.to_string())),
            RuleSource::Policy { .. } | RuleSource::Platform => None,
        });
        Availability {
            code,
            requested_models: self.requested.clone(),
            affected_providers: each_once(self.excluded.iter().map(|exclusion| exclusion.provider.clone())),
            excluded_by,
            constraint,
        }
    }
}

impl fmt::Display for NoEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excluded.is_empty() {
            return write!(f, "{} is served by no provider here: use another model", self.model);
        }
        write!(f, "no endpoint of {} may be used:", self.model)?;
        for (index, why) in
            each_once(self.excluded.iter().map(|exclusion| &exclusion.why)).into_iter().enumerate()
        {
            let removed = self.excluded.iter().filter(|exclusion| exclusion.why == *why);
            let providers = each_once(removed.map(|exclusion| exclusion.provider.as_str())).join(", ");
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator} {providers} because {why}")?;
        }
        let way_out = self.excluded.first().map_or("use another model", |exclusion| exclusion.why.way_out());
        write!(f, ". Way out: {way_out}")
    }
}

impl Why {
    fn way_out(&self) -> &'static str {
        match (&self.source, self.rule) {
            (RuleSource::Request(_), _) => {
                "ask for less in the request's `provider` object, or use another model"
            }
            (_, Rule::Zdr) => "use a model with an endpoint of proven zero retention, or ask an admin",
            (_, Rule::Training) => "use a model with an endpoint that never trains, or ask an admin",
            (_, Rule::Price) => "ask the platform's operator to enter its price",
            (_, Rule::Credential) => "ask an admin to store a credential for one of these providers",
            _ => "use another model, or ask an admin to allow one of these providers",
        }
    }
}

/// `its provider is not on the list of allowed providers (set by the policy "eu" of layer team)`.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.text())?;
        match &self.source {
            RuleSource::Policy { layer, name } => write!(f, " (set by the policy {name:?} of layer {layer})"),
            RuleSource::Request(field) => write!(f, " (set by the request's `{field}`)"),
            RuleSource::Platform => Ok(()),
        }
    }
}

impl Rule {
    const fn text(self) -> &'static str {
        match self {
            Self::AllowedModels => "it is not on the list of allowed models",
            Self::IgnoredModels => "it is on the list of ignored models",
            Self::AllowedProviders => "the provider is not on the list of allowed providers",
            Self::IgnoredProviders => "the provider is on the list of ignored providers",
            Self::Order => "the provider is not in the order asked for, and fallbacks are off",
            Self::Zdr => "zero data retention is required and not proven there",
            Self::Training => "training is forbidden and not ruled out there",
            Self::Price => "it has no price at present",
            Self::Credential => "there is no credential for the provider",
        }
    }

    /// The word of `availability.excluded_by`; `None` for what is not a restriction.
    const fn excluded_by(self) -> Option<&'static str> {
        match self {
            Self::AllowedProviders | Self::IgnoredProviders | Self::Order => Some("allowed_providers"),
            Self::Zdr => Some("data_policy:zdr"),
            Self::Training => Some("data_policy:training"),
            Self::AllowedModels | Self::IgnoredModels | Self::Price | Self::Credential => None,
        }
    }
}

const fn path(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Chat => "/v1/chat/completions",
        ModelKind::Embeddings => "/v1/embeddings",
    }
}

fn each_once<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for item in items {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

#[cfg(test)]
mod tests;
