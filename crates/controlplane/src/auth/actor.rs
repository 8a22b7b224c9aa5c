//! Who is calling and what they may do: the wall between callers and organizations.
//!
//! Invariant: [`Access::scope`] is the only place of this crate that makes an [`OrgScope`], and it asks the role first.
//! An organization the caller is no member of looks like one that does not exist.

use domain::key::{KeyKind, KeyText};
use domain::org::{Capability, Member, Role};
use domain::{KeyId, MemberId, OrgId, PersonId, TeamId};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use store::{OrgScope, Store};

use crate::deps::Deps;
use crate::error::AdminError;

/// Who is calling, with every organization they are a member of.
pub(crate) struct Actor {
    who: Who,
    store: Store,
    memberships: Vec<Member>,
}

/// How a caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// With an access token.
    Person(PersonId),
    /// With a management key, which has the rights of the member it belongs to.
    Key(KeyId),
}

/// One organization as one caller may see it.
#[derive(Clone)]
pub(crate) struct Access {
    who: Who,
    store: Store,
    member: Member,
}

/// Which keys a caller may see and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All of the organization.
    All,
    /// Those of one team.
    Team(TeamId),
    /// Those of one member.
    Member(MemberId),
    /// None: a team admin without a team.
    Nothing,
}

impl Actor {
    /// Who sent a request with these headers.
    pub(crate) async fn authenticate(deps: &Deps, headers: &HeaderMap) -> Result<Self, AdminError> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self::of_bearer(deps, header.unwrap_or_default()).await
    }

    /// Who shows `authorization`: `Bearer`, and an access token or a management key.
    pub(crate) async fn of_bearer(deps: &Deps, authorization: &str) -> Result<Self, AdminError> {
        let Some((scheme, credential)) = authorization.split_once(' ') else {
            return Err(AdminError::Unauthenticated("log in, or send a management key as bearer token"));
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AdminError::Unauthenticated("only bearer tokens are accepted"));
        }
        match KeyText::parse(credential.trim()) {
            Some(key) => Self::of_key(deps, &key).await,
            None => Self::of_token(deps, credential.trim()).await,
        }
    }

    async fn of_token(deps: &Deps, token: &str) -> Result<Self, AdminError> {
        let refused = AdminError::Unauthenticated("the access token is not valid any more; log in again");
        let person = deps.signing_keys.verify(token, deps.clock.as_ref()).ok_or(refused)?;
        let memberships = deps.store.memberships(person).await?;
        Ok(Self { who: Who::Person(person), store: deps.store.clone(), memberships })
    }

    async fn of_key(deps: &Deps, text: &KeyText) -> Result<Self, AdminError> {
        let refused = || AdminError::Unauthenticated("this management key is not accepted");
        if text.kind() != KeyKind::Management {
            return Err(AdminError::Unauthenticated(
                "an inference key cannot administer; use a management key",
            ));
        }
        let hash = text.hash(&deps.pepper);
        let key = deps.store.key_by_hash(&hash).await?.ok_or_else(refused)?;
        key.accepts(&hash, deps.clock.now()).map_err(|_| refused())?;
        let member = key.member.ok_or_else(refused)?;
        let member = deps.store.scope(key.org).member(member).await.map_err(|_| refused())?;
        Ok(Self { who: Who::Key(key.id), store: deps.store.clone(), memberships: vec![member.member] })
    }

    /// The person, unless the caller is a key.
    pub(crate) const fn person(&self) -> Option<PersonId> {
        match self.who {
            Who::Person(person) => Some(person),
            Who::Key(_) => None,
        }
    }

    /// Every organization the caller is a member of.
    pub(crate) fn accesses(&self) -> impl Iterator<Item = Access> {
        let access =
            |member: &Member| Access { who: self.who, store: self.store.clone(), member: member.clone() };
        self.memberships.iter().map(access)
    }

    /// One organization; one the caller is no member of does not exist for them.
    pub(crate) fn access(&self, org: OrgId) -> Result<Access, AdminError> {
        self.accesses().find(|access| access.org() == org).ok_or(AdminError::NotFound("organization"))
    }
}

impl Access {
    /// The organization.
    pub(crate) const fn org(&self) -> OrgId {
        self.member.org
    }

    /// What the caller is there.
    pub(crate) const fn role(&self) -> Role {
        self.member.role
    }

    /// Refuses unless the caller's role allows `capability`.
    pub(crate) fn require(&self, capability: Capability) -> Result<(), AdminError> {
        if self.member.role.may(capability) {
            return Ok(());
        }
        Err(AdminError::Forbidden(format!(
            "the role {} does not allow {capability:?}",
            self.member.role.name()
        )))
    }

    /// The organization's rows, for what `capability` allows.
    pub(crate) fn scope(&self, capability: Capability) -> Result<OrgScope, AdminError> {
        self.require(capability)?;
        Ok(self.store.scope(self.member.org))
    }

    /// Which keys the caller may see and change.
    pub(crate) const fn reach(&self) -> Reach {
        match (self.member.role, self.member.team) {
            (Role::TeamAdmin, Some(team)) => Reach::Team(team),
            (Role::TeamAdmin, None) => Reach::Nothing,
            (Role::Member, _) => Reach::Member(self.member.id),
            _ => Reach::All,
        }
    }

    /// Whom the audit log names.
    pub(crate) fn author(&self) -> store::Author {
        match self.who {
            Who::Person(person) => store::Author::person(person),
            Who::Key(key) => store::Author::key(key),
        }
    }
}
