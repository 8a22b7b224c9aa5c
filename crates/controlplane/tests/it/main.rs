//! The control plane over a real SQLite file and its real router.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod authz_coverage;
mod catalogue;
mod chargeback;
mod graphql;
mod login;
mod mutations;
mod nodes;
mod policy_push;
mod ports;
mod schema;
mod socket;
mod web_admin;
mod world;
