//! Attempts, their settlement, and the records of a journal.
//!
//! Invariant: money is never negative, no class is counted twice, and there is one overrun per draw.

use std::sync::Arc;

use domain::{
    BudgetId, CredentialId, EndpointId, EventId, KeyId, MemberId, NodeId, OrgId, PriceVersionId, RequestId,
    TeamId, TokenClass, TokenUsage,
};
use metering::ports::Record;
use metering::usage::{
    Attempt, Attribution, Draw, Flags, Holder, Progress, Revision, Settlement, UsageEvent,
};

use crate::WireError;
use crate::field::{all, amount, bits, choice, id, message, moment, narrow, optional_id, pico, required};
use crate::pb::domain::v1 as shared;
use crate::pb::metering::v1 as pb;

impl From<&Record> for pb::Record {
    fn from(record: &Record) -> Self {
        let kind = match record {
            Record::Reserved(attempt) => pb::record::Kind::Reserved(attempt.as_ref().into()),
            Record::Progress(event, progress) => pb::record::Kind::Progress(pb::Progressed {
                id: Some(event.into()),
                usage: used(&progress.usage),
                streamed_pico: progress.streamed.get(),
            }),
            Record::Settled(event) => pb::record::Kind::Settled(event.as_ref().into()),
            Record::Void(event) => pb::record::Kind::Void(event.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::Record> for Record {
    type Error = WireError;
    fn try_from(record: pb::Record) -> Result<Self, WireError> {
        match required("record.kind", record.kind)? {
            pb::record::Kind::Reserved(attempt) => attempt.try_into().map(Arc::new).map(Self::Reserved),
            pb::record::Kind::Progress(progressed) => {
                let event = message("progressed.id", progressed.id)?;
                let usage = usage_from(progressed.usage)?;
                let streamed = pico("progressed.streamed_pico", progressed.streamed_pico)?;
                Ok(Self::Progress(event, Progress { usage, streamed }))
            }
            pb::record::Kind::Settled(event) => event.try_into().map(Arc::new).map(Self::Settled),
            pb::record::Kind::Void(event) => event.try_into().map(Self::Void),
        }
    }
}

impl From<&EventId> for pb::EventId {
    fn from(event: &EventId) -> Self {
        Self { request: bits(event.request.to_bits()), attempt: event.attempt.into() }
    }
}

impl TryFrom<pb::EventId> for EventId {
    type Error = WireError;
    fn try_from(event: pb::EventId) -> Result<Self, WireError> {
        Ok(Self {
            request: id("event_id.request", &event.request, RequestId::from_bits)?,
            attempt: narrow("event_id.attempt", event.attempt)?,
        })
    }
}

impl From<&Vec<UsageEvent>> for pb::UsageBatch {
    fn from(events: &Vec<UsageEvent>) -> Self {
        Self { events: events.iter().map(Into::into).collect() }
    }
}

impl TryFrom<pb::UsageBatch> for Vec<UsageEvent> {
    type Error = WireError;
    fn try_from(batch: pb::UsageBatch) -> Result<Self, WireError> {
        all(batch.events)
    }
}

impl From<&UsageEvent> for pb::UsageEvent {
    fn from(event: &UsageEvent) -> Self {
        Self { attempt: Some((&event.attempt).into()), settlement: Some((&event.settlement).into()) }
    }
}

impl TryFrom<pb::UsageEvent> for UsageEvent {
    type Error = WireError;
    fn try_from(event: pb::UsageEvent) -> Result<Self, WireError> {
        let attempt: Attempt = message("usage_event.attempt", event.attempt)?;
        let settlement: Settlement = message("usage_event.settlement", event.settlement)?;
        if settlement.overruns.len() != attempt.draws.len() {
            return Err(WireError::Invalid("settlement.overruns"));
        }
        Ok(Self { attempt, settlement })
    }
}

impl From<&Attempt> for pb::Attempt {
    fn from(attempt: &Attempt) -> Self {
        let Revision { epoch, org, platform } = attempt.revision;
        Self {
            id: Some((&attempt.id).into()),
            holder: Some(attempt.holder.into()),
            attribution: Some((&attempt.attribution).into()),
            kind: shared::ModelKind::from(attempt.kind).into(),
            stream: attempt.stream,
            requested_model: attempt.requested_model.clone(),
            model: attempt.model.clone(),
            provider: attempt.provider.clone(),
            endpoint: bits(attempt.endpoint.to_bits()),
            byok: attempt.byok.map(|credential| bits(credential.to_bits())),
            price_version: bits(attempt.price_version.to_bits()),
            revision: Some(pb::Revision { epoch, org, platform }),
            zdr: attempt.zdr,
            reserved_pico: attempt.reserved.get(),
            draws: attempt.draws.iter().map(Into::into).collect(),
            admitted_at_us: attempt.admitted_at.as_micros(),
        }
    }
}

impl TryFrom<pb::Attempt> for Attempt {
    type Error = WireError;
    fn try_from(attempt: pb::Attempt) -> Result<Self, WireError> {
        let pb::Revision { epoch, org, platform } = required("attempt.revision", attempt.revision)?;
        Ok(Self {
            id: message("attempt.id", attempt.id)?,
            holder: message("attempt.holder", attempt.holder)?,
            attribution: message("attempt.attribution", attempt.attribution)?,
            kind: choice::<shared::ModelKind, _>("attempt.kind", attempt.kind)?,
            stream: attempt.stream,
            requested_model: attempt.requested_model,
            model: attempt.model,
            provider: attempt.provider,
            endpoint: id("attempt.endpoint", &attempt.endpoint, EndpointId::from_bits)?,
            byok: optional_id("attempt.byok", attempt.byok.as_deref(), CredentialId::from_bits)?,
            price_version: id("attempt.price_version", &attempt.price_version, PriceVersionId::from_bits)?,
            revision: Revision { epoch, org, platform },
            zdr: attempt.zdr,
            reserved: pico("attempt.reserved_pico", attempt.reserved_pico)?,
            draws: all(attempt.draws)?,
            admitted_at: moment(attempt.admitted_at_us),
        })
    }
}

impl From<Holder> for pb::Holder {
    fn from(holder: Holder) -> Self {
        Self { node: bits(holder.node.to_bits()), incarnation: holder.incarnation }
    }
}

impl TryFrom<pb::Holder> for Holder {
    type Error = WireError;
    fn try_from(holder: pb::Holder) -> Result<Self, WireError> {
        let node = id("holder.node", &holder.node, NodeId::from_bits)?;
        Ok(Self { node, incarnation: holder.incarnation })
    }
}

impl From<&Attribution> for pb::Attribution {
    fn from(attribution: &Attribution) -> Self {
        let tags = attribution.tags.iter();
        Self {
            org: bits(attribution.org.to_bits()),
            key: bits(attribution.key.to_bits()),
            team: attribution.team.map(|team| bits(team.to_bits())),
            member: attribution.member.map(|member| bits(member.to_bits())),
            cost_centre: attribution.cost_centre.clone(),
            app: attribution.app.clone(),
            end_user: attribution.end_user.clone(),
            tags: tags.map(|(key, value)| pb::Tag { key: key.clone(), value: value.clone() }).collect(),
            session: attribution.session.clone(),
            data_class: attribution.data_class.clone(),
            route: attribution.route.clone(),
        }
    }
}

impl TryFrom<pb::Attribution> for Attribution {
    type Error = WireError;
    fn try_from(attribution: pb::Attribution) -> Result<Self, WireError> {
        Ok(Self {
            org: id("attribution.org", &attribution.org, OrgId::from_bits)?,
            key: id("attribution.key", &attribution.key, KeyId::from_bits)?,
            team: optional_id("attribution.team", attribution.team.as_deref(), TeamId::from_bits)?,
            member: optional_id("attribution.member", attribution.member.as_deref(), MemberId::from_bits)?,
            cost_centre: attribution.cost_centre,
            app: attribution.app,
            end_user: attribution.end_user,
            tags: attribution.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            session: attribution.session,
            data_class: attribution.data_class,
            route: attribution.route,
        })
    }
}

impl From<&Draw> for pb::Draw {
    fn from(draw: &Draw) -> Self {
        Self { budget: bits(draw.budget.to_bits()), window: draw.window.to_string() }
    }
}

impl TryFrom<pb::Draw> for Draw {
    type Error = WireError;
    fn try_from(draw: pb::Draw) -> Result<Self, WireError> {
        Ok(Self {
            budget: id("draw.budget", &draw.budget, BudgetId::from_bits)?,
            window: draw.window.parse().map_err(|_| WireError::Invalid("draw.window"))?,
        })
    }
}

impl From<&Settlement> for pb::Settlement {
    fn from(settlement: &Settlement) -> Self {
        Self {
            outcome: pb::Outcome::from(settlement.outcome).into(),
            status: settlement.status.into(),
            error: settlement.error.map(|code| pb::ErrorCode::from(code).into()),
            usage: used(&settlement.usage),
            usage_source: pb::UsageSource::from(settlement.usage_source).into(),
            cost_pico: settlement.cost.get(),
            streamed_pico: settlement.streamed.get(),
            suspense_pico: settlement.suspense.get(),
            overruns: settlement.overruns.iter().copied().map(Into::into).collect(),
            flags: settlement.flags.bits(),
            finish_reason: settlement.finish_reason.clone(),
            first_byte_at_us: settlement.first_byte_at.map(|at| at.as_micros()),
            ended_at_us: settlement.ended_at.as_micros(),
        }
    }
}

impl TryFrom<pb::Settlement> for Settlement {
    type Error = WireError;
    fn try_from(settlement: pb::Settlement) -> Result<Self, WireError> {
        let error = settlement.error.map(|number| choice::<pb::ErrorCode, _>("settlement.error", number));
        let overruns = settlement.overruns.into_iter().map(|overrun| amount("settlement.overruns", overrun));
        Ok(Self {
            outcome: choice::<pb::Outcome, _>("settlement.outcome", settlement.outcome)?,
            status: narrow("settlement.status", settlement.status)?,
            error: error.transpose()?,
            usage: usage_from(settlement.usage)?,
            usage_source: choice::<pb::UsageSource, _>("settlement.usage_source", settlement.usage_source)?,
            cost: pico("settlement.cost_pico", settlement.cost_pico)?,
            streamed: pico("settlement.streamed_pico", settlement.streamed_pico)?,
            suspense: pico("settlement.suspense_pico", settlement.suspense_pico)?,
            overruns: overruns.collect::<Result<_, _>>()?,
            flags: Flags::from_bits(settlement.flags),
            finish_reason: settlement.finish_reason,
            first_byte_at: settlement.first_byte_at_us.map(moment),
            ended_at: moment(settlement.ended_at_us),
        })
    }
}

fn used(usage: &TokenUsage) -> Vec<pb::Used> {
    let used = usage.iter().filter(|(_, quantity)| *quantity > 0);
    used.map(|(class, quantity)| pb::Used { class: shared::TokenClass::from(class).into(), quantity })
        .collect()
}

fn usage_from(list: Vec<pb::Used>) -> Result<TokenUsage, WireError> {
    let mut usage = TokenUsage::default();
    for used in list {
        let class: TokenClass = choice::<shared::TokenClass, _>("used.class", used.class)?;
        if usage.get(class) > 0 {
            return Err(WireError::Invalid("used.class"));
        }
        usage.set(class, used.quantity);
    }
    Ok(usage)
}
