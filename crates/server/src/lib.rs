//! Compose and run: configuration, wiring, shutdown. The only crate that sees all others.
//!
//! Invariant: roles differ only in which adapters they construct; no decision about a request is taken here.

mod bootstrap;
mod catalogue;
pub mod cli;
pub mod config;
mod embedded;
mod housekeeping;
mod listen;
mod ops;
mod quickstart;
mod reads;
mod secrets;
mod shutdown;
mod telemetry;
