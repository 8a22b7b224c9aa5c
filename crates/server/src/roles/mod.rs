//! What a process can be. Each role is the same parts with other adapters.
//!
//! Invariant: a role starts in an order in which nothing serves before it can keep its promises, and stops in the
//! reverse one.

pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod run;
