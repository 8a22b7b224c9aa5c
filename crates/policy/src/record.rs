//! The plain rows that policy is made of, as they travel from the control plane to nodes.
//!
//! Invariant: an organization's policy is a set of objects, each with its own identity, so that one edit is one small
//! message; platform objects are a set of their own and are not copied into organizations.

use domain::key::Key;
use domain::limit::Budget;
use domain::model::{Endpoint, Model, Provider};
use domain::org::{Member, Org, Team};
use domain::price::UnitPrices;
use domain::{BudgetId, CredentialId, KeyId, MemberId, OrgId, PolicyId, TeamId};

/// Whom a policy is attached to. A layer can only tighten what those before it allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Everybody.
    Platform,
    /// Every request of the organization.
    Org,
    /// Requests with a key of this team.
    Team(TeamId),
    /// Requests with a key of this member.
    Member(MemberId),
    /// Requests with this key.
    Key(KeyId),
}

impl Layer {
    /// `platform`, `org`, `team`, `member` or `key`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Org => "org",
            Self::Team(_) => "team",
            Self::Member(_) => "member",
            Self::Key(_) => "key",
        }
    }
}

/// Rules attached to one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its identity.
    pub id: PolicyId,
    /// Whom it is attached to.
    pub layer: Layer,
    /// What a refusal calls it.
    pub name: String,
    /// What it says.
    pub rules: Rules,
}

/// What a policy says. The default says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Only these models: slugs, or `author/*`. `None` allows all; an empty list allows none.
    pub allowed_models: Option<Vec<String>>,
    /// Never these models: slugs, or `author/*`.
    pub ignored_models: Vec<String>,
    /// Only these providers' slugs. `None` allows all; an empty list allows none.
    pub allowed_providers: Option<Vec<String>>,
    /// Never these providers' slugs.
    pub ignored_providers: Vec<String>,
    /// Only endpoints whose zero retention is recorded with evidence.
    pub zdr: bool,
    /// Only endpoints that are known not to train on what they are sent.
    pub no_training: bool,
    /// Under a hard budget: the completion tokens a request without `max_tokens` is sent with.
    pub output_cap: Option<u32>,
    /// What to do when a budget cannot cover a request's cap.
    pub unaffordable: Option<Unaffordable>,
    /// What to do under a hard budget when a price is not known.
    pub unknown_price: Option<UnknownPrice>,
    /// The model of a request that names none.
    pub default_model: Option<String>,
    /// How much everybody under the policy may do together. At most [`MAX_RATES`].
    pub rates: Vec<Rate>,
}

/// The most rates one policy may have.
pub const MAX_RATES: usize = 16;

/// How much everybody under a policy may do together; under one of the platform's, everybody of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// What is counted.
    pub unit: RateUnit,
    /// The most of it, at least 1.
    pub limit: u32,
    /// Only requests to these models: a slug, or `author/*`. `None`: all.
    pub models: Option<String>,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateUnit {
    /// Requests in a minute, each once, however often it is tried.
    RequestsPerMinute,
    /// Prompt and completion tokens in a minute, counted as attempts are settled.
    TokensPerMinute,
    /// Requests under way.
    Concurrent,
}

impl RateUnit {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::RequestsPerMinute, Self::TokensPerMinute, Self::Concurrent];

    /// `requests_per_minute`, `tokens_per_minute` or `concurrent`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::Concurrent => "concurrent",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }
}

/// What to do when a budget cannot cover a request's output cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unaffordable {
    /// Lower the cap to what is affordable, and say so in a header.
    #[default]
    Clamp,
    /// Refuse the request.
    Reject,
}

/// What to do under a hard budget when a price is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnknownPrice {
    /// Charge the platform's dearest configured unit price and flag the event.
    #[default]
    Ceiling,
    /// Refuse the request.
    Block,
}

/// A provider's secret, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its identity.
    pub id: CredentialId,
    /// Whose it is; `None`: the platform's.
    pub org: Option<OrgId>,
    /// The provider's slug.
    pub provider: String,
    /// What people call it; shows nothing of the secret.
    pub label: String,
    /// Counts its replacements; part of what the seal is bound to.
    pub version: u32,
    /// The sealed secret.
    pub sealed: Sealed,
}

/// A ciphertext, bound to its place; see `sealed.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// One object of an organization's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the object it names")]
pub enum OrgObject {
    Org(Org),
    Team(Team),
    Member(Member),
    Key(Key),
    Policy(Policy),
    Budget(Budget),
    Credential(Credential),
}

/// Which object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the object it names")]
pub enum ObjectRef {
    Org(OrgId),
    Team(TeamId),
    Member(MemberId),
    Key(KeyId),
    Policy(PolicyId),
    Budget(BudgetId),
    Credential(CredentialId),
}

impl OrgObject {
    /// Which object this is.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        match self {
            Self::Org(org) => ObjectRef::Org(org.id),
            Self::Team(team) => ObjectRef::Team(team.id),
            Self::Member(member) => ObjectRef::Member(member.id),
            Self::Key(key) => ObjectRef::Key(key.id),
            Self::Policy(policy) => ObjectRef::Policy(policy.id),
            Self::Budget(budget) => ObjectRef::Budget(budget.id),
            Self::Credential(credential) => ObjectRef::Credential(credential.id),
        }
    }
}

/// All of an organization's policy at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgRecords {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// The organization.
    pub org: OrgId,
    /// Rises with every change.
    pub revision: u64,
    /// Its objects, each once.
    pub objects: Vec<OrgObject>,
}

/// One edit of an organization's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgChange {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// The organization.
    pub org: OrgId,
    /// The revision this change leads to.
    pub revision: u64,
    /// The revision it starts from; a node that has another asks for the snapshot.
    pub previous: u64,
    /// Objects made or changed.
    pub put: Vec<OrgObject>,
    /// Objects removed.
    pub removed: Vec<ObjectRef>,
}

/// Everything that is the platform's: the catalogue with prices and data policies, credentials, rules for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformRecords {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// Rises with every change.
    pub revision: u64,
    /// Providers, by slug.
    pub providers: Vec<Provider>,
    /// Models, by slug.
    pub models: Vec<Model>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The platform's provider secrets, sealed.
    pub credentials: Vec<Credential>,
    /// Rules of layer platform.
    pub policies: Vec<Policy>,
    /// The dearest unit prices: what an unknown price counts as under a hard budget.
    pub ceiling: UnitPrices,
}
