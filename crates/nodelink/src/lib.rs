//! The node link: the sure path between a data plane node and any control plane, over HTTP/2 (`proto/weir/node/v1`).
//!
//! Transport only: what is asked and answered are the ports of `metering` and `policy`, which both ends also speak in
//! process. Invariants: without the node token nothing is answered; a body is read up to its message's limit and no
//! further; whoever moves budget money learns whether nothing was moved or nobody knows.

#![warn(missing_docs)]

pub mod client;
mod failure;
mod method;
pub mod server;

/// What the caller speaks; a peer answers every version from [`OLDEST`] to [`NEWEST`].
const VERSION_HEADER: &str = "weir-link-version";
const OLDEST: u32 = 1;
const NEWEST: u32 = 1;
/// What kind of failure an answer is; the body is a sentence.
const FAILURE_HEADER: &str = "weir-failure";
const CONTENT_TYPE: &str = "application/x-protobuf";
