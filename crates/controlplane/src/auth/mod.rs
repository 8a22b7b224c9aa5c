//! Who is calling, and what they may do.
//!
//! Invariant: the only way to an organization's rows is [`actor::Access::scope`], which asks for a capability.

pub(crate) mod actor;
pub(crate) mod cookie;
pub(crate) mod flood;
pub(crate) mod live;
pub(crate) mod password;
pub(crate) mod routes;
pub(crate) mod session;
pub(crate) mod token;
