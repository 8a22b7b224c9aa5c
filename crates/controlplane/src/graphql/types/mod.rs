//! One object with its inputs per file; each holds the access it was reached by.
//!
//! Invariant: an object of an organization can only be made from rows read within that organization's scope.

pub(crate) mod audit;
pub(crate) mod budget;
pub(crate) mod chargeback;
pub(crate) mod credential;
pub(crate) mod gateway_node;
pub(crate) mod key;
pub(crate) mod member;
pub(crate) mod model;
pub(crate) mod node;
pub(crate) mod notice_target;
pub(crate) mod organization;
pub(crate) mod policy;
pub(crate) mod propagation;
pub(crate) mod team;
pub(crate) mod usage;
pub(crate) mod viewer;
