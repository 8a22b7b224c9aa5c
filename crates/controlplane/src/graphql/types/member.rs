//! A member with the person, and what adding, changing and removing one takes.
//!
//! Invariant: a password appears in the payload of the mutation that made it and nowhere else.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::org;
use store::MemberView;

use crate::graphql::types::propagation::Applied;

/// What a member is in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::org::Role")]
pub(crate) enum Role {
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

/// A person who can log in.
#[derive(SimpleObject)]
pub(crate) struct Person {
    pub(crate) id: ID,
    pub(crate) email: String,
    pub(crate) name: String,
}

/// A person in an organization.
pub(crate) struct Member {
    pub(crate) member: org::Member,
    pub(crate) email: String,
    pub(crate) name: String,
}

impl From<MemberView> for Member {
    fn from(view: MemberView) -> Self {
        Self { member: view.member, email: view.email, name: view.name }
    }
}

#[Object]
impl Member {
    pub(crate) async fn id(&self) -> ID {
        self.member.id.to_string().into()
    }

    /// Who it is.
    async fn person(&self) -> Person {
        Person {
            id: self.member.person.to_string().into(),
            email: self.email.clone(),
            name: self.name.clone(),
        }
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.member.role.into()
    }

    /// The team a team admin or member belongs to.
    async fn team_id(&self) -> Option<ID> {
        self.member.team.map(|team| team.to_string().into())
    }
}

#[derive(InputObject)]
pub(crate) struct CreateMemberInput {
    pub(crate) organization_id: ID,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) team_id: Option<ID>,
    /// For a person who is new here; left out: one is made and returned.
    #[graphql(secret)]
    pub(crate) password: Option<String>,
}

#[derive(InputObject)]
pub(crate) struct UpdateMemberInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    pub(crate) role: Option<Role>,
    /// Left out: as it is. Null: none.
    pub(crate) team_id: MaybeUndefined<ID>,
}

#[derive(InputObject)]
pub(crate) struct RemoveMemberInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct MemberPayload {
    pub(crate) member: Member,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}

#[derive(SimpleObject)]
pub(crate) struct CreateMemberPayload {
    pub(crate) member: Member,
    /// The first password of a person who is new here, if it was not given. It is not kept: this is the only time it
    /// can be read.
    pub(crate) initial_password: Option<String>,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}
