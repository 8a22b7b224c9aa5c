//! The ports of the control plane, each as a call of the link.
//!
//! Invariant: the same errors as in process.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Amount, Holder, OrgId, Timestamp};
use http::StatusCode;
use metering::ports::{
    GenerationRequest, Hello, HelloError, KeyUsage, KeyUsageRequest, LeaseAnswer, LeaseError, LeaseRequest,
    LeaseSource, Nodes, ReadError, Reads, ShipError, Shipment, UsageSink, Welcome,
};
use metering::usage::{Draw, UsageEvent};
use policy::feed::{
    Ack, Acks, Call, CallOutcome, Calls, Contact, FeedError, OrgUpdate, PolicySource, Wanted,
};
use policy::record::PlatformRecords;
use wire::link;

use super::{Link, NoAnswer};
use crate::failure::Kind;
use crate::method::{
    Acknowledge, ChangesSince, GiveBack, Grant, NextCalls, Read, ReadGeneration, ReadIndex, SayHello,
    Snapshot, Usage,
};

const MONEY: Duration = Duration::from_secs(2);
const BULK: Duration = Duration::from_secs(60);
const LONG_POLL: Duration = Duration::from_secs(40);

fn feed(error: NoAnswer) -> FeedError {
    FeedError(error.to_string())
}

#[async_trait]
impl PolicySource for Link {
    async fn platform(&self) -> Result<PlatformRecords, FeedError> {
        self.ask::<Snapshot>(&link::Nothing, BULK).await.map_err(feed)
    }

    async fn index(&self) -> Result<Vec<(OrgId, u64)>, FeedError> {
        self.ask::<ReadIndex>(&link::Nothing, BULK).await.map(|index| index.0).map_err(feed)
    }

    async fn orgs(&self, wanted: &[Wanted]) -> Result<Vec<OrgUpdate>, FeedError> {
        let wanted = link::WantedOrgs(wanted.to_vec());
        self.ask::<ChangesSince>(&wanted, BULK).await.map(|updates| updates.0).map_err(feed)
    }
}

#[async_trait]
impl LeaseSource for Link {
    async fn grant(
        &self,
        holder: Holder,
        requests: Vec<LeaseRequest>,
    ) -> Result<Vec<LeaseAnswer>, LeaseError> {
        let asked = requests.len();
        let requests = link::LeaseRequests { holder, requests };
        let answers = self.ask_once::<Grant>(&requests, MONEY).await.map_err(money)?.0;
        if answers.len() == asked {
            return Ok(answers);
        }
        Err(LeaseError::Unknown(format!("{} answers to {asked} requests", answers.len())))
    }

    async fn give_back(&self, holder: Holder, unspent: Vec<(OrgId, Draw, Amount)>) -> Result<(), LeaseError> {
        let unspent = link::Unspent { holder, draws: unspent };
        self.ask_once::<GiveBack>(&unspent, MONEY).await.map(drop).map_err(money)
    }
}

fn money(error: NoAnswer) -> LeaseError {
    let text = error.to_string();
    match error {
        NoAnswer::NotSent(_) | NoAnswer::Failed { kind: Kind::NotDone | Kind::Refused, .. } => {
            LeaseError::NotDone(text)
        }
        NoAnswer::Broken(_) | NoAnswer::Failed { kind: Kind::Unknown, .. } => LeaseError::Unknown(text),
    }
}

#[async_trait]
impl UsageSink for Link {
    async fn commit(&self, shipment: Shipment) -> Result<(), ShipError> {
        let committed =
            self.ask::<Usage>(&shipment, BULK).await.map_err(|error| ShipError(error.to_string()))?;
        if committed.0 >= shipment.upto {
            return Ok(());
        }
        Err(ShipError("the control plane has not committed all of what was shipped".to_owned()))
    }
}

#[async_trait]
impl Nodes for Link {
    async fn hello(&self, hello: Hello) -> Result<Welcome, HelloError> {
        self.ask::<SayHello>(&hello, self.timeout).await.map_err(|error| match error {
            NoAnswer::Failed { kind: Kind::Refused, text, .. } => HelloError::Refused(text),
            NoAnswer::Failed { status: StatusCode::NOT_FOUND, text, .. } => HelloError::Refused(text),
            other => HelloError::Unreachable(other.to_string()),
        })
    }
}

#[async_trait]
impl Acks for Link {
    async fn ack(
        &self,
        holder: Holder,
        acks: Vec<Ack>,
        complete_to: Option<Timestamp>,
    ) -> Result<Contact, FeedError> {
        self.ask::<Acknowledge>(&link::Acks { holder, acks, complete_to }, self.timeout).await.map_err(feed)
    }
}

#[async_trait]
impl Reads for Link {
    async fn key_usage(&self, request: KeyUsageRequest) -> Result<KeyUsage, ReadError> {
        self.ask::<Read>(&request, self.timeout).await.map_err(read)
    }

    async fn generation(&self, request: GenerationRequest) -> Result<Vec<UsageEvent>, ReadError> {
        self.ask::<ReadGeneration>(&request, self.timeout).await.map_err(read)
    }
}

fn read(error: NoAnswer) -> ReadError {
    ReadError(error.to_string())
}

#[async_trait]
impl Calls for Link {
    async fn next(&self, holder: Holder, done: Vec<CallOutcome>) -> Result<Vec<Call>, FeedError> {
        let done = link::CallsDone { holder, outcomes: done };
        self.ask::<NextCalls>(&done, LONG_POLL).await.map(|wanted| wanted.0).map_err(feed)
    }
}
