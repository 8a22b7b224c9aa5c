//! Objects in, [`OrgPolicy`] out: each key with the policies and budgets it is under, and every problem found.
//!
//! Invariant: cannot fail as a whole and never panics, whatever it is given; what cannot be understood refuses, so one
//! bad object never delays a revocation and never lets anybody through.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use domain::key::Key;
use domain::limit::Budget;
use domain::org::{Org, Team};
use domain::{BudgetId, BudgetScope, CredentialId, KeyId, OrgId};

use crate::objects::Objects;
use crate::pattern::{fold, quote};
use crate::record::{Credential, Layer, ObjectRef, OrgRecords};
use crate::rules::CompiledPolicy;
use crate::snapshot::Version;

/// The most objects an organization may have.
const MAX_OBJECTS: usize = 500_000;
/// The most policies, and the most budgets, one key may be under: each request asks them all.
const MAX_PER_KEY: usize = 64;

/// Something in the records that cannot be used as it is; what it concerns refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object, where it is one of an organization's.
    pub object: Option<ObjectRef>,
    /// What is wrong with it.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One organization's policy at one revision.
#[derive(Debug)]
pub struct OrgPolicy {
    id: OrgId,
    version: Version,
    objects: Objects,
    keys: HashMap<KeyId, Arc<CompiledKey>>,
    /// By folded provider slug: the newest of each provider.
    credentials: HashMap<String, Arc<Credential>>,
    refusal: Option<String>,
    problems: Vec<Problem>,
}

/// A key with all that a decision needs to know about it.
#[derive(Debug)]
pub(crate) struct CompiledKey {
    pub(crate) key: Arc<Key>,
    pub(crate) team: Option<Arc<Team>>,
    /// From the widest layer to the narrowest.
    pub(crate) policies: Box<[Arc<CompiledPolicy>]>,
    /// From the widest scope to the narrowest.
    pub(crate) budgets: Box<[Arc<Budget>]>,
    /// Why it refuses every request.
    pub(crate) refusal: Option<String>,
}

impl OrgPolicy {
    /// The organization.
    #[must_use]
    pub fn id(&self) -> OrgId {
        self.id
    }

    /// Its own record.
    #[must_use]
    pub fn org(&self) -> Option<&Org> {
        self.objects.org.as_deref()
    }

    /// How new it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// What could not be used as it is, and so refuses.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// One of its own credentials.
    #[must_use]
    pub fn own_credential(&self, id: CredentialId) -> Option<&Arc<Credential>> {
        self.objects.credentials.get(&id)
    }

    /// Everything it was compiled from, in no particular order: for the last-known-good file.
    #[must_use]
    pub fn records(&self) -> OrgRecords {
        let Version { epoch, revision } = self.version;
        OrgRecords { epoch, org: self.id, revision, objects: self.objects.records() }
    }

    /// Its keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values().map(|key| &key.key)
    }

    /// The budget of this id.
    #[must_use]
    pub fn budget(&self, id: BudgetId) -> Option<&Budget> {
        self.objects.budgets.get(&id).map(Arc::as_ref)
    }

    /// Its budgets, in no particular order.
    pub fn budgets(&self) -> impl Iterator<Item = &Arc<Budget>> {
        self.objects.budgets.values()
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<&Arc<CompiledKey>> {
        self.keys.get(&id)
    }

    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// The organization's own secret for the provider with this folded slug.
    pub(crate) fn credential(&self, provider: &str) -> Option<&Arc<Credential>> {
        self.credentials.get(provider)
    }

    pub(crate) fn compile(id: OrgId, version: Version, objects: Objects) -> Self {
        let mut problems = Vec::new();
        let refusal = refusal(id, &objects);
        if let Some(text) = &refusal {
            problems.push(Problem { object: Some(ObjectRef::Org(id)), text: text.clone() });
        }
        let scopes = Scopes::of(&objects, &mut problems);
        let keys =
            objects.keys.values().map(|key| (key.id, scopes.key(&objects, key, &mut problems))).collect();
        let credentials = newest_credentials(&objects);
        Self { id, version, objects, keys, credentials, refusal, problems }
    }
}

/// Why the whole organization refuses.
fn refusal(id: OrgId, objects: &Objects) -> Option<String> {
    if objects.len() > MAX_OBJECTS {
        return Some(format!("there are {} objects, at most {MAX_OBJECTS} are read", objects.len()));
    }
    if objects.are_foreign_to(id) {
        return Some("there are objects of another organization among its own".to_owned());
    }
    objects.org.is_none().then(|| "the organization itself is missing from its records".to_owned())
}

fn newest_credentials(objects: &Objects) -> HashMap<String, Arc<Credential>> {
    let mut sorted: Vec<_> = objects.credentials.values().collect();
    sorted.sort_by_key(|credential| credential.id);
    sorted.into_iter().map(|credential| (fold(&credential.provider), Arc::clone(credential))).collect()
}

/// Policies and budgets by what they are attached to.
struct Scopes {
    policies: HashMap<Layer, Vec<Arc<CompiledPolicy>>>,
    budgets: HashMap<BudgetScope, Vec<Arc<Budget>>>,
}

impl Scopes {
    fn of(objects: &Objects, problems: &mut Vec<Problem>) -> Self {
        let mut scopes = Self { policies: HashMap::new(), budgets: HashMap::new() };
        let mut policies: Vec<_> = objects.policies.values().collect();
        policies.sort_by_key(|policy| policy.source.id);
        for policy in policies {
            scopes.add_policy(objects, policy, problems);
        }
        let mut budgets: Vec<_> = objects.budgets.values().collect();
        budgets.sort_by_key(|budget| budget.id);
        for budget in budgets {
            if !exists(objects, layer_of(budget.scope)) {
                let text = format!("the budget {} is attached to nothing there is", quote(&budget.name));
                problems.push(Problem { object: Some(ObjectRef::Budget(budget.id)), text });
            }
            scopes.budgets.entry(budget.scope).or_default().push(Arc::clone(budget));
        }
        scopes
    }

    fn add_policy(&mut self, objects: &Objects, policy: &Arc<CompiledPolicy>, problems: &mut Vec<Problem>) {
        let source = &policy.source;
        let mut report = |text: &str| {
            let text = format!("the policy {} {text}", quote(&source.name));
            problems.push(Problem { object: Some(ObjectRef::Policy(source.id)), text });
        };
        if let Some(problem) = policy.problem() {
            report(&format!("cannot be used: {problem}"));
        }
        let mut policy = Arc::clone(policy);
        let mut layer = source.layer;
        if layer == Layer::Platform {
            report("is of layer platform, which is not the organization's");
            // Nobody can say whom it was meant for, so it refuses everybody.
            layer = Layer::Org;
            policy = Arc::new(CompiledPolicy::broken(source.clone(), "it is of layer platform"));
        } else if !exists(objects, layer) {
            report("is attached to nothing there is");
        }
        self.policies.entry(layer).or_default().push(policy);
    }

    fn key(&self, objects: &Objects, key: &Arc<Key>, problems: &mut Vec<Problem>) -> Arc<CompiledKey> {
        let team = key.team.and_then(|id| objects.teams.get(&id)).cloned();
        let layers = [
            Some(BudgetScope::Org),
            key.team.map(BudgetScope::Team),
            key.member.map(BudgetScope::Member),
            Some(BudgetScope::Key(key.id)),
        ];
        let scopes = || layers.into_iter().flatten();
        let policies = scopes().filter_map(|scope| self.policies.get(&layer_of(scope)));
        let policies: Box<[_]> = policies.flatten().cloned().collect();
        let budgets: Box<[_]> =
            scopes().filter_map(|scope| self.budgets.get(&scope)).flatten().cloned().collect();
        let refusal = if scopes().any(|scope| !exists(objects, layer_of(scope))) {
            Some("its team or member does not exist (any more)".to_owned())
        } else if policies.len() > MAX_PER_KEY || budgets.len() > MAX_PER_KEY {
            Some(format!("it is under more than {MAX_PER_KEY} policies or budgets"))
        } else {
            None
        };
        if let Some(text) = &refusal {
            let text = format!("the key {} cannot be used: {text}", quote(&key.name));
            problems.push(Problem { object: Some(ObjectRef::Key(key.id)), text });
        }
        Arc::new(CompiledKey { key: Arc::clone(key), team, policies, budgets, refusal })
    }
}

fn layer_of(scope: BudgetScope) -> Layer {
    match scope {
        BudgetScope::Org => Layer::Org,
        BudgetScope::Team(team) => Layer::Team(team),
        BudgetScope::Member(member) => Layer::Member(member),
        BudgetScope::Key(key) => Layer::Key(key),
    }
}

fn exists(objects: &Objects, layer: Layer) -> bool {
    match layer {
        Layer::Platform | Layer::Org => true,
        Layer::Team(team) => objects.teams.contains_key(&team),
        Layer::Member(member) => objects.members.contains_key(&member),
        Layer::Key(key) => objects.keys.contains_key(&key),
    }
}

#[cfg(test)]
mod tests;
