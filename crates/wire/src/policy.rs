//! Whole policies: an organization's, the platform's, a change, the feed's messages, a node's last-known-good.
//!
//! Invariant: a policy with one object that is not understood is refused whole; a node then keeps what it had.

use domain::{BudgetId, CredentialId, KeyId, MemberId, OrgId, PolicyId, TeamId};
use policy::feed::{Heartbeat, PolicyMessage};
use policy::record::{ObjectRef, OrgChange, OrgObject, OrgRecords, PlatformRecords};

use crate::WireError;
use crate::catalogue::{unit_prices, unit_prices_from};
use crate::field::{all, bits, id, required};
use crate::pb::policy::v1 as pb;

/// Everything a node needs to serve with all else down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastKnownGood {
    /// Changes when a database is restored from backup.
    pub epoch: u64,
    /// The platform's objects.
    pub platform: PlatformRecords,
    /// Every organization's.
    pub orgs: Vec<OrgRecords>,
}

impl From<&LastKnownGood> for pb::LastKnownGood {
    fn from(good: &LastKnownGood) -> Self {
        Self {
            epoch: good.epoch,
            platform: Some((&good.platform).into()),
            orgs: good.orgs.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::LastKnownGood> for LastKnownGood {
    type Error = WireError;
    fn try_from(good: pb::LastKnownGood) -> Result<Self, WireError> {
        Ok(Self {
            epoch: good.epoch,
            platform: required("last_known_good.platform", good.platform)?.try_into()?,
            orgs: all(good.orgs)?,
        })
    }
}

/// `Lagged` is never sent: it becomes a message that is refused.
impl From<&PolicyMessage> for pb::Message {
    fn from(message: &PolicyMessage) -> Self {
        let kind = match message {
            PolicyMessage::Change(change) => Some(pb::message::Kind::Change(change.into())),
            PolicyMessage::Platform(platform) => Some(pb::message::Kind::Platform(platform.as_ref().into())),
            PolicyMessage::Heartbeat(heartbeat) => Some(pb::message::Kind::Heartbeat((*heartbeat).into())),
            PolicyMessage::Lagged => None,
        };
        Self { kind }
    }
}

impl TryFrom<pb::Message> for PolicyMessage {
    type Error = WireError;
    fn try_from(message: pb::Message) -> Result<Self, WireError> {
        match required("message.kind", message.kind)? {
            pb::message::Kind::Change(change) => change.try_into().map(Self::Change),
            pb::message::Kind::Platform(platform) => platform.try_into().map(Box::new).map(Self::Platform),
            pb::message::Kind::Heartbeat(heartbeat) => Ok(Self::Heartbeat(heartbeat.into())),
        }
    }
}

impl From<Heartbeat> for pb::Heartbeat {
    fn from(heartbeat: Heartbeat) -> Self {
        let Heartbeat { epoch, orgs, revisions, platform } = heartbeat;
        Self { epoch, orgs, revisions, platform }
    }
}

impl From<pb::Heartbeat> for Heartbeat {
    fn from(heartbeat: pb::Heartbeat) -> Self {
        let pb::Heartbeat { epoch, orgs, revisions, platform } = heartbeat;
        Self { epoch, orgs, revisions, platform }
    }
}

impl From<&OrgRecords> for pb::OrgRecords {
    fn from(records: &OrgRecords) -> Self {
        Self {
            epoch: records.epoch,
            org: bits(records.org.to_bits()),
            revision: records.revision,
            objects: records.objects.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::OrgRecords> for OrgRecords {
    type Error = WireError;
    fn try_from(records: pb::OrgRecords) -> Result<Self, WireError> {
        Ok(Self {
            epoch: records.epoch,
            org: id("org_records.org", &records.org, OrgId::from_bits)?,
            revision: records.revision,
            objects: all(records.objects)?,
        })
    }
}

impl From<&OrgChange> for pb::OrgChange {
    fn from(change: &OrgChange) -> Self {
        Self {
            epoch: change.epoch,
            org: bits(change.org.to_bits()),
            revision: change.revision,
            previous: change.previous,
            put: change.put.iter().map(Into::into).collect(),
            removed: change.removed.iter().copied().map(Into::into).collect(),
        }
    }
}

impl TryFrom<pb::OrgChange> for OrgChange {
    type Error = WireError;
    fn try_from(change: pb::OrgChange) -> Result<Self, WireError> {
        Ok(Self {
            epoch: change.epoch,
            org: id("org_change.org", &change.org, OrgId::from_bits)?,
            revision: change.revision,
            previous: change.previous,
            put: all(change.put)?,
            removed: all(change.removed)?,
        })
    }
}

impl From<&OrgObject> for pb::OrgObject {
    fn from(object: &OrgObject) -> Self {
        let kind = match object {
            OrgObject::Org(org) => pb::org_object::Kind::Org(org.into()),
            OrgObject::Team(team) => pb::org_object::Kind::Team(team.into()),
            OrgObject::Member(member) => pb::org_object::Kind::Member(member.into()),
            OrgObject::Key(key) => pb::org_object::Kind::Key(key.into()),
            OrgObject::Policy(policy) => pb::org_object::Kind::Policy(policy.into()),
            OrgObject::Budget(budget) => pb::org_object::Kind::Budget(budget.into()),
            OrgObject::Credential(credential) => pb::org_object::Kind::Credential(credential.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::OrgObject> for OrgObject {
    type Error = WireError;
    fn try_from(object: pb::OrgObject) -> Result<Self, WireError> {
        match required("org_object.kind", object.kind)? {
            pb::org_object::Kind::Org(org) => org.try_into().map(Self::Org),
            pb::org_object::Kind::Team(team) => team.try_into().map(Self::Team),
            pb::org_object::Kind::Member(member) => member.try_into().map(Self::Member),
            pb::org_object::Kind::Key(key) => key.try_into().map(Self::Key),
            pb::org_object::Kind::Policy(policy) => policy.try_into().map(Self::Policy),
            pb::org_object::Kind::Budget(budget) => budget.try_into().map(Self::Budget),
            pb::org_object::Kind::Credential(credential) => credential.try_into().map(Self::Credential),
        }
    }
}

impl From<ObjectRef> for pb::ObjectRef {
    fn from(reference: ObjectRef) -> Self {
        let kind = match reference {
            ObjectRef::Org(org) => pb::object_ref::Kind::Org(bits(org.to_bits())),
            ObjectRef::Team(team) => pb::object_ref::Kind::Team(bits(team.to_bits())),
            ObjectRef::Member(member) => pb::object_ref::Kind::Member(bits(member.to_bits())),
            ObjectRef::Key(key) => pb::object_ref::Kind::Key(bits(key.to_bits())),
            ObjectRef::Policy(policy) => pb::object_ref::Kind::Policy(bits(policy.to_bits())),
            ObjectRef::Budget(budget) => pb::object_ref::Kind::Budget(bits(budget.to_bits())),
            ObjectRef::Credential(credential) => pb::object_ref::Kind::Credential(bits(credential.to_bits())),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::ObjectRef> for ObjectRef {
    type Error = WireError;
    fn try_from(reference: pb::ObjectRef) -> Result<Self, WireError> {
        use pb::object_ref::Kind;
        match required("object_ref.kind", reference.kind)? {
            Kind::Org(org) => id("object_ref.org", &org, OrgId::from_bits).map(Self::Org),
            Kind::Team(team) => id("object_ref.team", &team, TeamId::from_bits).map(Self::Team),
            Kind::Member(member) => id("object_ref.member", &member, MemberId::from_bits).map(Self::Member),
            Kind::Key(key) => id("object_ref.key", &key, KeyId::from_bits).map(Self::Key),
            Kind::Policy(policy) => id("object_ref.policy", &policy, PolicyId::from_bits).map(Self::Policy),
            Kind::Budget(budget) => id("object_ref.budget", &budget, BudgetId::from_bits).map(Self::Budget),
            Kind::Credential(credential) => {
                id("object_ref.credential", &credential, CredentialId::from_bits).map(Self::Credential)
            }
        }
    }
}

impl From<&PlatformRecords> for pb::PlatformRecords {
    fn from(records: &PlatformRecords) -> Self {
        Self {
            epoch: records.epoch,
            revision: records.revision,
            providers: records.providers.iter().map(Into::into).collect(),
            models: records.models.iter().map(Into::into).collect(),
            endpoints: records.endpoints.iter().map(Into::into).collect(),
            credentials: records.credentials.iter().map(Into::into).collect(),
            policies: records.policies.iter().map(Into::into).collect(),
            ceiling: unit_prices(&records.ceiling),
        }
    }
}

impl TryFrom<pb::PlatformRecords> for PlatformRecords {
    type Error = WireError;
    fn try_from(records: pb::PlatformRecords) -> Result<Self, WireError> {
        Ok(Self {
            epoch: records.epoch,
            revision: records.revision,
            providers: all(records.providers)?,
            models: all(records.models)?,
            endpoints: all(records.endpoints)?,
            credentials: all(records.credentials)?,
            policies: all(records.policies)?,
            ceiling: unit_prices_from(records.ceiling)?,
        })
    }
}
