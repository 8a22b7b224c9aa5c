//! Where queries begin: at an organization, or at the platform's own tables.
//!
//! Invariant: nothing else in this crate names `EntityTrait::find`, so that no query on an organization's table can lack
//! its organization. The few reads across organizations say so by name: [`across_orgs`].

use domain::OrgId;
use sea_orm::sea_query::{Expr, ExprTrait, Func, InsertStatement, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DeleteMany, EntityTrait, IntoActiveModel,
    Iterable, QueryFilter, QueryTrait, Select, UpdateMany,
};
use serde::Serialize;

use crate::connect::{Store, Whose};
use crate::error::StoreError;
use crate::json;

/// A table whose rows belong to organizations.
pub(crate) trait OrgTable: EntityTrait {
    /// The column that says to which.
    const ORG: Self::Column;
}

/// A table whose rows belong to no organization.
pub(crate) trait PlatformTable: EntityTrait {}

/// One organization's rows; every read of them begins here, every change at [`OrgScope::begin`].
#[derive(Debug, Clone)]
pub struct OrgScope {
    store: Store,
    org: OrgId,
}

impl OrgScope {
    pub(crate) fn new(store: Store, org: OrgId) -> Self {
        Self { store, org }
    }

    /// The organization.
    #[must_use]
    pub fn id(&self) -> OrgId {
        self.org
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Reads of one moment, of this organization's rows alone.
    pub(crate) async fn read(&self) -> Result<DatabaseTransaction, StoreError> {
        self.store.begin_read(Whose::Org(self.org)).await
    }

    pub(crate) fn rows<E: OrgTable>(&self) -> Select<E> {
        rows(self.org)
    }
}

/// The rows of `org`.
pub(crate) fn rows<E: OrgTable>(org: OrgId) -> Select<E> {
    across_orgs().filter(E::ORG.eq(org.to_string()))
}

/// A change of rows of `org`.
pub(crate) fn update<E: OrgTable>(org: OrgId) -> UpdateMany<E> {
    E::update_many().filter(E::ORG.eq(org.to_string()))
}

/// A removal of rows of `org`.
pub(crate) fn delete<E: OrgTable>(org: OrgId) -> DeleteMany<E> {
    E::delete_many().filter(E::ORG.eq(org.to_string()))
}

/// Rows of every organization: to find whose a key, person or lease is, and what is to be published.
#[expect(clippy::disallowed_methods, reason = "this and the next function are where queries begin")]
pub(crate) fn across_orgs<E: OrgTable>() -> Select<E> {
    E::find()
}

/// Rows of no organization.
#[expect(clippy::disallowed_methods, reason = "this and the previous function are where queries begin")]
pub(crate) fn platform<E: PlatformTable>() -> Select<E> {
    E::find()
}

/// The one row of `select`.
pub(crate) async fn one<E: EntityTrait, C: ConnectionTrait>(
    select: Select<E>,
    database: &C,
) -> Result<E::Model, StoreError> {
    select.one(database).await?.ok_or(StoreError::NotFound)
}

/// Adds one row.
pub(crate) async fn insert<E, C>(row: E::Model, database: &C) -> Result<(), StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    C: ConnectionTrait,
{
    E::insert(row.into_active_model()).exec_without_returning(database).await?;
    Ok(())
}

/// The most rows of one statement: SQLite takes 32,766 values, the widest table has fewer than 100 columns.
pub(crate) const ROWS: usize = 300;

/// Adds rows, as many at once as the engine takes; with those that are there it does what `over` says, if anything.
pub(crate) async fn insert_all<E, C>(
    rows: impl IntoIterator<Item = E::Model>,
    over: Option<OnConflict>,
    database: &C,
) -> Result<(), StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Serialize,
    C: ConnectionTrait,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(ROWS);
        let mut statement = match database.get_database_backend() {
            DbBackend::Postgres => from_json::<E>(some.collect())?,
            _ => E::insert_many(some.map(IntoActiveModel::into_active_model)).into_query(),
        };
        if let Some(over) = &over {
            statement.on_conflict(over.clone());
        }
        database.execute(&statement).await?;
    }
    Ok(())
}

/// Adds rows given as one JSON text: a statement with a value for each column of each row takes Postgres longer to read
/// than the rows take to write.
fn from_json<E>(rows: Vec<E::Model>) -> Result<InsertStatement, StoreError>
where
    E: EntityTrait,
    E::Model: Serialize,
{
    let rows = json::write(&rows)?;
    let row_type = Expr::cust(format!("NULL::\"{}\"", E::default().table_name()));
    let records = Func::cust("json_populate_recordset").args([row_type, Expr::val(rows).cast_as("json")]);
    let select = Query::select().columns(E::Column::iter()).from_function(records, "r").to_owned();
    let mut insert = Query::insert();
    insert.into_table(E::default().table_ref()).columns(E::Column::iter());
    insert.select_from(select).map_err(|error| StoreError::Internal(Box::new(error)))?;
    Ok(insert)
}
