//! The sandbox over a real socket. Every bill is a number worked out by hand from `prices.toml`.

mod billing;
mod chat;
mod embeddings;
mod faults;
mod harness;
mod messages;
mod scripting;
