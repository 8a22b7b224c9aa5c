//! Persons and the refresh tokens of their sessions.
//!
//! Invariant: an e-mail address, in lower case, belongs to one person; of a refresh token only the hash is kept.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0002_persons",
    append_only: &[],
    sql: "
CREATE TABLE persons (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES persons (id),
    family TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    replaced_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX sessions_family ON sessions (family);
CREATE INDEX sessions_expiry ON sessions (expires_at);
",
};
