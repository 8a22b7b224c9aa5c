//! Add, change and remove members.
//!
//! Invariant: only who may appoint owners makes, changes or removes one. That an organization keeps at least one, the
//! store sees to.

use domain::org::{Capability, Member, Role};
use domain::{MemberId, PersonId, Secret, TeamId};
use store::{MemberView, OrgScope, Person};

use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::auth::password::check_strength;
use crate::deps::App;
use crate::error::AdminError;

/// Who shall become a member.
pub(crate) struct NewMember {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) team: Option<TeamId>,
    pub(crate) password: Option<Secret<String>>,
}

/// What to change about a member; what is `None` stays.
pub(crate) struct MemberChange {
    pub(crate) id: MemberId,
    pub(crate) role: Option<Role>,
    pub(crate) team: Option<Option<TeamId>>,
}

/// Adds a member; answers also the first password of a person who is new here and was given none.
pub(crate) async fn create(
    app: &App,
    access: &Access,
    new: NewMember,
) -> Result<(Changed<MemberView>, Option<String>), AdminError> {
    let scope = scope(access, new.role)?;
    check_team(&scope, new.role, new.team).await?;
    let email = input::email("email", &new.email)?;
    let name = input::name("name", &new.name)?;
    let known = app.deps.store.person_by_email(&email).await?;
    let (person, is_new, shown) = match known {
        Some(person) => (person, false, None),
        None => first_password(app, email, name, new.password)
            .await
            .map(|(person, shown)| (person, true, shown))?,
    };
    let member = Member {
        id: MemberId::new(app.deps.clock.now(), rand::random()),
        org: access.org(),
        person: person.id,
        role: new.role,
        team: new.team,
    };
    let mut tx = begin(app, access, &scope).await?;
    if is_new {
        tx.insert_person(&person).await?;
    }
    tx.insert_member(&member).await?;
    let revision = commit(app, tx).await?;
    let object = MemberView { member, email: person.email, name: person.name };
    Ok((Changed { object, revision }, shown))
}

/// Changes a member's role or team.
pub(crate) async fn update(
    app: &App,
    access: &Access,
    change: MemberChange,
) -> Result<Changed<MemberView>, AdminError> {
    let mut object = access.scope(Capability::ManageMembers)?.member(change.id).await?;
    let scope = scope(access, object.member.role)?;
    if let Some(role) = change.role {
        self::scope(access, role)?;
        object.member.role = role;
    }
    if let Some(team) = change.team {
        object.member.team = team;
    }
    check_team(&scope, object.member.role, object.member.team).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.update_member(&object.member).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// Ends a membership. The person's keys stay the organization's.
pub(crate) async fn remove(
    app: &App,
    access: &Access,
    id: MemberId,
) -> Result<Changed<MemberView>, AdminError> {
    let object = access.scope(Capability::ManageMembers)?.member(id).await?;
    let scope = scope(access, object.member.role)?;
    let mut tx = begin(app, access, &scope).await?;
    tx.remove_member(id).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// The scope in which members of `role` can be managed.
fn scope(access: &Access, role: Role) -> Result<OrgScope, AdminError> {
    if role == Role::Owner {
        access.require(Capability::ManageOwners)?;
    }
    access.scope(Capability::ManageMembers)
}

async fn check_team(scope: &OrgScope, role: Role, team: Option<TeamId>) -> Result<(), AdminError> {
    if let Some(team) = team {
        scope.team(team).await?;
        return Ok(());
    }
    if role == Role::TeamAdmin {
        return Err(AdminError::bad_input("teamId", "is needed: a team admin manages the keys of a team"));
    }
    Ok(())
}

async fn first_password(
    app: &App,
    email: String,
    name: String,
    given: Option<Secret<String>>,
) -> Result<(Person, Option<String>), AdminError> {
    let (password, shown) = match given {
        Some(password) => (password, None),
        None => {
            let made = hex::encode(rand::random::<[u8; 12]>());
            (Secret::new(made.clone()), Some(made))
        }
    };
    check_strength("password", &password)?;
    let password_hash = app.passwords.hash(password).await?;
    let id = PersonId::new(app.deps.clock.now(), rand::random());
    Ok((Person { id, email, name, password_hash }, shown))
}
