//! The link passes the same suites as the ports in process, refuses whoever is not a node, and never hangs.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod failures;
mod hostile;
mod peers;
mod ports;
mod refusals;
mod tls;
mod world;
