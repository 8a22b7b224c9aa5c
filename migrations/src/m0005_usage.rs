//! Usage events: the only billing fact, one per attempt, with the attribution of their moment.
//!
//! Invariant: ids and declared attribution only, never content; no foreign key but the organization's, since an event
//! outlives what it names. An event is never changed or deleted.

use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "m0005_usage",
    append_only: &["usage_events"],
    sql: "
CREATE TABLE usage_events (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    event_id TEXT NOT NULL,
    batch_seq BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    team_id TEXT,
    member_id TEXT,
    cost_centre TEXT,
    app TEXT,
    end_user TEXT,
    tags TEXT NOT NULL,
    session_id TEXT,
    data_class TEXT,
    route TEXT,
    kind TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    requested_model TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    byok TEXT,
    price_version_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    org_revision BIGINT NOT NULL,
    platform_revision BIGINT NOT NULL,
    zdr BOOLEAN NOT NULL,
    reserved BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT,
    units_input BIGINT NOT NULL,
    units_cached_input BIGINT NOT NULL,
    units_cache_write_5m BIGINT NOT NULL,
    units_cache_write_1h BIGINT NOT NULL,
    units_output BIGINT NOT NULL,
    units_reasoning BIGINT NOT NULL,
    units_audio_input BIGINT NOT NULL,
    units_audio_output BIGINT NOT NULL,
    units_image_input BIGINT NOT NULL,
    units_image_output BIGINT NOT NULL,
    units_request BIGINT NOT NULL,
    units_tool_call BIGINT NOT NULL,
    usage_source TEXT NOT NULL,
    cost BIGINT NOT NULL,
    streamed BIGINT NOT NULL,
    suspense BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    finish_reason TEXT,
    admitted_at BIGINT NOT NULL,
    first_byte_at BIGINT,
    ended_at BIGINT NOT NULL,
    node TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    draws TEXT NOT NULL,
    period TEXT NOT NULL,
    PRIMARY KEY (org_id, event_id, period)
) /* by period */;
CREATE INDEX usage_events_period ON usage_events (org_id, period, event_id);
CREATE INDEX usage_events_key ON usage_events (org_id, key_id, admitted_at);
CREATE INDEX usage_events_batch ON usage_events (org_id, batch_seq);
",
};
