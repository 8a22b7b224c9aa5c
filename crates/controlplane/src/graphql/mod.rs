//! The API: types, queries, mutations, subscriptions, and the limits they run under.
//!
//! Invariant: resolvers name things and pass on; what may be done is decided by `auth/actor.rs` and `service/`.

pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod mutation;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod scalars;
pub(crate) mod schema;
pub(crate) mod subscription;
pub(crate) mod types;
