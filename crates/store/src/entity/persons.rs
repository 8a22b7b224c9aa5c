//! Rows of persons and of their sessions.
//!
//! Invariant: a person belongs to no organization; memberships do.

use crate::entity::table;

table!(person, "persons", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub email: String,
    pub name: String,
    pub password_hash: String,
});

table!(session, "sessions", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub person_id: String,
    pub family: String,
    pub opened_at: i64,
    pub expires_at: i64,
    pub replaced_at: Option<i64>,
    pub revoked_at: Option<i64>,
});
