//! Organizations, teams, members and what their roles allow.
//!
//! Invariant: the table in [`Role::may`] is the only place that says which role may do what.

use crate::id::{MemberId, OrgId, PersonId, TeamId};

/// An organization: the border nothing crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Its identity.
    pub id: OrgId,
    /// What people call it.
    pub name: String,
}

/// A group inside an organization that keys, budgets, policies and cost belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its identity.
    pub id: TeamId,
    /// The organization it is in.
    pub org: OrgId,
    /// What people call it.
    pub name: String,
    /// The cost centre its usage is charged to, as of now; events keep the one of their moment.
    pub cost_centre: Option<String>,
}

/// A person in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its identity.
    pub id: MemberId,
    /// The organization.
    pub org: OrgId,
    /// The person.
    pub person: PersonId,
    /// What they may do.
    pub role: Role,
    /// The team a team admin or member belongs to.
    pub team: Option<TeamId>,
}

/// What a member is in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything, also appoint owners.
    Owner,
    /// May do everything but appoint or remove owners.
    Admin,
    /// Manages keys of the own team.
    TeamAdmin,
    /// Uses models; sees the own keys.
    Member,
    /// Reads usage, budgets and reports.
    Finance,
    /// Reads everything, changes nothing.
    Auditor,
}

/// One thing a role may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See the organization, its teams, members, models and endpoints.
    ReadOrg,
    /// See keys (never their secrets).
    ReadKeys,
    /// See budgets and what is spent of them.
    ReadBudgets,
    /// See policies and credentials (never their secrets).
    ReadPolicies,
    /// See usage events and chargeback reports.
    ReadUsage,
    /// See the audit log.
    ReadAudit,
    /// Rename the organization; create, change and retire teams.
    ManageTeams,
    /// Add, change and remove members.
    ManageMembers,
    /// Appoint and remove owners.
    ManageOwners,
    /// Create, rotate and revoke inference keys.
    ManageKeys,
    /// Create, rotate and revoke management keys.
    ManageManagementKeys,
    /// Create, change and remove budgets.
    ManageBudgets,
    /// Create, change and remove policies.
    ManagePolicies,
    /// Store and remove provider credentials.
    ManageCredentials,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 14] = [
        Self::ReadOrg,
        Self::ReadKeys,
        Self::ReadBudgets,
        Self::ReadPolicies,
        Self::ReadUsage,
        Self::ReadAudit,
        Self::ManageTeams,
        Self::ManageMembers,
        Self::ManageOwners,
        Self::ManageKeys,
        Self::ManageManagementKeys,
        Self::ManageBudgets,
        Self::ManagePolicies,
        Self::ManageCredentials,
    ];
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::TeamAdmin, Self::Member, Self::Finance, Self::Auditor];

    /// The name in SQL, GraphQL and the UI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::TeamAdmin => "team_admin",
            Self::Member => "member",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
        }
    }

    /// The role with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role allows `capability`. A team admin's `ManageKeys` and `ReadKeys` reach the own team only, a
    /// member's `ReadKeys` the own keys only: whoever lists or changes keys narrows by these.
    #[must_use]
    pub const fn may(self, capability: Capability) -> bool {
        use Capability as C;
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(capability, C::ManageOwners),
            Self::TeamAdmin => {
                matches!(capability, C::ReadOrg | C::ReadKeys | C::ReadBudgets | C::ManageKeys)
            }
            Self::Member => matches!(capability, C::ReadOrg | C::ReadKeys),
            Self::Finance => matches!(capability, C::ReadOrg | C::ReadBudgets | C::ReadUsage),
            Self::Auditor => matches!(
                capability,
                C::ReadOrg | C::ReadKeys | C::ReadBudgets | C::ReadPolicies | C::ReadUsage | C::ReadAudit
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_changes_nothing_and_an_admin_appoints_no_owner() {
        let allowed = |role: Role| Capability::ALL.into_iter().filter(move |c| role.may(*c));
        assert!(allowed(Role::Auditor).all(|c| format!("{c:?}").starts_with("Read")));
        assert_eq!(allowed(Role::Admin).count(), Capability::ALL.len() - 1);
        assert!(!Role::Admin.may(Capability::ManageOwners));
        assert!(!Role::Finance.may(Capability::ReadKeys));
    }

    #[test]
    fn a_role_reads_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }
}
