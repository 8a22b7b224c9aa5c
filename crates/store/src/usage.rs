//! Usage events to rows and back, and the reads of single events.
//!
//! Invariant: an event reads back as it was committed, but for quantities beyond 63 bits, which no provider can mean and
//! which are stored as the largest number there is, and for the character NUL, which Postgres cannot hold and U+FFFD
//! stands for: one event that cannot be written would keep all behind it in the journal.

use domain::model::ModelKind;
use domain::{
    Amount, ErrorCode, EventId, KeyId, MemberId, Pico, TeamId, Timestamp, TokenClass, TokenUsage, Window,
    WindowId,
};
use metering::usage::{
    Attempt, Attribution, Draw, Flags, Holder, Outcome, Revision, Settlement, UsageEvent, UsageSource,
};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::column::{Row, stored};
use crate::entity::usage_event::{self, Column, Model};
use crate::error::StoreError;
use crate::json;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, one};

/// Which events; the default is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only those admitted in this month.
    pub period: Option<WindowId>,
    /// Only those of this key.
    pub key: Option<KeyId>,
    /// Only those of this team.
    pub team: Option<TeamId>,
    /// Only those of this member.
    pub member: Option<MemberId>,
    /// Only those of this model.
    pub model: Option<String>,
}

impl EventFilter {
    fn apply(&self, mut select: Select<usage_event::Entity>) -> Select<usage_event::Entity> {
        let conditions = [
            (Column::Period, self.period.map(|period| period.to_string())),
            (Column::KeyId, self.key.map(|key| key.to_string())),
            (Column::TeamId, self.team.map(|team| team.to_string())),
            (Column::MemberId, self.member.map(|member| member.to_string())),
            (Column::Model, self.model.clone()),
        ];
        for (column, value) in conditions {
            if let Some(value) = value {
                select = select.filter(column.eq(value));
            }
        }
        select
    }
}

impl OrgScope {
    /// Events, newest first. A page continues after an event's id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events(&self, filter: &EventFilter, which: &Page) -> Result<Paged<UsageEvent>, StoreError> {
        let select = filter.apply(self.rows());
        page(&self.read().await?, select, (Column::EventId, Order::NewestFirst), which, read).await
    }

    /// Events of a month that did not come to their end, or whose cost is not the provider's word: what finance looks
    /// at. Newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cut_calls(&self, period: WindowId, which: &Page) -> Result<Paged<UsageEvent>, StoreError> {
        let cut = Outcome::ALL.into_iter().filter(|outcome| !outcome.is_to_the_end()).map(Outcome::name);
        let select = EventFilter { period: Some(period), ..EventFilter::default() }.apply(self.rows());
        let select = select.filter(Column::Outcome.is_in(cut));
        page(&self.read().await?, select, (Column::EventId, Order::NewestFirst), which, read).await
    }

    /// One event.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn event(&self, id: EventId) -> Result<UsageEvent, StoreError> {
        let select = self.rows::<usage_event::Entity>().filter(Column::EventId.eq(id.to_string()));
        read(one(select, &self.read().await?).await?)
    }
}

/// The row of `event` in batch number `batch`.
pub(crate) fn row(event: &UsageEvent, batch: i64) -> Result<Model, StoreError> {
    let UsageEvent { attempt, settlement } = event;
    let whose = &attempt.attribution;
    let units = |class| i64::try_from(settlement.usage.get(class)).unwrap_or(i64::MAX);
    let overruns = settlement.overruns.iter().copied().chain(std::iter::repeat(Amount::ZERO));
    let draws: Vec<_> = attempt.draws.iter().copied().zip(overruns).collect();
    Ok(Model {
        org_id: whose.org.to_string(),
        event_id: attempt.id.to_string(),
        batch_seq: batch,
        request_id: attempt.id.request.to_string(),
        attempt: attempt.id.attempt.into(),
        key_id: whose.key.to_string(),
        team_id: whose.team.map(|team| team.to_string()),
        member_id: whose.member.map(|member| member.to_string()),
        cost_centre: whose.cost_centre.clone(),
        app: whose.app.as_deref().map(storable),
        end_user: whose.end_user.as_deref().map(storable),
        tags: json::tags_text(&whose.tags)?,
        session_id: whose.session.as_deref().map(storable),
        data_class: whose.data_class.clone(),
        route: whose.route.clone(),
        kind: attempt.kind.name().to_owned(),
        stream: attempt.stream,
        requested_model: storable(&attempt.requested_model),
        model: attempt.model.clone(),
        provider: attempt.provider.clone(),
        endpoint_id: attempt.endpoint.to_string(),
        byok: attempt.byok.map(|credential| credential.to_string()),
        price_version_id: attempt.price_version.to_string(),
        epoch: stored(attempt.revision.epoch)?,
        org_revision: stored(attempt.revision.org)?,
        platform_revision: stored(attempt.revision.platform)?,
        zdr: attempt.zdr,
        reserved: attempt.reserved.get(),
        outcome: settlement.outcome.name().to_owned(),
        status: settlement.status.into(),
        error: settlement.error.map(|code| code.name().to_owned()),
        units_input: units(TokenClass::Input),
        units_cached_input: units(TokenClass::CachedInput),
        units_cache_write_5m: units(TokenClass::CacheWrite5m),
        units_cache_write_1h: units(TokenClass::CacheWrite1h),
        units_output: units(TokenClass::Output),
        units_reasoning: units(TokenClass::Reasoning),
        units_audio_input: units(TokenClass::AudioInput),
        units_audio_output: units(TokenClass::AudioOutput),
        units_image_input: units(TokenClass::ImageInput),
        units_image_output: units(TokenClass::ImageOutput),
        units_request: units(TokenClass::Request),
        units_tool_call: units(TokenClass::ToolCall),
        usage_source: settlement.usage_source.name().to_owned(),
        cost: settlement.cost.get(),
        streamed: settlement.streamed.get(),
        suspense: settlement.suspense.get(),
        flags: settlement.flags.bits().into(),
        finish_reason: settlement.finish_reason.clone(),
        admitted_at: attempt.admitted_at.as_micros(),
        first_byte_at: settlement.first_byte_at.map(Timestamp::as_micros),
        ended_at: settlement.ended_at.as_micros(),
        node: attempt.holder.node.to_string(),
        incarnation: stored(attempt.holder.incarnation)?,
        draws: json::draws_text(&draws)?,
        period: Window::MONTH.at(attempt.admitted_at).to_string(),
    })
}

fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Reads an event back.
pub(crate) fn read(row: Model) -> Result<UsageEvent, StoreError> {
    let id = row.event_id.clone();
    let place = Row { table: "usage_events", id: &id };
    let (draws, overruns) = json::draws(place, &row.draws)?.into_iter().unzip();
    let settlement = read_settlement(place, &row, overruns)?;
    let attempt = read_attempt(place, row, draws)?;
    Ok(UsageEvent { attempt, settlement })
}

fn read_attempt(place: Row<'_>, row: Model, draws: Vec<Draw>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: place.parse(&row.event_id)?,
        holder: Holder { node: place.parse(&row.node)?, incarnation: place.number(row.incarnation)? },
        kind: place.named(&row.kind, ModelKind::from_name)?,
        stream: row.stream,
        endpoint: place.parse(&row.endpoint_id)?,
        byok: place.parse_optional(row.byok.as_deref())?,
        price_version: place.parse(&row.price_version_id)?,
        revision: Revision {
            epoch: place.number(row.epoch)?,
            org: place.number(row.org_revision)?,
            platform: place.number(row.platform_revision)?,
        },
        zdr: row.zdr,
        reserved: Pico::new(row.reserved),
        draws,
        admitted_at: Timestamp::from_micros(row.admitted_at),
        attribution: Attribution {
            org: place.parse(&row.org_id)?,
            key: place.parse(&row.key_id)?,
            team: place.parse_optional(row.team_id.as_deref())?,
            member: place.parse_optional(row.member_id.as_deref())?,
            tags: json::tags(place, &row.tags)?,
            cost_centre: row.cost_centre,
            app: row.app,
            end_user: row.end_user,
            session: row.session_id,
            data_class: row.data_class,
            route: row.route,
        },
        requested_model: row.requested_model,
        model: row.model,
        provider: row.provider,
    })
}

fn read_settlement(place: Row<'_>, row: &Model, overruns: Vec<Amount>) -> Result<Settlement, StoreError> {
    let error = row.error.as_deref().map(|name| place.named(name, ErrorCode::from_name));
    Ok(Settlement {
        outcome: place.named(&row.outcome, Outcome::from_name)?,
        status: place.number(row.status.into())?,
        error: error.transpose()?,
        usage: read_units(place, row)?,
        usage_source: place.named(&row.usage_source, UsageSource::from_name)?,
        cost: Pico::new(row.cost),
        streamed: Pico::new(row.streamed),
        suspense: Pico::new(row.suspense),
        overruns,
        flags: Flags::from_bits(place.number(row.flags)?),
        finish_reason: row.finish_reason.clone(),
        first_byte_at: row.first_byte_at.map(Timestamp::from_micros),
        ended_at: Timestamp::from_micros(row.ended_at),
    })
}

fn read_units(place: Row<'_>, row: &Model) -> Result<TokenUsage, StoreError> {
    let columns = [
        row.units_input,
        row.units_cached_input,
        row.units_cache_write_5m,
        row.units_cache_write_1h,
        row.units_output,
        row.units_reasoning,
        row.units_audio_input,
        row.units_audio_output,
        row.units_image_input,
        row.units_image_output,
        row.units_request,
        row.units_tool_call,
    ];
    let mut usage = TokenUsage::default();
    for (class, units) in TokenClass::ALL.into_iter().zip(columns) {
        usage.set(class, place.number(units)?);
    }
    Ok(usage)
}

#[cfg(test)]
mod tests;
