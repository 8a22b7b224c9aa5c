//! Keys of an organization.
//!
//! Invariant: a key is not deleted, only revoked; its text is never here, only what it is looked up by.

use domain::key::{Key, KeyHash, KeyKind};
use domain::{KeyId, MemberId, TeamId, Timestamp};
use policy::record::ObjectRef;
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde_json::{Value, json};

use crate::column::Row;
use crate::connect::{Store, Whose};
use crate::entity::key;
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, across_orgs, one};
use crate::tx::PolicyTx;

/// Which keys; the default is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// Only those of this team.
    pub team: Option<TeamId>,
    /// Only those of this member.
    pub member: Option<MemberId>,
}

impl TryFrom<key::Model> for Key {
    type Error = StoreError;
    fn try_from(row: key::Model) -> Result<Self, StoreError> {
        let place = Row { table: "keys", id: &row.id };
        let previous = match (&row.previous_hash, row.previous_until) {
            (Some(hash), Some(until)) => Some((hash_of(place, hash)?, Timestamp::from_micros(until))),
            _ => None,
        };
        Ok(Self {
            id: place.parse(&row.id)?,
            org: place.parse(&row.org_id)?,
            team: place.parse_optional(row.team_id.as_deref())?,
            member: place.parse_optional(row.member_id.as_deref())?,
            kind: place.named(&row.kind, KeyKind::from_name)?,
            hash: hash_of(place, &row.hash)?,
            previous,
            expires_at: row.expires_at.map(Timestamp::from_micros),
            revoked_at: row.revoked_at.map(Timestamp::from_micros),
            requests_per_minute: row.requests_per_minute.map(|limit| place.number(limit)).transpose()?,
            name: row.name,
            public_id: row.public_id,
            label: row.label,
        })
    }
}

impl From<&Key> for key::Model {
    fn from(key: &Key) -> Self {
        Self {
            org_id: key.org.to_string(),
            id: key.id.to_string(),
            team_id: key.team.map(|team| team.to_string()),
            member_id: key.member.map(|member| member.to_string()),
            name: key.name.clone(),
            kind: key.kind.name().to_owned(),
            public_id: key.public_id.clone(),
            label: key.label.clone(),
            hash: hex::encode(key.hash.0),
            previous_hash: key.previous.map(|(hash, _)| hex::encode(hash.0)),
            previous_until: key.previous.map(|(_, until)| until.as_micros()),
            expires_at: key.expires_at.map(Timestamp::as_micros),
            revoked_at: key.revoked_at.map(Timestamp::as_micros),
            requests_per_minute: key.requests_per_minute.map(i64::from),
        }
    }
}

impl OrgScope {
    /// Keys, oldest first; revoked ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keys(&self, filter: KeyFilter, which: &Page) -> Result<Paged<Key>, StoreError> {
        let mut select = self.rows::<key::Entity>();
        if let Some(team) = filter.team {
            select = select.filter(key::Column::TeamId.eq(team.to_string()));
        }
        if let Some(member) = filter.member {
            select = select.filter(key::Column::MemberId.eq(member.to_string()));
        }
        page(&self.read().await?, select, (key::Column::Id, Order::OldestFirst), which, Key::try_from).await
    }

    /// One key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn key(&self, id: KeyId) -> Result<Key, StoreError> {
        one(self.rows::<key::Entity>().filter(is(id)), &self.read().await?).await?.try_into()
    }
}

impl Store {
    /// The key whose present or previous text has this hash. Whether it is accepted, the key itself says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_by_hash(&self, hash: &KeyHash) -> Result<Option<Key>, StoreError> {
        let text = hex::encode(hash.0);
        let either = Condition::any()
            .add(key::Column::Hash.eq(text.as_str()))
            .add(key::Column::PreviousHash.eq(text.as_str()));
        let row =
            across_orgs::<key::Entity>().filter(either).one(&self.begin_read(Whose::Every).await?).await?;
        row.map(Key::try_from).transpose()
    }
}

impl PolicyTx {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists; [`StoreError::NotFound`] when there is no such team or member.
    pub async fn insert_key(&mut self, new: &Key) -> Result<(), StoreError> {
        self.own(new.org)?;
        self.insert::<key::Entity>(new.into()).await.map_err(|e| e.or_conflict("this key exists"))?;
        self.put(ObjectRef::Key(new.id), "create_key", detail(new));
        Ok(())
    }

    /// Changes a key: its rotation, expiry or revocation too.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn update_key(&mut self, changed: &Key) -> Result<(), StoreError> {
        self.own(changed.org)?;
        let replaced = self.replace::<key::Entity>(changed.into(), is(changed.id)).await;
        replaced.map_err(|error| error.or_conflict("another key has this text"))?;
        self.put(ObjectRef::Key(changed.id), "update_key", detail(changed));
        Ok(())
    }
}

pub(crate) fn is(id: KeyId) -> Condition {
    Condition::all().add(key::Column::Id.eq(id.to_string()))
}

fn hash_of(place: Row<'_>, text: &str) -> Result<KeyHash, StoreError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|error| place.problem(error))?;
    Ok(KeyHash(bytes))
}

fn detail(key: &Key) -> Value {
    json!({
        "name": key.name,
        "kind": key.kind.name(),
        "label": key.label,
        "team": key.team.map(|team| team.to_string()),
        "member": key.member.map(|member| member.to_string()),
        "previous_until": key.previous.map(|(_, until)| until.to_string()),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "revoked_at": key.revoked_at.map(|at| at.to_string()),
        "requests_per_minute": key.requests_per_minute,
    })
}
