//! A sample attempt and event, for tests.
//!
//! Invariant: ids are made of the number given, so that equal numbers mean equal events.

use std::sync::Arc;

use domain::model::ModelKind;
use domain::{
    Amount, BudgetId, EndpointId, EventId, KeyId, NodeId, OrgId, Pico, PriceVersionId, RequestId, TeamId,
    Timestamp, TokenClass, TokenUsage, Window,
};

use crate::ports::{Sequence, Shipment};
use crate::usage::{
    Attempt, Attribution, Draw, Flags, Holder, Outcome, Revision, Settlement, UsageEvent, UsageSource,
};

/// When sample attempts are admitted.
pub const ADMITTED_AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// The first life of node `number`.
#[must_use]
pub fn holder(number: u128) -> Holder {
    Holder { node: NodeId::new(ADMITTED_AT, number), incarnation: 1 }
}

/// Budget `number` in the month of [`ADMITTED_AT`].
#[must_use]
pub fn draw(number: u128) -> Draw {
    Draw { budget: BudgetId::new(ADMITTED_AT, number), window: Window::MONTH.at(ADMITTED_AT) }
}

/// Attempt 1 of request `number`, which draws on nothing and has nothing reserved.
#[must_use]
pub fn attempt(number: u128) -> Attempt {
    Attempt {
        id: EventId { request: RequestId::new(ADMITTED_AT, number), attempt: 1 },
        holder: holder(1),
        attribution: Attribution {
            org: OrgId::new(ADMITTED_AT, 1),
            key: KeyId::new(ADMITTED_AT, 1),
            team: Some(TeamId::new(ADMITTED_AT, 1)),
            member: None,
            cost_centre: Some("4711".into()),
            app: None,
            end_user: None,
            tags: vec![("feature".into(), "search".into())],
            session: None,
            data_class: None,
            route: None,
        },
        kind: ModelKind::Chat,
        stream: true,
        requested_model: "openai/gpt-5-mini".into(),
        model: "openai/gpt-5-mini".into(),
        provider: "openai".into(),
        endpoint: EndpointId::new(ADMITTED_AT, 1),
        byok: None,
        price_version: PriceVersionId::new(ADMITTED_AT, 1),
        revision: Revision { epoch: 1, org: 1, platform: 1 },
        zdr: false,
        reserved: Pico::ZERO,
        draws: Vec::new(),
        admitted_at: ADMITTED_AT,
    }
}

/// `attempt`, answered one second after its admission with 100 prompt and 20 completion tokens at this cost.
#[must_use]
pub fn answered(attempt: Attempt, cost: Pico) -> UsageEvent {
    let settlement = Settlement {
        outcome: Outcome::Answered,
        status: 200,
        error: None,
        usage: TokenUsage::default().with(TokenClass::Input, 100).with(TokenClass::Output, 20),
        usage_source: UsageSource::Provider,
        cost,
        streamed: cost,
        suspense: Pico::ZERO,
        overruns: vec![Amount::ZERO; attempt.draws.len()],
        flags: Flags::default(),
        finish_reason: Some("stop".into()),
        first_byte_at: Some(attempt.admitted_at.plus_micros(300_000)),
        ended_at: attempt.admitted_at.plus_seconds(1),
    };
    UsageEvent { attempt, settlement }
}

/// A shipment of `events` from the first life of node 1.
#[must_use]
pub fn shipment(events: Vec<UsageEvent>) -> Shipment {
    Shipment { holder: holder(1), upto: Sequence(1), events: events.into_iter().map(Arc::new).collect() }
}
