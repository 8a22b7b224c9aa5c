//! Sessions: refresh tokens by their hash, each used once.
//!
//! Invariant: of a family, the tokens that grew from one log-in, at most one can be used; using one a second time ends
//! them all.

use domain::{PersonId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};

use crate::column::Row;
use crate::connect::{Store, Whose, commit};
use crate::entity::session;
use crate::error::StoreError;
use crate::scope::{insert, one, platform};

impl Store {
    /// Begins a session with the token of this hash. Sessions that have expired are forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such person.
    pub async fn open_session(
        &self,
        person: PersonId,
        hash: String,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        let expired = session::Column::ExpiresAt.lt(now.as_micros());
        session::Entity::delete_many().filter(expired).exec(&sql).await?;
        let first = session::Model {
            family: hash.clone(),
            hash,
            person_id: person.to_string(),
            opened_at: now.as_micros(),
            expires_at: expires_at.as_micros(),
            replaced_at: None,
            revoked_at: None,
        };
        insert::<session::Entity, _>(first, &sql).await?;
        commit(sql).await
    }

    /// Uses up the token with the hash `presented`; `next` takes its place. Answers whose session it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the token is unknown, expired, revoked, or was used before; in that last case every
    /// token of its family is revoked.
    pub async fn rotate_session(
        &self,
        presented: String,
        next: String,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<PersonId, StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        let before = one(platform::<session::Entity>().filter(has(&presented)), &sql).await?;
        if before.revoked_at.is_some() || before.expires_at <= now.as_micros() {
            return Err(StoreError::NotFound);
        }
        let used = session::Entity::update_many()
            .col_expr(session::Column::ReplacedAt, Expr::value(now.as_micros()))
            .filter(has(&presented).add(session::Column::ReplacedAt.is_null()))
            .exec(&sql)
            .await?;
        if used.rows_affected == 0 {
            revoke(&before.family, now, &sql).await?;
            commit(sql).await?;
            return Err(StoreError::NotFound);
        }
        let person = Row { table: "sessions", id: &before.family }.parse(&before.person_id)?;
        let after = session::Model {
            hash: next,
            opened_at: now.as_micros(),
            expires_at: expires_at.as_micros(),
            replaced_at: None,
            ..before
        };
        insert::<session::Entity, _>(after, &sql).await?;
        commit(sql).await?;
        Ok(person)
    }

    /// Ends the session that the token with this hash belongs to; there being none is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn close_session(&self, hash: String, now: Timestamp) -> Result<(), StoreError> {
        let session = platform::<session::Entity>().filter(has(&hash)).one(self.reader()).await?;
        match session {
            Some(session) => revoke(&session.family, now, self.writer()).await,
            None => Ok(()),
        }
    }
}

fn has(hash: &str) -> Condition {
    Condition::all().add(session::Column::Hash.eq(hash))
}

async fn revoke<C: ConnectionTrait>(family: &str, now: Timestamp, database: &C) -> Result<(), StoreError> {
    session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(now.as_micros()))
        .filter(session::Column::Family.eq(family))
        .filter(session::Column::RevokedAt.is_null())
        .exec(database)
        .await
        .map_err(StoreError::unsure)?;
    Ok(())
}
