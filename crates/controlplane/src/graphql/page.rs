//! Relay connections over the store's pages.
//!
//! Invariant: a page that is asked for too large is refused, never silently cut down.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, Edge};
use store::{Page, Paged};

use crate::error::AdminError;
use crate::graphql::error::Result;

const LARGEST: i32 = 100;
const USUAL: i32 = 20;

/// What a connection of `first` nodes adds to a request's complexity.
pub(crate) fn cost(first: Option<i32>, child: usize) -> usize {
    let nodes = usize::try_from(first.unwrap_or(USUAL)).unwrap_or(0);
    // `edges`, `node` and the like are asked for once per connection, their fields once per node.
    nodes.saturating_mul(child).saturating_div(10).saturating_add(child).saturating_add(1)
}

/// Reads the arguments of a connection.
pub(crate) fn page(first: Option<i32>, after: Option<String>) -> Result<Page> {
    let first = first.unwrap_or(USUAL);
    if !(1..=LARGEST).contains(&first) {
        return Err(AdminError::bad_input("first", format!("is {first}; 1 to {LARGEST} can be asked for")));
    }
    Ok(Page { after, first: u32::try_from(first).unwrap_or_default() })
}

/// A page of the store as a connection; `cursor` names an item's place.
pub(crate) fn connection<T, N: OutputType>(
    paged: Paged<T>,
    cursor: impl Fn(&T) -> String,
    mut node: impl FnMut(T) -> N,
) -> Connection<String, N> {
    let mut connection = Connection::new(false, paged.has_next);
    connection.edges.extend(paged.items.into_iter().map(|item| Edge::new(cursor(&item), node(item))));
    connection
}
