//! A key, and what creating, rotating and revoking one takes.
//!
//! Invariant: a key's text appears in the payload of the mutation that minted it and nowhere else.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use domain::key;

use crate::graphql::scalars::DateTime;
use crate::graphql::types::propagation::Applied;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::key::KeyKind")]
pub(crate) enum KeyKind {
    /// Requests to models.
    Inference,
    /// This API, with the rights of the member it belongs to.
    Management,
}

/// A key; its text is shown once, when it is made.
pub(crate) struct Key(pub(crate) key::Key);

#[Object]
impl Key {
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it may be used for.
    async fn kind(&self) -> KeyKind {
        self.0.kind.into()
    }

    /// The text with its middle left out.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Lowercase hex SHA-256 of the text.
    async fn public_id(&self) -> &str {
        &self.0.public_id
    }

    /// The team its usage belongs to.
    async fn team_id(&self) -> Option<ID> {
        self.0.team.map(|team| team.to_string().into())
    }

    /// The member its usage belongs to.
    async fn member_id(&self) -> Option<ID> {
        self.0.member.map(|member| member.to_string().into())
    }

    async fn created_at(&self) -> DateTime {
        self.0.id.made_at().into()
    }

    /// When it stops being accepted.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }

    /// How many requests it may make in a minute; null: it has no limit of its own.
    async fn requests_per_minute(&self) -> Option<u32> {
        self.0.requests_per_minute
    }

    /// After a rotation: until when the text before is still accepted.
    async fn previous_accepted_until(&self) -> Option<DateTime> {
        self.0.previous.map(|(_, until)| until.into())
    }
}

#[derive(InputObject)]
pub(crate) struct CreateKeyInput {
    pub(crate) organization_id: ID,
    pub(crate) name: String,
    #[graphql(default_with = "KeyKind::Inference")]
    pub(crate) kind: KeyKind,
    pub(crate) team_id: Option<ID>,
    /// Needed for a management key: whose rights it has.
    pub(crate) member_id: Option<ID>,
    pub(crate) expires_at: Option<DateTime>,
    /// How many requests it may make in a minute, at least 1; left out: it has no limit of its own.
    pub(crate) requests_per_minute: Option<u32>,
}

#[derive(InputObject)]
pub(crate) struct RotateKeyInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
    /// For how long the text before is still accepted: 0 to 2,592,000 (30 days).
    #[graphql(default)]
    pub(crate) grace_seconds: i32,
}

#[derive(InputObject)]
pub(crate) struct RevokeKeyInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct KeyPayload {
    pub(crate) key: Key,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}

#[derive(SimpleObject)]
pub(crate) struct KeySecretPayload {
    pub(crate) key: Key,
    /// The key's text. It is not kept: this is the only time it can be read.
    pub(crate) secret: String,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}
