//! Count, price, reserve, settle: the life of a charge.
//!
//! Before a call to a provider, [`estimate`] bounds what it can cost and [`budget`] takes that much from every budget
//! in scope, all or none. The attempt is written to the journal ([`ports::Journal`]) before the first byte leaves.
//! While the answer streams, progress is noted. At its end [`price`] turns the usage into an exact cost, which
//! replaces the bound: the rest goes back, and one [`usage::UsageEvent`] is journalled, shipped, and dropped only when
//! its commit came back. Where the provider said no usage, [`count`] counts the text.
//!
//! Invariant: every attempt yields exactly one event; money is integer pico-USD throughout; nothing here does IO.

#![warn(missing_docs)]

pub mod budget;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod count;
pub mod estimate;
#[cfg(feature = "test-util")]
pub mod memory;
pub mod ports;
pub mod price;
pub mod rate;
#[cfg(feature = "test-util")]
pub mod sample;
pub mod usage;

pub use budget::{LeaseBook, Reservation};
pub use count::{Counted, Counter, thinks_unseen};
pub use estimate::{Ask, Bound, bound};
pub use price::{Priced, cost};
