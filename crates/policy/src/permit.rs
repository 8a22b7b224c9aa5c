//! The proof that [`decide`](crate::decide()) said yes, and the caller it said it to.
//!
//! Invariant: neither [`Caller`] nor [`Permit`] can be made outside this crate; whoever holds one, was let through.

use std::sync::Arc;

use domain::key::{Key, KeyHash};
use domain::limit::Budget;
use domain::model::{Endpoint, Model, Provider};
use domain::org::{Org, Team};
use domain::price::{PriceVersion, UnitPrices};
use domain::{KeyId, MemberId, OrgId, PolicyId, TeamId};

use crate::compile::{CompiledKey, OrgPolicy};
use crate::pattern::{ModelSet, fold};
use crate::platform::CompiledPlatform;
use crate::record::{Credential, Rate, Unaffordable, UnknownPrice};
use crate::snapshot::{PolicySnapshot, Version};

/// The output cap where no policy says one, in completion tokens.
pub(crate) const DEFAULT_OUTPUT_CAP: u32 = 4096;

/// Whose accepted key a request came with, and what that key was bound to at that moment.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) org: Arc<OrgPolicy>,
    pub(crate) key: Arc<CompiledKey>,
    pub(crate) hash: KeyHash,
}

impl Caller {
    /// The organization.
    #[must_use]
    pub fn org_id(&self) -> OrgId {
        self.org.id()
    }

    /// The organization's own record; `None` when it has none, in which case every request is refused.
    #[must_use]
    pub fn org(&self) -> Option<&Org> {
        self.org.org()
    }

    /// The key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key.key.id
    }

    /// The key's own record.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key.key
    }

    /// What the text that was presented is looked up by: the current one, or in its grace period the one before.
    #[must_use]
    pub fn key_hash(&self) -> KeyHash {
        self.hash
    }

    /// The team the usage belongs to.
    #[must_use]
    pub fn team_id(&self) -> Option<TeamId> {
        self.key.key.team
    }

    /// The team's own record.
    #[must_use]
    pub fn team(&self) -> Option<&Team> {
        self.key.team.as_deref()
    }

    /// The member the usage belongs to.
    #[must_use]
    pub fn member_id(&self) -> Option<MemberId> {
        self.key.key.member
    }

    /// The cost centre of the team.
    #[must_use]
    pub fn cost_centre(&self) -> Option<&str> {
        self.team().and_then(|team| team.cost_centre.as_deref())
    }

    /// Every budget whose scope the key is in.
    #[must_use]
    pub fn budgets(&self) -> &[Arc<Budget>] {
        &self.key.budgets
    }
}

/// What the layers together say about how a request is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveRules {
    /// Some layer, or the request, demands zero data retention.
    pub zdr: bool,
    /// Some layer, or the request, forbids training.
    pub no_training: bool,
    /// Under a hard budget: the completion tokens a request without `max_tokens` is sent with. The least any layer says.
    pub output_cap: u32,
    /// What to do when a budget cannot cover the cap. One layer that rejects is enough.
    pub unaffordable: Unaffordable,
    /// What to do under a hard budget when a price is not known. One layer that blocks is enough.
    pub unknown_price: UnknownPrice,
}

/// One rate of one policy.
#[derive(Debug)]
pub struct Quota {
    /// Whose rate it is.
    pub policy: PolicyId,
    /// Which of its rates, from 0.
    pub place: u8,
    /// What the policy is attached to.
    pub layer: &'static str,
    /// What the policy is called.
    pub name: String,
    /// What it says.
    pub rate: Rate,
    pub(crate) models: Option<ModelSet>,
}

impl Quota {
    /// Whether it counts requests to the model with this slug.
    #[must_use]
    pub fn counts(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.contains(&fold(model)))
    }
}

/// An endpoint a request may go to, with all that is needed to call and to charge it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// Its model.
    pub model: Arc<Model>,
    /// The price version valid when the request was admitted.
    pub price: Arc<PriceVersion>,
    /// The secret to call it with, sealed: the organization's own where it has one, else the platform's.
    pub credential: Arc<Credential>,
}

impl Candidate {
    /// Whether the secret is the organization's own.
    #[must_use]
    pub fn is_byok(&self) -> bool {
        self.credential.org.is_some()
    }
}

/// Leave to send one request to any of its candidates, in their order, for as long as it [is current](Self::is_current).
#[derive(Debug, Clone)]
pub struct Permit {
    caller: Caller,
    platform: Arc<CompiledPlatform>,
    candidates: Vec<Candidate>,
    rules: EffectiveRules,
    quotas: Vec<Arc<Quota>>,
}

impl Permit {
    /// Only `decide` may call this.
    pub(crate) fn new(
        caller: Caller,
        platform: Arc<CompiledPlatform>,
        candidates: Vec<Candidate>,
        (rules, quotas): (EffectiveRules, Vec<Arc<Quota>>),
    ) -> Self {
        Self { caller, platform, candidates, rules, quotas }
    }

    /// Whom it was given to.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where the request may go, the most wanted first. Never empty.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// What the layers together say about how the request is served.
    #[must_use]
    pub fn rules(&self) -> &EffectiveRules {
        &self.rules
    }

    /// Every rate the caller is held to, also those of other models.
    #[must_use]
    pub fn quotas(&self) -> &[Arc<Quota>] {
        &self.quotas
    }

    /// Every budget the request draws on.
    #[must_use]
    pub fn budgets(&self) -> &[Arc<Budget>] {
        self.caller.budgets()
    }

    /// The dearest unit prices of the platform: what an unknown price counts as under a hard budget.
    #[must_use]
    pub fn ceiling(&self) -> &UnitPrices {
        self.platform.ceiling()
    }

    /// The policy it was decided under: epoch, the organization's revision, the platform's revision.
    #[must_use]
    pub fn revision(&self) -> (u64, u64, u64) {
        let org = self.caller.org.version();
        (org.epoch, org.revision, self.platform.version().revision)
    }

    /// Whether `snapshot` still holds the policy it was decided under. Asked before each dispatch; where it says no,
    /// [`PolicySnapshot::recall`] the caller and decide again.
    #[must_use]
    pub fn is_current(&self, snapshot: &PolicySnapshot) -> bool {
        let held: Option<Version> = snapshot.org(self.caller.org_id()).map(OrgPolicy::version);
        held == Some(self.caller.org.version()) && snapshot.platform().version() == self.platform.version()
    }
}
