//! What a caller may do, decided from an immutable snapshot.
//!
//! Invariants: nothing here does IO; a [`Permit`] can only be made by [`decide()`]; a compile problem refuses and never
//! allows; an older (epoch, revision) never replaces a newer one.
//!
//! The way of a request: [`PolicySnapshot::authenticate`] turns a key's text into a [`Caller`], [`decide()`] turns a
//! caller and an [`Ask`] into a [`Permit`] or a [`Denial`].

#![warn(missing_docs)]

mod authenticate;
mod cell;
mod compile;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decide;
mod denial;
pub mod feed;
mod index;
mod layers;
mod objects;
mod pattern;
mod permit;
mod platform;
pub mod record;
mod rules;
#[cfg(any(test, feature = "test-util"))]
pub mod sample;
pub mod sealed;
mod select;
mod snapshot;

pub use cell::{Outcome, SnapshotCell};
pub use compile::{OrgPolicy, Problem};
pub use decide::{Ask, Offer, ProviderAsk, decide, offers};
pub use denial::{Availability, Denial, Exclusion, NoEndpoint, Rule, RuleSource, Why};
pub use permit::{Caller, Candidate, EffectiveRules, Permit, Quota};
pub use platform::CompiledPlatform;
pub use rules::problem;
pub use snapshot::{NotApplied, PolicySnapshot, Version};
