//! Policy and usage as protobuf: the only place that knows the generated code.
//!
//! Others see bytes: [`Wire::to_bytes`] and [`Wire::from_bytes`]. Invariant: what is read back equals what was written, and
//! bytes from outside that say anything else than a whole, sound value are refused with the field's name; they never panic
//! and never become a default.

mod catalogue;
mod choice;
mod events;
mod field;
pub mod link;
mod org;
pub mod pb;
mod policy;
mod rules;

use prost::Message;

use ::policy::feed::{Contact, PolicyMessage};
use ::policy::record::{OrgChange, OrgRecords, PlatformRecords};
use domain::EventId;
use metering::ports::{GenerationRequest, Hello, KeyUsage, KeyUsageRequest, Record, Shipment, Welcome};
use metering::usage::UsageEvent;
pub use policy::LastKnownGood;

const MIB: usize = 1024 * 1024;

/// Why bytes are not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They are no protobuf of this message.
    #[error("not a protobuf message: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// There are more of them than such a message may have.
    #[error("{bytes} bytes are more than the {max} such a message may have")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        max: usize,
    },
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field says something that cannot be.
    #[error("{0} is not valid")]
    Invalid(&'static str),
}

/// A value that goes over a wire or onto a disk.
pub trait Wire: Sized {
    /// The most bytes one may have.
    const MAX_BYTES: usize;

    /// Writes it.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads it back.
    ///
    /// # Errors
    /// [`WireError`] for anything but what [`to_bytes`](Self::to_bytes) writes, of this or a compatible version.
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError>;
}

macro_rules! wire {
    ($($domain:ty as $message:ty, up to $max:expr;)+) => {$(
        impl Wire for $domain {
            const MAX_BYTES: usize = $max;

            fn to_bytes(&self) -> Vec<u8> {
                <$message>::from(self).encode_to_vec()
            }

            fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
                if bytes.len() > Self::MAX_BYTES {
                    return Err(WireError::TooLarge { bytes: bytes.len(), max: Self::MAX_BYTES });
                }
                <$message>::decode(bytes)?.try_into()
            }
        }
    )+};
}

wire! {
    PolicyMessage as pb::policy::v1::Message, up to 16 * MIB;
    OrgChange as pb::policy::v1::OrgChange, up to 16 * MIB;
    PlatformRecords as pb::policy::v1::PlatformRecords, up to 16 * MIB;
    OrgRecords as pb::policy::v1::OrgRecords, up to 64 * MIB;
    LastKnownGood as pb::policy::v1::LastKnownGood, up to 256 * MIB;
    Record as pb::metering::v1::Record, up to MIB;
    EventId as pb::metering::v1::EventId, up to 64;
    UsageEvent as pb::metering::v1::UsageEvent, up to MIB;
    Vec<UsageEvent> as pb::metering::v1::UsageBatch, up to 64 * MIB;
    link::Nothing as pb::node::v1::Nothing, up to 1024;
    Hello as pb::node::v1::Hello, up to 64 * 1024;
    Welcome as pb::node::v1::Welcome, up to 1024;
    link::Index as pb::node::v1::Index, up to 64 * MIB;
    link::WantedOrgs as pb::node::v1::Wanted, up to MIB;
    link::OrgUpdates as pb::node::v1::OrgUpdates, up to 96 * MIB;
    link::LeaseRequests as pb::node::v1::LeaseRequests, up to MIB;
    link::LeaseAnswers as pb::node::v1::LeaseAnswers, up to MIB;
    link::Unspent as pb::node::v1::Unspent, up to 16 * MIB;
    Shipment as pb::node::v1::Shipment, up to 64 * MIB;
    link::Committed as pb::node::v1::Committed, up to 1024;
    link::Acks as pb::node::v1::Acks, up to 16 * MIB;
    Contact as pb::node::v1::Contact, up to 1024;
    KeyUsageRequest as pb::node::v1::KeyUsageRequest, up to MIB;
    KeyUsage as pb::node::v1::KeyUsage, up to MIB;
    GenerationRequest as pb::node::v1::GenerationRequest, up to 1024;
    link::CallsDone as pb::node::v1::CallsDone, up to 16 * MIB;
    link::CallsWanted as pb::node::v1::CallsWanted, up to MIB;
}

#[cfg(test)]
mod tests;
