//! Compose and run: configuration, wiring, shutdown. The only crate that sees all others.
//!
//! Invariant: roles differ only in which adapters they construct; no decision about a request is taken here.

mod bootstrap;
mod catalogue;
pub mod cli;
pub mod config;
mod housekeeping;
mod listen;
mod maintenance;
mod node;
mod ops;
mod plane;
mod prices;
mod process;
mod quickstart;
mod renew;
mod roles;
mod secrets;
mod shared;
mod shutdown;
mod telemetry;
mod tls;
