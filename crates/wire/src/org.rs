//! An organization's objects: org, team, member, key, budget, credential.
//!
//! Invariant: an object that is read is sound in itself; whether it fits its neighbours, `policy` decides.

use domain::key::{Key, KeyHash};
use domain::limit::{Budget, BudgetFilter, Enforcement, InvalidWindow, Thresholds, Window};
use domain::org::{Member, Org, Team};
use domain::{BudgetId, BudgetScope, CredentialId, KeyId, MemberId, OrgId, PersonId, TeamId};
use policy::record::{Credential, Sealed};

use crate::WireError;
use crate::field::{amount, array, bits, choice, id, message, moment, optional_id, required};
use crate::pb::policy::v1 as pb;

impl From<&Org> for pb::Org {
    fn from(org: &Org) -> Self {
        Self { id: bits(org.id.to_bits()), name: org.name.clone() }
    }
}

impl TryFrom<pb::Org> for Org {
    type Error = WireError;
    fn try_from(org: pb::Org) -> Result<Self, WireError> {
        Ok(Self { id: id("org.id", &org.id, OrgId::from_bits)?, name: org.name })
    }
}

impl From<&Team> for pb::Team {
    fn from(team: &Team) -> Self {
        Self {
            id: bits(team.id.to_bits()),
            org: bits(team.org.to_bits()),
            name: team.name.clone(),
            cost_centre: team.cost_centre.clone(),
        }
    }
}

impl TryFrom<pb::Team> for Team {
    type Error = WireError;
    fn try_from(team: pb::Team) -> Result<Self, WireError> {
        Ok(Self {
            id: id("team.id", &team.id, TeamId::from_bits)?,
            org: id("team.org", &team.org, OrgId::from_bits)?,
            name: team.name,
            cost_centre: team.cost_centre,
        })
    }
}

impl From<&Member> for pb::Member {
    fn from(member: &Member) -> Self {
        Self {
            id: bits(member.id.to_bits()),
            org: bits(member.org.to_bits()),
            person: bits(member.person.to_bits()),
            role: pb::Role::from(member.role).into(),
            team: member.team.map(|team| bits(team.to_bits())),
        }
    }
}

impl TryFrom<pb::Member> for Member {
    type Error = WireError;
    fn try_from(member: pb::Member) -> Result<Self, WireError> {
        Ok(Self {
            id: id("member.id", &member.id, MemberId::from_bits)?,
            org: id("member.org", &member.org, OrgId::from_bits)?,
            person: id("member.person", &member.person, PersonId::from_bits)?,
            role: choice::<pb::Role, _>("member.role", member.role)?,
            team: optional_id("member.team", member.team.as_deref(), TeamId::from_bits)?,
        })
    }
}

impl From<&Key> for pb::Key {
    fn from(key: &Key) -> Self {
        Self {
            id: bits(key.id.to_bits()),
            org: bits(key.org.to_bits()),
            team: key.team.map(|team| bits(team.to_bits())),
            member: key.member.map(|member| bits(member.to_bits())),
            name: key.name.clone(),
            kind: pb::KeyKind::from(key.kind).into(),
            public_id: key.public_id.clone(),
            label: key.label.clone(),
            hash: key.hash.0.to_vec(),
            previous: key
                .previous
                .map(|(hash, until)| pb::PreviousHash { hash: hash.0.to_vec(), until_us: until.as_micros() }),
            expires_at_us: key.expires_at.map(|at| at.as_micros()),
            revoked_at_us: key.revoked_at.map(|at| at.as_micros()),
            requests_per_minute: key.requests_per_minute,
        }
    }
}

impl TryFrom<pb::Key> for Key {
    type Error = WireError;
    fn try_from(key: pb::Key) -> Result<Self, WireError> {
        let previous = key.previous.map(|previous| {
            array("key.previous.hash", &previous.hash).map(|hash| (KeyHash(hash), moment(previous.until_us)))
        });
        Ok(Self {
            id: id("key.id", &key.id, KeyId::from_bits)?,
            org: id("key.org", &key.org, OrgId::from_bits)?,
            team: optional_id("key.team", key.team.as_deref(), TeamId::from_bits)?,
            member: optional_id("key.member", key.member.as_deref(), MemberId::from_bits)?,
            name: key.name,
            kind: choice::<pb::KeyKind, _>("key.kind", key.kind)?,
            public_id: key.public_id,
            label: key.label,
            hash: array("key.hash", &key.hash).map(KeyHash)?,
            previous: previous.transpose()?,
            expires_at: key.expires_at_us.map(moment),
            revoked_at: key.revoked_at_us.map(moment),
            requests_per_minute: key.requests_per_minute,
        })
    }
}

impl From<&Budget> for pb::Budget {
    fn from(budget: &Budget) -> Self {
        Self {
            id: bits(budget.id.to_bits()),
            org: bits(budget.org.to_bits()),
            name: budget.name.clone(),
            scope: Some(budget.scope.into()),
            limit: Some(budget.limit.into()),
            window: pb::Window::from(budget.window.period()).into(),
            time_zone: budget.window.zone_name().to_owned(),
            fiscal_start_month: budget.window.fiscal_start_month(),
            enforcement: pb::Enforcement::from(budget.enforcement).into(),
            filter: (!budget.filter.is_empty()).then(|| (&budget.filter).into()),
            thresholds: budget.thresholds.percentages().iter().copied().map(u32::from).collect(),
        }
    }
}

impl TryFrom<pb::Budget> for Budget {
    type Error = WireError;
    fn try_from(budget: pb::Budget) -> Result<Self, WireError> {
        Ok(Self {
            id: id("budget.id", &budget.id, BudgetId::from_bits)?,
            org: id("budget.org", &budget.org, OrgId::from_bits)?,
            name: budget.name,
            scope: message("budget.scope", budget.scope)?,
            limit: amount("budget.limit", required("budget.limit", budget.limit)?)?,
            window: window(budget.window, &budget.time_zone, budget.fiscal_start_month)?,
            enforcement: match budget.enforcement {
                // From before there were others.
                0 => Enforcement::Hard,
                other => choice::<pb::Enforcement, _>("budget.enforcement", other)?,
            },
            filter: budget.filter.map(Into::into).unwrap_or_default(),
            thresholds: Thresholds::new(&budget.thresholds)
                .map_err(|_| WireError::Invalid("budget.thresholds"))?,
        })
    }
}

/// A writer of before sends the period alone: then it is in UTC, and years begin in January.
fn window(period: i32, zone: &str, fiscal_start_month: u32) -> Result<Window, WireError> {
    let period = choice::<pb::Window, _>("budget.window", period)?;
    let zone = if zone.is_empty() { Window::MONTH.zone_name() } else { zone };
    Window::new(period, zone, fiscal_start_month.max(1)).map_err(|error| match error {
        InvalidWindow::UnknownZone(_) => WireError::Invalid("budget.time_zone"),
        InvalidWindow::NoMonth(_) => WireError::Invalid("budget.fiscal_start_month"),
    })
}

impl From<&BudgetFilter> for pb::BudgetFilter {
    fn from(filter: &BudgetFilter) -> Self {
        let BudgetFilter { models, providers, data_classes, tag } = filter.clone();
        let tag = tag.map(|(key, value)| pb::Tag { key, value });
        Self { models, providers, data_classes, tag }
    }
}

impl From<pb::BudgetFilter> for BudgetFilter {
    fn from(filter: pb::BudgetFilter) -> Self {
        let pb::BudgetFilter { models, providers, data_classes, tag } = filter;
        Self { models, providers, data_classes, tag: tag.map(|tag| (tag.key, tag.value)) }
    }
}

impl From<BudgetScope> for pb::BudgetScope {
    fn from(scope: BudgetScope) -> Self {
        let kind = match scope {
            BudgetScope::Org => pb::budget_scope::Kind::Org(pb::Nothing {}),
            BudgetScope::Team(team) => pb::budget_scope::Kind::Team(bits(team.to_bits())),
            BudgetScope::Member(member) => pb::budget_scope::Kind::Member(bits(member.to_bits())),
            BudgetScope::Key(key) => pb::budget_scope::Kind::Key(bits(key.to_bits())),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::BudgetScope> for BudgetScope {
    type Error = WireError;
    fn try_from(scope: pb::BudgetScope) -> Result<Self, WireError> {
        use pb::budget_scope::Kind;
        match required("budget.scope", scope.kind)? {
            Kind::Org(pb::Nothing {}) => Ok(Self::Org),
            Kind::Team(team) => id("budget.scope", &team, TeamId::from_bits).map(Self::Team),
            Kind::Member(member) => id("budget.scope", &member, MemberId::from_bits).map(Self::Member),
            Kind::Key(key) => id("budget.scope", &key, KeyId::from_bits).map(Self::Key),
        }
    }
}

impl From<&Credential> for pb::Credential {
    fn from(credential: &Credential) -> Self {
        Self {
            id: bits(credential.id.to_bits()),
            org: credential.org.map(|org| bits(org.to_bits())),
            provider: credential.provider.clone(),
            label: credential.label.clone(),
            version: credential.version,
            sealed: credential.sealed.0.clone(),
        }
    }
}

impl TryFrom<pb::Credential> for Credential {
    type Error = WireError;
    fn try_from(credential: pb::Credential) -> Result<Self, WireError> {
        Ok(Self {
            id: id("credential.id", &credential.id, CredentialId::from_bits)?,
            org: optional_id("credential.org", credential.org.as_deref(), OrgId::from_bits)?,
            provider: credential.provider,
            label: credential.label,
            version: credential.version,
            sealed: Sealed(credential.sealed),
        })
    }
}

#[cfg(test)]
mod tests;
