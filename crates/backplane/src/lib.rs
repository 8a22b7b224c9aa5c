//! What running nodes share and may lose: the push of policy changes, slices of rates, counts of tries.
//!
//! Invariant: nothing here is the record of anything. Whoever follows must be able to do without every message it
//! lost, by asking the source; money never passes through here.
//!
//! Every adapter passes the same suites, `policy::conformance` and `metering::rate::conformance`: [`Memory`] and
//! [`LocalRates`] inside one process, [`redis::Redis`] between many.

#![warn(missing_docs)]

mod memory;
mod rates;
pub mod redis;

pub use memory::Memory;
pub use rates::LocalRates;
