//! The control plane over a real SQLite file and its real router.

mod authz_coverage;
mod chargeback;
mod graphql;
mod login;
mod mutations;
mod policy_push;
mod schema;
mod web_admin;
mod world;
