//! What is the platform's: its revision, the catalogue with prices and data policies, credentials, rules for everybody.
//!
//! Invariant: `platform_state` has one row; price versions are never changed.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0001_platform",
    append_only: &["price_versions"],
    sql: "
CREATE TABLE platform_state (
    id TEXT PRIMARY KEY CHECK (id = 'platform'),
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    published_revision BIGINT NOT NULL,
    ceiling TEXT NOT NULL,
    audit_seq BIGINT NOT NULL,
    audit_hash TEXT NOT NULL
);

CREATE TABLE providers (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    dialect TEXT NOT NULL,
    base_url TEXT NOT NULL
);

CREATE TABLE models (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    context_length BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL REFERENCES models (slug),
    provider TEXT NOT NULL REFERENCES providers (slug),
    upstream_model TEXT NOT NULL,
    max_output_tokens BIGINT NOT NULL,
    retention TEXT NOT NULL,
    evidence_url TEXT,
    checked_at BIGINT,
    trains BOOLEAN
);
CREATE INDEX endpoints_model ON endpoints (model, id);

CREATE TABLE price_versions (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES endpoints (id),
    effective_from BIGINT NOT NULL,
    unit TEXT NOT NULL,
    tiers TEXT NOT NULL
);
CREATE INDEX price_versions_endpoint ON price_versions (endpoint_id);

CREATE TABLE platform_credentials (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL REFERENCES providers (slug),
    label TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed TEXT NOT NULL
);

CREATE TABLE platform_policies (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    rules TEXT NOT NULL
);
",
};
