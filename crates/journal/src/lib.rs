//! What a node keeps on disk: the write-ahead log of attempts, and the last policy it knew to be good.
//!
//! A data directory belongs to one process at a time ([`DataDir`]), whose every life has its own incarnation number.
//! In it lie the log ([`FileJournal`]) and the sealed [`snapshot`].
//!
//! Invariants: what [`FileJournal`] accepted survives `kill -9`; an attempt that the process did not live to settle is
//! settled once, as interrupted, by the next; nothing is dropped before it is known to be committed; what cannot be
//! understood is an error and never an empty answer.
//!
//! After a loss of power (not of the process alone), up to the last 50 ms of records may be missing, because the log is
//! synced in groups. An attempt missing there has no event; its money is in the node's lease, which stays escrowed.

mod atomic;
mod frame;
mod lock;
mod log;
mod mark;
mod recover;
mod segment;
pub mod snapshot;
mod sync;

pub use lock::{ClaimError, DataDir};
pub use log::{FileJournal, Settings};
pub use recover::Recovered;
