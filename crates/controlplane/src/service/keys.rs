//! Create, rotate and revoke keys.
//!
//! Invariant: a key's text leaves by the return value of the function that minted it and is stored nowhere. A team admin
//! reaches the keys of the own team only.

use domain::key::{Key, KeyKind, KeyText};
use domain::org::{Capability, Role};
use domain::{KeyId, MemberId, TeamId, Timestamp};
use store::{OrgScope, StoreError};

use super::{Changed, begin, commit, input};
use crate::auth::actor::{Access, Reach};
use crate::deps::App;
use crate::error::AdminError;

/// The longest that the text before a rotation may still be accepted: 30 days.
const LONGEST_GRACE_SECONDS: i32 = 30 * 86_400;

/// What a new key shall be.
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) kind: KeyKind,
    pub(crate) team: Option<TeamId>,
    pub(crate) member: Option<MemberId>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) requests_per_minute: Option<u32>,
}

/// Mints a key; answers it and its text.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    new: NewKey,
) -> Result<(Changed<Key>, String), AdminError> {
    let scope = access.scope(capability(new.kind))?;
    let now = app.deps.clock.now();
    check_owner(access, &scope, &new).await?;
    if new.expires_at.is_some_and(|expiry| expiry <= now) {
        return Err(AdminError::bad_input("expiresAt", "is in the past"));
    }
    if new.requests_per_minute == Some(0) {
        return Err(AdminError::bad_input(
            "requestsPerMinute",
            "is 0; a limit is at least 1, and null is none",
        ));
    }
    let text = KeyText::mint(new.kind, &rand::random());
    let object = Key {
        id: KeyId::new(now, rand::random()),
        org: access.org(),
        team: new.team,
        member: new.member,
        name: input::name("name", &new.name)?,
        kind: new.kind,
        public_id: text.public_id(),
        label: text.label(),
        hash: text.hash(&app.deps.pepper),
        previous: None,
        expires_at: new.expires_at,
        revoked_at: None,
        requests_per_minute: new.requests_per_minute,
    };
    let mut tx = begin(app, access, &scope).await?;
    tx.insert_key(&object).await?;
    Ok((Changed { object, revision: commit(app, tx).await? }, text.expose().to_owned()))
}

/// Gives a key another text; the one before is accepted for `grace_seconds` more.
pub(crate) async fn rotate(
    app: &App,
    access: &Access,
    id: KeyId,
    grace_seconds: i32,
) -> Result<(Changed<Key>, String), AdminError> {
    if !(0..=LONGEST_GRACE_SECONDS).contains(&grace_seconds) {
        let message = format!("is {grace_seconds}; 0 to {LONGEST_GRACE_SECONDS} (30 days) can be given");
        return Err(AdminError::bad_input("graceSeconds", message));
    }
    let (scope, mut object) = reachable(access, id).await?;
    if object.revoked_at.is_some() {
        return Err(AdminError::Conflict("the key is revoked".to_owned()));
    }
    let text = KeyText::mint(object.kind, &rand::random());
    let until = app.deps.clock.now().plus_seconds(i64::from(grace_seconds));
    object.previous = (grace_seconds > 0).then_some((object.hash, until));
    object.public_id = text.public_id();
    object.label = text.label();
    object.hash = text.hash(&app.deps.pepper);
    let mut tx = begin(app, access, &scope).await?;
    tx.update_key(&object).await?;
    Ok((Changed { object, revision: commit(app, tx).await? }, text.expose().to_owned()))
}

/// Ends a key for good, the text before a rotation included. Doing it twice changes nothing.
pub(crate) async fn revoke(app: &App, access: &Access, id: KeyId) -> Result<Changed<Key>, AdminError> {
    let (scope, mut object) = reachable(access, id).await?;
    object.revoked_at = object.revoked_at.or(Some(app.deps.clock.now()));
    object.previous = None;
    let mut tx = begin(app, access, &scope).await?;
    tx.update_key(&object).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// A key the caller may see.
pub(crate) async fn read(access: &Access, id: KeyId) -> Result<Key, AdminError> {
    let key = access.scope(Capability::ReadKeys)?.key(id).await?;
    if reaches(access, (key.team, key.member)) { Ok(key) } else { Err(AdminError::NotFound("key")) }
}

const fn capability(kind: KeyKind) -> Capability {
    match kind {
        KeyKind::Inference => Capability::ManageKeys,
        KeyKind::Management => Capability::ManageManagementKeys,
    }
}

/// A key the caller may change; one out of reach does not exist for them.
async fn reachable(access: &Access, id: KeyId) -> Result<(OrgScope, Key), AdminError> {
    let scope = access.scope(Capability::ManageKeys)?;
    let key = scope.key(id).await?;
    access.require(capability(key.kind))?;
    if let (KeyKind::Management, Some(member)) = (key.kind, key.member) {
        // A member who left has no rights that its key could give away.
        match scope.member(member).await {
            Ok(owner) => check_rights(access, key.kind, owner.member.role)?,
            Err(StoreError::NotFound) => {}
            Err(other) => return Err(other.into()),
        }
    }
    if reaches(access, (key.team, key.member)) { Ok((scope, key)) } else { Err(AdminError::NotFound("key")) }
}

/// Whether the keys of this team and member are the caller's to see and change.
fn reaches(access: &Access, (team, member): (Option<TeamId>, Option<MemberId>)) -> bool {
    match access.reach() {
        Reach::All => true,
        Reach::Team(own) => team == Some(own),
        Reach::Member(own) => member == Some(own),
        Reach::Nothing => false,
    }
}

/// Whoever mints a management key holds its text, and with it the rights of its member.
fn check_rights(access: &Access, kind: KeyKind, role: Role) -> Result<(), AdminError> {
    if kind == KeyKind::Management && role == Role::Owner {
        return access.require(Capability::ManageOwners);
    }
    Ok(())
}

/// Team and member must be the organization's, and within the caller's reach.
async fn check_owner(access: &Access, scope: &OrgScope, new: &NewKey) -> Result<(), AdminError> {
    if let Some(team) = new.team {
        scope.team(team).await?;
    }
    if let Some(member) = new.member {
        let owner = scope.member(member).await?.member;
        if matches!(access.reach(), Reach::Team(own) if owner.team != Some(own)) {
            return Err(AdminError::Forbidden("only members of the own team can be named".to_owned()));
        }
        check_rights(access, new.kind, owner.role)?;
    } else if new.kind == KeyKind::Management {
        return Err(AdminError::bad_input(
            "memberId",
            "is needed: a management key has the rights of a member",
        ));
    }
    if reaches(access, (new.team, new.member)) {
        return Ok(());
    }
    Err(AdminError::Forbidden("only keys of the own team can be made".to_owned()))
}
