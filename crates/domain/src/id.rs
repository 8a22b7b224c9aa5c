//! Identifiers: 128-bit, time-ordered (UUID version 7), written as `prefix_` + 32 hex digits.
//!
//! Invariant: an id is never reused and never carries a name; its first 48 bits are the millisecond it was made in.

use std::fmt;
use std::str::FromStr;

use crate::time::Timestamp;

/// An id's text was not `prefix_` + 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct InvalidId {
    /// What kind of id was expected, e.g. `team`.
    pub kind: &'static str,
}

fn v7(at: Timestamp, entropy: u128) -> u128 {
    let millis = u128::try_from(at.as_millis().max(0)).unwrap_or(0) & 0xffff_ffff_ffff;
    let random = entropy & 0x0fff_3fff_ffff_ffff_ffff;
    (millis << 80) | (0x7 << 76) | (0b10 << 62) | random
}

fn parse(text: &str, prefix: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let lowercase_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() != 32 || !digits.bytes().all(lowercase_hex) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from the time and 74 random bits of `entropy` (the rest is ignored).
            #[must_use]
            pub fn new(at: Timestamp, entropy: u128) -> Self {
                Self(v7(at, entropy))
            }

            /// The id with exactly these bits, as read back from a wire format.
            #[must_use]
            pub fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// All 128 bits.
            #[must_use]
            pub fn to_bits(self) -> u128 {
                self.0
            }

            /// The millisecond it was made in.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0 >> 80).unwrap_or(i64::MAX))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:032x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, $prefix).map(Self).ok_or(InvalidId { kind: $prefix })
            }
        }
    };
}

id!(/** An organization. */ OrgId, "org");
id!(/** A team inside an organization. */ TeamId, "team");
id!(/** A person, who may be a member of several organizations. */ PersonId, "person");
id!(/** A person's membership of one organization. */ MemberId, "member");
id!(/** An inference or management key. */ KeyId, "key");
id!(/** A policy attached to one layer of an organization. */ PolicyId, "policy");
id!(/** A budget. */ BudgetId, "budget");
id!(/** More money on a budget for some time. */ RaiseId, "raise");
id!(/** Where an organization's notices go. */ NoticeTargetId, "target");
id!(/** A provider secret of the platform or of an organization. */ CredentialId, "cred");
id!(/** A model at a provider, in a region, with prices and a data policy. */ EndpointId, "ep");
id!(/** An immutable set of unit prices. */ PriceVersionId, "price");
id!(/** Budget money that one incarnation of one node holds. */ LeaseId, "lease");
id!(/** A data plane process's identity, kept over restarts. */ NodeId, "node");
id!(/** One request of an app; attempts are numbered under it. */ RequestId, "req");

/// One attempt of one request: the key of a usage event. Text form `req_….1`; attempt 0 is a cache hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// The request it belongs to; its time is the admission time.
    pub request: RequestId,
    /// 1 for the first call to a provider.
    pub attempt: u16,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.request, self.attempt)
    }
}

impl FromStr for EventId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { kind: "event" };
        let (request, attempt) = text.rsplit_once('.').ok_or(invalid.clone())?;
        Ok(Self { request: request.parse()?, attempt: attempt.parse().map_err(|_| invalid)? })
    }
}

impl RequestId {
    /// The generation id the app sees: `gen-<seconds>-<32 hex digits>`, from which [`RequestId`] can be read back.
    #[must_use]
    pub fn generation(self) -> String {
        format!("gen-{}-{:032x}", self.made_at().as_seconds(), self.0)
    }

    /// Reads a generation id back.
    ///
    /// # Errors
    /// [`InvalidId`] when the text is not of that form.
    pub fn from_generation(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { kind: "generation" };
        let digits =
            text.strip_prefix("gen-").and_then(|rest| rest.split_once('-')).ok_or(invalid.clone())?.1;
        parse(&format!("req_{digits}"), "req").map(Self).ok_or(invalid)
    }
}

#[cfg(test)]
mod tests;
