//! The admin: GraphQL and reports in, rows and policy pushes out.
//!
//! Invariants: every access to an organization's rows starts from an actor and a capability; every change is one
//! transaction with its audit row; what was committed is published; every usage event that was shipped is in the ledger
//! exactly once.
//!
//! `http.rs` has every route, `graphql/` the API, `service/` what can be done, `auth/` who may do it. `publish.rs` pushes
//! policy to nodes, `source.rs` and `reads.rs` answer their questions, `registry.rs` knows who they are and what they
//! enforce; `leases.rs` and `ingest.rs` are where nodes get budget money from and ship usage to, `calls.rs` what they are
//! asked to do. `delivery.rs` tells people what budgets have reached.

mod auth;
pub mod bootstrap;
mod calls;
mod delivery;
mod deps;
mod error;
mod graphql;
mod http;
mod ingest;
mod leases;
mod metrics;
pub mod publish;
mod reads;
mod registry;
mod service;
mod source;
mod standing;
mod suspense;

pub use auth::cookie::CookieMode;
pub use auth::token::{InvalidSigningKey, SigningKeys};
pub use calls::{CallBoard, NoAnswer};
pub use delivery::{Deliverer, deliver_notices};
pub use deps::Deps;
pub use error::AdminError;
pub use graphql::schema::sdl;
pub use http::router;
pub use ingest::Ingest;
pub use leases::Leases;
pub use metrics::Metrics;
pub use reads::StoreReads;
pub use registry::Registry;
pub use source::Source;
pub use suspense::release_suspense;
