//! Sums over hours, events and ledger entries: what a month's lines, its events and its ledger come to, each by itself.
//!
//! Invariant: exact whatever the size: whole millions and their rest are summed apart in SQL, in 64 bits, and joined
//! here in 128. Nothing is rounded.

use std::collections::HashMap;

use domain::limit::{Budget, BudgetFilter};
use domain::{
    Amount, BudgetScope, KeyId, MemberId, OrgId, TeamId, Timestamp, TokenClass, TokenUsage, Window, WindowId,
};
use sea_orm::sea_query::{Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IdenStatic,
    PaginatorTrait, QueryFilter, QueryResult, QuerySelect, Select,
};

use crate::column::Row;
use crate::entity::usage_event::{self, Column};
use crate::entity::usage_hour::Column as Hour;
use crate::entity::{key, ledger_entry, team};
use crate::error::StoreError;
use crate::hours;
use crate::ledger::USAGE;
use crate::scope::{OrgScope, rows};
use crate::{json, suspense};

pub(crate) const MILLION: i64 = 1_000_000;

/// What one combination of attributes used in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargebackRow {
    /// The team at the moment of each event.
    pub team: Option<TeamId>,
    /// What it is called now.
    pub team_name: Option<String>,
    /// The cost centre at the moment of each event.
    pub cost_centre: Option<String>,
    /// The key.
    pub key: KeyId,
    /// What it is called now.
    pub key_name: Option<String>,
    /// The member at the moment of each event.
    pub member: Option<MemberId>,
    /// The model.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// How many attempts.
    pub requests: u64,
    /// Units per class.
    pub usage: TokenUsage,
    /// What is charged.
    pub cost: Amount,
    /// Beyond `cost`, what may still turn out to be owed.
    pub suspense: Amount,
}

impl ChargebackRow {
    fn order(&self) -> impl Ord + '_ {
        let Self { team, cost_centre, key, member, model, provider, .. } = self;
        (team, cost_centre, key, member, model, provider)
    }
}

/// A month's totals, counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Σ cost of the month's events.
    pub events: Amount,
    /// Σ of the ledger's account `usage`; always the same, or the ledger is broken.
    pub ledger: Amount,
    /// Σ suspense of the month's events.
    pub suspense: Amount,
    /// How many events.
    pub count: u64,
}

const GROUPS: [Hour; 6] =
    [Hour::TeamId, Hour::CostCentre, Hour::KeyId, Hour::MemberId, Hour::Model, Hour::Provider];

/// In the order of [`TokenClass::ALL`].
const UNITS: [Column; TokenClass::COUNT] = [
    Column::UnitsInput,
    Column::UnitsCachedInput,
    Column::UnitsCacheWrite5m,
    Column::UnitsCacheWrite1h,
    Column::UnitsOutput,
    Column::UnitsReasoning,
    Column::UnitsAudioInput,
    Column::UnitsAudioOutput,
    Column::UnitsImageInput,
    Column::UnitsImageOutput,
    Column::UnitsRequest,
    Column::UnitsToolCall,
];

impl OrgScope {
    /// A month's usage by team, cost centre, key, member, model and provider.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chargeback(&self, period: WindowId) -> Result<Vec<ChargebackRow>, StoreError> {
        groups(self.id(), period, &self.read().await?).await
    }

    /// A month's totals.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn totals(&self, period: WindowId) -> Result<Totals, StoreError> {
        totals(self.id(), period, &self.read().await?).await
    }

    /// A month's usage and its totals of the same moment, so that they can be held against each other while events
    /// are being committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chargeback_with_totals(
        &self,
        period: WindowId,
    ) -> Result<(Vec<ChargebackRow>, Totals), StoreError> {
        let sql = self.read().await?;
        Ok((groups(self.id(), period, &sql).await?, totals(self.id(), period, &sql).await?))
    }
}

async fn groups(
    org: OrgId,
    period: WindowId,
    sql: &DatabaseTransaction,
) -> Result<Vec<ChargebackRow>, StoreError> {
    let Some(end) = Window::MONTH.end(period) else { return Ok(Vec::new()) };
    let mut select = hours::between(org, Window::MONTH.start(period), Some(end)).select_only();
    for column in GROUPS {
        select = select.column(column).group_by(column);
    }
    select = select.column_as(Hour::Requests.sum().cast_as("bigint"), "requests");
    for column in UNITS.into_iter().chain([Column::Cost, Column::Suspense]) {
        select = hours::with_sum(select, column.as_str());
    }
    let groups = select.into_model::<Group>().all(sql).await?;
    let team_names = names::<team::Entity>(org, team::Column::Id, team::Column::Name, sql).await?;
    let key_names = names::<key::Entity>(org, key::Column::Id, key::Column::Name, sql).await?;
    let rows = groups.into_iter().map(|group| group.row(&team_names, &key_names));
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    // Here, since databases differ in where they put rows without a team.
    rows.sort_by(|one, other| one.order().cmp(&other.order()));
    Ok(rows)
}

async fn totals(org: OrgId, period: WindowId, sql: &DatabaseTransaction) -> Result<Totals, StoreError> {
    let select = of_period(org, period).select_only();
    let select = with_sum(with_sum(select, Column::Cost), Column::Suspense);
    let sums = select.into_model::<CostAndSuspense>().one(sql).await?.unwrap_or_default();
    let entries = rows::<ledger_entry::Entity>(org)
        .filter(ledger_entry::Column::Period.eq(period.to_string()))
        .filter(ledger_entry::Column::Account.eq(USAGE));
    let ledger = with_sum(entries.select_only(), ledger_entry::Column::AmountPico);
    let ledger = ledger.into_model::<Posted>().one(sql).await?.unwrap_or_default();
    let count = of_period(org, period).count(sql).await?;
    Ok(Totals { events: sums.cost, suspense: sums.suspense, ledger: ledger.amount, count })
}

/// Cost and suspense of the events that `budget` counts and that were admitted from `since` on and, where there is an end,
/// before `until`.
pub(crate) async fn spend<C: ConnectionTrait>(
    budget: &Budget,
    (since, until): (Timestamp, Option<Timestamp>),
    database: &C,
) -> Result<(Amount, Amount), StoreError> {
    let org = budget.org;
    let select = narrowed(admitted_since(org, since), &budget.filter)?;
    let select = match until {
        Some(until) => select.filter(Column::AdmittedAt.lt(until.as_micros())),
        None => select,
    };
    let select = match budget.scope {
        BudgetScope::Org => select,
        BudgetScope::Team(id) => select.filter(Column::TeamId.eq(id.to_string())),
        BudgetScope::Member(id) => select.filter(Column::MemberId.eq(id.to_string())),
        BudgetScope::Key(id) => select.filter(Column::KeyId.eq(id.to_string())),
    };
    let sum = async |select: Select<usage_event::Entity>| {
        let select = with_sum(with_sum(select.select_only(), Column::Cost), Column::Suspense);
        let sums = select.into_model::<CostAndSuspense>().one(database).await?;
        Ok::<_, StoreError>(sums.unwrap_or_default())
    };
    let released = select.clone().filter(Column::EventId.in_subquery(suspense::released(org)));
    let (all, released) = (sum(select).await?, sum(released).await?);
    Ok((all.cost, all.suspense - released.suspense))
}

/// Events admitted at `since` or later. Naming the month keeps earlier partitions out of it.
pub(crate) fn admitted_since(org: OrgId, since: Timestamp) -> Select<usage_event::Entity> {
    let month = Window::MONTH.at(since).to_string();
    rows(org).filter(Column::Period.gte(month)).filter(Column::AdmittedAt.gte(since.as_micros()))
}

/// Those of `select` that `filter` lets through: in SQL what [`BudgetFilter::matches`] is in Rust.
fn narrowed(
    mut select: Select<usage_event::Entity>,
    filter: &BudgetFilter,
) -> Result<Select<usage_event::Entity>, StoreError> {
    let BudgetFilter { models, providers, data_classes, tag } = filter;
    let lists = [(Column::Model, models), (Column::Provider, providers), (Column::DataClass, data_classes)];
    for (column, list) in lists {
        if !list.is_empty() {
            select = select.filter(column.is_in(list));
        }
    }
    if let Some(tag) = tag {
        // Both engines have this one, and it minds letters' case; in JSON no quote inside of a text can look like one of
        // its ends.
        let tags = || Expr::col((usage_event::Entity, Column::Tags));
        let text = json::tag_text(tag)?;
        let without = Func::cust("replace").args([tags(), Expr::value(text), Expr::value("")]);
        select = select.filter(Expr::expr(without).ne(tags()));
    }
    Ok(select)
}

fn of_period(org: OrgId, period: WindowId) -> Select<usage_event::Entity> {
    rows(org).filter(Column::Period.eq(period.to_string()))
}

/// Adds the sum of `column` as two columns, which [`sum`] joins.
pub(crate) fn with_sum<E: EntityTrait>(select: Select<E>, column: E::Column) -> Select<E> {
    let name = column.as_str();
    let total = |part: SimpleExpr| part.sum().cast_as("bigint");
    select
        .column_as(total(Expr::col(column).div(MILLION)), format!("{name}_millions"))
        .column_as(total(Expr::col(column).modulo(MILLION)), format!("{name}_rest"))
}

/// The sum of a column, in its own unit; nothing where there are no rows.
fn sum(result: &QueryResult, name: &str) -> Result<i128, sea_orm::DbErr> {
    let millions: Option<i64> = result.try_get("", &format!("{name}_millions"))?;
    let rest: Option<i64> = result.try_get("", &format!("{name}_rest"))?;
    Ok(i128::from(millions.unwrap_or(0)) * i128::from(MILLION) + i128::from(rest.unwrap_or(0)))
}

#[derive(Default)]
pub(crate) struct CostAndSuspense {
    pub(crate) cost: Amount,
    suspense: Amount,
}

impl FromQueryResult for CostAndSuspense {
    fn from_query_result(result: &QueryResult, _: &str) -> Result<Self, sea_orm::DbErr> {
        let cost = Amount::from_pico(sum(result, "cost")?);
        Ok(Self { cost, suspense: Amount::from_pico(sum(result, "suspense")?) })
    }
}

#[derive(Default)]
struct Posted {
    amount: Amount,
}

impl FromQueryResult for Posted {
    fn from_query_result(result: &QueryResult, _: &str) -> Result<Self, sea_orm::DbErr> {
        Ok(Self { amount: Amount::from_pico(sum(result, "amount_pico")?) })
    }
}

struct Group {
    team: Option<String>,
    cost_centre: Option<String>,
    key: String,
    member: Option<String>,
    model: String,
    provider: String,
    requests: i64,
    units: Vec<(TokenClass, i128)>,
    sums: CostAndSuspense,
}

impl FromQueryResult for Group {
    fn from_query_result(result: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let mut units = Vec::with_capacity(TokenClass::COUNT);
        for (class, column) in TokenClass::ALL.into_iter().zip(UNITS) {
            units.push((class, sum(result, column.as_str())?));
        }
        Ok(Self {
            team: result.try_get(pre, "team_id")?,
            cost_centre: result.try_get(pre, "cost_centre")?,
            key: result.try_get(pre, "key_id")?,
            member: result.try_get(pre, "member_id")?,
            model: result.try_get(pre, "model")?,
            provider: result.try_get(pre, "provider")?,
            requests: result.try_get(pre, "requests")?,
            units,
            sums: CostAndSuspense::from_query_result(result, pre)?,
        })
    }
}

impl Group {
    fn row(
        self,
        team_names: &HashMap<String, String>,
        key_names: &HashMap<String, String>,
    ) -> Result<ChargebackRow, StoreError> {
        let place = Row { table: "usage_events of key", id: &self.key };
        let mut usage = TokenUsage::default();
        for (class, units) in &self.units {
            usage.set(*class, u64::try_from(*units).map_err(|_| place.problem("a sum is out of range"))?);
        }
        Ok(ChargebackRow {
            team: place.parse_optional(self.team.as_deref())?,
            team_name: self.team.as_ref().and_then(|team| team_names.get(team)).cloned(),
            cost_centre: self.cost_centre,
            key: place.parse(&self.key)?,
            key_name: key_names.get(&self.key).cloned(),
            member: place.parse_optional(self.member.as_deref())?,
            model: self.model,
            provider: self.provider,
            requests: place.number(self.requests)?,
            usage,
            cost: self.sums.cost,
            suspense: self.sums.suspense,
        })
    }
}

/// What the organization's teams or keys are called.
async fn names<E: crate::scope::OrgTable>(
    org: OrgId,
    id: E::Column,
    name: E::Column,
    sql: &DatabaseTransaction,
) -> Result<HashMap<String, String>, StoreError> {
    let select = rows::<E>(org).select_only().column(id).column(name);
    Ok(select.into_tuple::<(String, String)>().all(sql).await?.into_iter().collect())
}
