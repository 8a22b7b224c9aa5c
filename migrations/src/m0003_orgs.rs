//! Organizations with their teams, members, keys, credentials and policies, and which object changed at which revision.
//!
//! Invariant: every row carries its organization in its primary key and in its foreign keys.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0003_orgs",
    append_only: &[],
    sql: "
CREATE TABLE orgs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    policy_revision BIGINT NOT NULL,
    published_revision BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash TEXT NOT NULL
);

CREATE TABLE teams (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    cost_centre TEXT,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE members (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES persons (id),
    role TEXT NOT NULL,
    team_id TEXT,
    removed_at BIGINT,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id)
);
CREATE UNIQUE INDEX members_person ON members (person_id, org_id) WHERE removed_at IS NULL;

CREATE TABLE keys (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    team_id TEXT,
    member_id TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    previous_hash TEXT,
    previous_until BIGINT,
    expires_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id),
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id)
);
CREATE INDEX keys_previous_hash ON keys (previous_hash);
CREATE INDEX keys_team ON keys (org_id, team_id, id);
CREATE INDEX keys_member ON keys (org_id, member_id, id);

CREATE TABLE credentials (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    provider TEXT NOT NULL REFERENCES providers (slug),
    label TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE policies (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    layer TEXT NOT NULL,
    layer_id TEXT,
    name TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE policy_changes (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    removed BOOLEAN NOT NULL,
    PRIMARY KEY (org_id, revision, kind, object_id)
);
",
};
