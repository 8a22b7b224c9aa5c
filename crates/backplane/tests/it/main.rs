//! Against real Redis servers, which the tests start themselves: `redis-server` must be installed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod outages;
mod policy;
mod rates;
mod server;
mod tls;
