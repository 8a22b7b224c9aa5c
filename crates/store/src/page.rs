//! Keyset pagination: a page continues after the last row of the page before, whatever was inserted meanwhile.
//!
//! Invariant: a page never has more rows than it was asked for, and says whether there are more.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::error::StoreError;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The id of the last item of the page before; `None` for the first page.
    pub after: Option<String>,
    /// At most this many items.
    pub first: u32,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Whether there is another page.
    pub has_next: bool,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// A page of `select` by the column `by`, whose values are unique and read in order as text.
pub(crate) async fn page<E: EntityTrait, T, D: ConnectionTrait>(
    database: &D,
    select: Select<E>,
    (by, order): (E::Column, Order),
    page: &Page,
    read: impl Fn(E::Model) -> Result<T, StoreError>,
) -> Result<Paged<T>, StoreError> {
    let select = match (&page.after, order) {
        (None, _) => select,
        (Some(after), Order::OldestFirst) => select.filter(by.gt(after.as_str())),
        (Some(after), Order::NewestFirst) => select.filter(by.lt(after.as_str())),
    };
    let select = match order {
        Order::OldestFirst => select.order_by_asc(by),
        Order::NewestFirst => select.order_by_desc(by),
    };
    let rows = select.limit(u64::from(page.first) + 1).all(database).await?;
    cut(rows, page.first, read)
}

/// The first rows, and whether there was one more.
pub(crate) fn cut<R, T>(
    rows: Vec<R>,
    first: u32,
    read: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Paged<T>, StoreError> {
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let has_next = rows.len() > first;
    let items = rows.into_iter().take(first).map(read).collect::<Result<_, _>>()?;
    Ok(Paged { items, has_next })
}
