//! Sums of usage by the hour of admission: what ranges are read from.
//!
//! Invariant: a projection of the events, written with their batch and in no other way, so that it can be made anew from
//! them; exact, since each sum is kept as whole millions and the sum of what is left of each event.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::{OrgId, Timestamp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, DatabaseTransaction, IdenStatic, Iterable, QueryFilter, QuerySelect, Select};

use crate::chain::digest;
use crate::connect::{Whose, commit};
use crate::entity::usage_event;
use crate::entity::usage_hour::{Column, Entity, Model};
use crate::error::StoreError;
use crate::ledger;
use crate::rollup::MILLION;
use crate::scope::{OrgScope, delete, insert_all, rows};

const HOUR_US: i64 = 3_600_000_000;

/// Sums by hour and slot; a slot is one combination of team, cost centre, key, member, model and provider.
pub(crate) type Hours = BTreeMap<(i64, String), Model>;

/// The first whole hour that begins at `moment` or after it.
pub(crate) fn whole_from(moment: Timestamp) -> Timestamp {
    Timestamp::from_micros(begin_of(moment.as_micros().saturating_add(HOUR_US - 1)))
}

fn begin_of(micros: i64) -> i64 {
    micros.div_euclid(HOUR_US).saturating_mul(HOUR_US)
}

/// The sums of whole hours from `since` on and, where there is an end, before `until`.
pub(crate) fn between(org: OrgId, since: Timestamp, until: Option<Timestamp>) -> Select<Entity> {
    let select = rows(org).filter(Column::Hour.gte(since.as_micros()));
    match until {
        Some(until) => select.filter(Column::Hour.lt(until.as_micros())),
        None => select,
    }
}

/// Adds the sum of what events call `name`, as two columns of the names that a sum over events has.
pub(crate) fn with_sum(select: Select<Entity>, name: &str) -> Select<Entity> {
    ["millions", "rest"].into_iter().fold(select, |select, part| {
        let column = format!("{name}_{part}");
        select.column_as(Expr::col(Alias::new(&column)).sum().cast_as("bigint"), column)
    })
}

/// Adds events to `hours`.
pub(crate) fn gather(hours: &mut Hours, events: &[usage_event::Model]) -> Result<(), StoreError> {
    for event in events {
        let (hour, slot) = (begin_of(event.admitted_at), slot(event)?);
        let row = match hours.entry((hour, slot)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let row = empty(event, place.key().clone());
                place.insert(row)
            }
        };
        row.requests = row.requests.saturating_add(1);
        for ((millions, rest), value) in sums(row).into_iter().zip(values(event)) {
            *millions = millions.saturating_add(value / MILLION);
            *rest = rest.saturating_add(value % MILLION);
        }
    }
    Ok(())
}

/// Adds events to what is stored. The organization's ledger is held meanwhile.
pub(crate) async fn add(events: &[usage_event::Model], sql: &DatabaseTransaction) -> Result<(), StoreError> {
    let mut hours = Hours::new();
    gather(&mut hours, events)?;
    write(hours, sql).await
}

async fn write(hours: Hours, sql: &DatabaseTransaction) -> Result<(), StoreError> {
    let is_sum = |column: &Column| {
        let name = column.as_str();
        name == Column::Requests.as_str() || name.ends_with("_millions") || name.ends_with("_rest")
    };
    let mut added = OnConflict::columns([Column::OrgId, Column::Hour, Column::Slot]);
    for column in Column::iter().filter(is_sum) {
        let new = Expr::col((Alias::new("excluded"), column));
        added.value(column, Expr::col((Entity, column)).add(new));
    }
    insert_all::<Entity, _>(hours.into_values(), Some(added), sql).await
}

/// Whether what is stored is `hours`, all of it and no more.
pub(crate) async fn are(org: OrgId, hours: &Hours, sql: &DatabaseTransaction) -> Result<bool, StoreError> {
    let stored = rows::<Entity>(org).all(sql).await?;
    let is_right = |row: &Model| hours.get(&(row.hour, row.slot.clone())) == Some(row);
    Ok(stored.len() == hours.len() && stored.iter().all(is_right))
}

impl OrgScope {
    /// Makes the hourly sums anew from the organization's events, batch by batch; usage is not committed meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; the sums are as they were then.
    pub async fn rebuild_hours(&self) -> Result<(), StoreError> {
        let org = self.id();
        let sql = self.store().begin_write(Whose::Org(org)).await?;
        let head = ledger::lock(org, &sql).await?;
        delete::<Entity>(org).exec(&sql).await?;
        let mut hours = Hours::new();
        for batch in 1..=head.seq {
            let of_batch = rows::<usage_event::Entity>(org).filter(usage_event::Column::BatchSeq.eq(batch));
            gather(&mut hours, &of_batch.all(&sql).await?)?;
        }
        write(hours, &sql).await?;
        commit(sql).await
    }
}

/// The same for events that are summed together, and for no others.
fn slot(event: &usage_event::Model) -> Result<String, StoreError> {
    let of_whom = (&event.team_id, &event.cost_centre, &event.key_id, &event.member_id);
    digest(&(of_whom, &event.model, &event.provider)).map(hex::encode)
}

fn empty(event: &usage_event::Model, (hour, slot): (i64, String)) -> Model {
    Model {
        org_id: event.org_id.clone(),
        hour,
        slot,
        team_id: event.team_id.clone(),
        cost_centre: event.cost_centre.clone(),
        key_id: event.key_id.clone(),
        member_id: event.member_id.clone(),
        model: event.model.clone(),
        provider: event.provider.clone(),
        requests: 0,
        units_input_millions: 0,
        units_input_rest: 0,
        units_cached_input_millions: 0,
        units_cached_input_rest: 0,
        units_cache_write_5m_millions: 0,
        units_cache_write_5m_rest: 0,
        units_cache_write_1h_millions: 0,
        units_cache_write_1h_rest: 0,
        units_output_millions: 0,
        units_output_rest: 0,
        units_reasoning_millions: 0,
        units_reasoning_rest: 0,
        units_audio_input_millions: 0,
        units_audio_input_rest: 0,
        units_audio_output_millions: 0,
        units_audio_output_rest: 0,
        units_image_input_millions: 0,
        units_image_input_rest: 0,
        units_image_output_millions: 0,
        units_image_output_rest: 0,
        units_request_millions: 0,
        units_request_rest: 0,
        units_tool_call_millions: 0,
        units_tool_call_rest: 0,
        cost_millions: 0,
        cost_rest: 0,
        suspense_millions: 0,
        suspense_rest: 0,
    }
}

/// In the order of [`values`].
fn sums(row: &mut Model) -> [(&mut i64, &mut i64); 14] {
    [
        (&mut row.units_input_millions, &mut row.units_input_rest),
        (&mut row.units_cached_input_millions, &mut row.units_cached_input_rest),
        (&mut row.units_cache_write_5m_millions, &mut row.units_cache_write_5m_rest),
        (&mut row.units_cache_write_1h_millions, &mut row.units_cache_write_1h_rest),
        (&mut row.units_output_millions, &mut row.units_output_rest),
        (&mut row.units_reasoning_millions, &mut row.units_reasoning_rest),
        (&mut row.units_audio_input_millions, &mut row.units_audio_input_rest),
        (&mut row.units_audio_output_millions, &mut row.units_audio_output_rest),
        (&mut row.units_image_input_millions, &mut row.units_image_input_rest),
        (&mut row.units_image_output_millions, &mut row.units_image_output_rest),
        (&mut row.units_request_millions, &mut row.units_request_rest),
        (&mut row.units_tool_call_millions, &mut row.units_tool_call_rest),
        (&mut row.cost_millions, &mut row.cost_rest),
        (&mut row.suspense_millions, &mut row.suspense_rest),
    ]
}

/// In the order of [`sums`].
fn values(event: &usage_event::Model) -> [i64; 14] {
    [
        event.units_input,
        event.units_cached_input,
        event.units_cache_write_5m,
        event.units_cache_write_1h,
        event.units_output,
        event.units_reasoning,
        event.units_audio_input,
        event.units_audio_output,
        event.units_image_input,
        event.units_image_output,
        event.units_request,
        event.units_tool_call,
        event.cost,
        event.suspense,
    ]
}
