//! The methods by name, each with what it is asked and what it answers.
//!
//! Invariant: one list for both ends.

use metering::ports::{GenerationRequest, Hello, KeyUsage, KeyUsageRequest, Shipment, Welcome};
use metering::usage::UsageEvent;
use policy::feed::Contact;
use policy::record::PlatformRecords;
use wire::Wire;
use wire::link::{
    Acks, CallsDone, CallsWanted, Committed, Index, LeaseAnswers, LeaseRequests, Nothing, OrgUpdates,
    Unspent, WantedOrgs,
};

/// Before the method's name in a path.
pub(crate) const PREFIX: &str = "/weir.node.v1/";

/// A method of the node link.
pub(crate) trait Method {
    /// What it is called.
    const NAME: &'static str;
    /// What is asked.
    type Ask: Wire + Send;
    /// What is answered.
    type Answer: Wire + Send;
}

macro_rules! methods {
    ($($method:ident = $name:literal, $ask:ty => $answer:ty;)+) => {$(
        /// One method.
        pub(crate) struct $method;

        impl Method for $method {
            const NAME: &'static str = $name;
            type Ask = $ask;
            type Answer = $answer;
        }
    )+};
}

methods! {
    SayHello = "Hello", Hello => Welcome;
    ReadIndex = "Index", Nothing => Index;
    Snapshot = "Snapshot", Nothing => PlatformRecords;
    ChangesSince = "ChangesSince", WantedOrgs => OrgUpdates;
    Grant = "Leases", LeaseRequests => LeaseAnswers;
    GiveBack = "GiveBack", Unspent => Nothing;
    Usage = "Usage", Shipment => Committed;
    Acknowledge = "Ack", Acks => Contact;
    Read = "Read", KeyUsageRequest => KeyUsage;
    ReadGeneration = "Generation", GenerationRequest => Vec<UsageEvent>;
    NextCalls = "Call", CallsDone => CallsWanted;
}
