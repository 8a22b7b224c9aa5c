//! What running nodes share and may lose: for now, the push of policy changes.
//!
//! Invariant: nothing here is the record of anything. Whoever follows must be able to do without every message it
//! lost, by asking the source; money never passes through here.
//!
//! Every adapter passes the same suite, `policy::conformance`; [`Memory`] is the one inside one process.

#![warn(missing_docs)]

mod memory;

pub use memory::Memory;
