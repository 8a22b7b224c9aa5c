//! An organization's objects by id, so that one edit is one insertion and everything else is shared.
//!
//! Invariant: holds what was sent, also what is wrong; compiling judges it.

use std::collections::HashMap;
use std::sync::Arc;

use domain::key::Key;
use domain::limit::Budget;
use domain::org::{Member, Org, Team};
use domain::{BudgetId, CredentialId, KeyId, MemberId, OrgId, PolicyId, TeamId};

use crate::record::{Credential, ObjectRef, OrgObject};
use crate::rules::CompiledPolicy;

/// Everything an organization's policy is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    pub(crate) org: Option<Arc<Org>>,
    pub(crate) teams: HashMap<TeamId, Arc<Team>>,
    pub(crate) members: HashMap<MemberId, Arc<Member>>,
    pub(crate) keys: HashMap<KeyId, Arc<Key>>,
    pub(crate) policies: HashMap<PolicyId, Arc<CompiledPolicy>>,
    pub(crate) budgets: HashMap<BudgetId, Arc<Budget>>,
    pub(crate) credentials: HashMap<CredentialId, Arc<Credential>>,
}

impl Objects {
    /// Adds or replaces one object.
    pub(crate) fn put(&mut self, object: OrgObject) {
        match object {
            OrgObject::Org(org) => self.org = Some(Arc::new(org)),
            OrgObject::Team(team) => drop(self.teams.insert(team.id, Arc::new(team))),
            OrgObject::Member(member) => drop(self.members.insert(member.id, Arc::new(member))),
            OrgObject::Key(key) => drop(self.keys.insert(key.id, Arc::new(key))),
            OrgObject::Policy(policy) => {
                self.policies.insert(policy.id, Arc::new(CompiledPolicy::compile(policy)));
            }
            OrgObject::Budget(budget) => drop(self.budgets.insert(budget.id, Arc::new(budget))),
            OrgObject::Credential(credential) => {
                self.credentials.insert(credential.id, Arc::new(credential));
            }
        }
    }

    /// Removes one object, if it is there.
    pub(crate) fn remove(&mut self, reference: ObjectRef) {
        match reference {
            ObjectRef::Org(_) => self.org = None,
            ObjectRef::Team(id) => drop(self.teams.remove(&id)),
            ObjectRef::Member(id) => drop(self.members.remove(&id)),
            ObjectRef::Key(id) => drop(self.keys.remove(&id)),
            ObjectRef::Policy(id) => drop(self.policies.remove(&id)),
            ObjectRef::Budget(id) => drop(self.budgets.remove(&id)),
            ObjectRef::Credential(id) => drop(self.credentials.remove(&id)),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let people = self.teams.len() + self.members.len() + self.keys.len();
        people + self.policies.len() + self.budgets.len() + self.credentials.len()
    }

    /// Whether one of them says that it is another organization's.
    pub(crate) fn are_foreign_to(&self, org: OrgId) -> bool {
        self.org.as_ref().is_some_and(|own| own.id != org)
            || self.teams.values().any(|team| team.org != org)
            || self.members.values().any(|member| member.org != org)
            || self.keys.values().any(|key| key.org != org)
            || self.budgets.values().any(|budget| budget.org != org)
            || self.credentials.values().any(|credential| credential.org != Some(org))
    }

    /// All of them, as they were sent.
    pub(crate) fn records(&self) -> Vec<OrgObject> {
        let org = self.org.iter().map(|org| OrgObject::Org(org.as_ref().clone()));
        let teams = self.teams.values().map(|team| OrgObject::Team(team.as_ref().clone()));
        let members = self.members.values().map(|member| OrgObject::Member(member.as_ref().clone()));
        let keys = self.keys.values().map(|key| OrgObject::Key(key.as_ref().clone()));
        let policies = self.policies.values().map(|policy| OrgObject::Policy(policy.source.clone()));
        let budgets = self.budgets.values().map(|budget| OrgObject::Budget(budget.as_ref().clone()));
        let credentials =
            self.credentials.values().map(|secret| OrgObject::Credential(secret.as_ref().clone()));
        org.chain(teams)
            .chain(members)
            .chain(keys)
            .chain(policies)
            .chain(budgets)
            .chain(credentials)
            .collect()
    }
}
