//! What a change of policy leaves behind: which objects at which revision, and who did it.
//!
//! Invariant: one place turns an object's reference into columns and back.

use std::fmt::Display;

use domain::Timestamp;
use policy::record::ObjectRef;
use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::author::Author;
use crate::chain::{Head, digest};
use crate::column::Row;
use crate::entity::audit;
use crate::error::StoreError;
use crate::scope::insert;

/// Done things that wait for their commit, to be written to one chain of the audit log.
#[derive(Debug)]
pub(crate) struct Minutes {
    chain: String,
    author: Author,
    now: Timestamp,
    done: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    action: &'static str,
    object: String,
    detail: Value,
}

impl Minutes {
    pub(crate) fn new(chain: String, author: Author, now: Timestamp) -> Self {
        Self { chain, author, now, done: Vec::new() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes that `action` was done to `object`. `detail` is shown to auditors and holds no secret.
    pub(crate) fn note(&mut self, action: &'static str, object: impl Display, detail: Value) {
        self.done.push(Done { action, object: object.to_string(), detail });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// Writes everything that was noted behind `head`, and answers the new end of the chain.
    pub(crate) async fn write<C: ConnectionTrait>(
        self,
        mut head: Head,
        database: &C,
    ) -> Result<Head, StoreError> {
        for done in self.done {
            let mut row = audit::Model {
                chain: self.chain.clone(),
                seq: head.seq + 1,
                at: self.now.as_micros(),
                actor_kind: self.author.kind().to_owned(),
                actor_id: self.author.id().map(ToOwned::to_owned),
                action: done.action.to_owned(),
                object: done.object,
                detail: done.detail.to_string(),
                prev_hash: head.hash,
                hash: String::new(),
            };
            row.hash = link(&row)?;
            head = Head { seq: row.seq, hash: row.hash.clone() };
            insert::<audit::Entity, _>(row, database).await?;
        }
        Ok(head)
    }
}

/// The hash of an audit row: over all of it but the hash itself.
pub(crate) fn link(row: &audit::Model) -> Result<String, StoreError> {
    digest(&audit::Model { hash: String::new(), ..row.clone() }).map(hex::encode)
}

/// The kind of an object, as stored.
pub(crate) const fn kind(object: ObjectRef) -> &'static str {
    match object {
        ObjectRef::Org(_) => "org",
        ObjectRef::Team(_) => "team",
        ObjectRef::Member(_) => "member",
        ObjectRef::Key(_) => "key",
        ObjectRef::Policy(_) => "policy",
        ObjectRef::Budget(_) => "budget",
        ObjectRef::Credential(_) => "credential",
    }
}

/// The id of an object, as stored.
pub(crate) fn object_id(object: ObjectRef) -> String {
    match object {
        ObjectRef::Org(id) => id.to_string(),
        ObjectRef::Team(id) => id.to_string(),
        ObjectRef::Member(id) => id.to_string(),
        ObjectRef::Key(id) => id.to_string(),
        ObjectRef::Policy(id) => id.to_string(),
        ObjectRef::Budget(id) => id.to_string(),
        ObjectRef::Credential(id) => id.to_string(),
    }
}

/// Reads [`kind`] and [`object_id`] back.
pub(crate) fn reference(kind: &str, id: &str) -> Result<ObjectRef, StoreError> {
    let row = Row { table: "policy_changes", id };
    Ok(match kind {
        "org" => ObjectRef::Org(row.parse(id)?),
        "team" => ObjectRef::Team(row.parse(id)?),
        "member" => ObjectRef::Member(row.parse(id)?),
        "key" => ObjectRef::Key(row.parse(id)?),
        "policy" => ObjectRef::Policy(row.parse(id)?),
        "budget" => ObjectRef::Budget(row.parse(id)?),
        "credential" => ObjectRef::Credential(row.parse(id)?),
        other => return Err(row.problem(format!("there is no kind {other:?}"))),
    })
}
