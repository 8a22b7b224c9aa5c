//! What goes over the node link: one type per body.
//!
//! Invariant: each body is a whole value of the ports in `metering` and `policy`, so that both ends say the same in process
//! and over the wire.

use std::sync::Arc;

use ::policy::Version;
use ::policy::feed::{Ack, Call, CallOutcome, Contact, OrgUpdate, Wanted};
use domain::{Amount, Holder, OrgId, Timestamp};
use metering::ports::{BudgetState, Hello, LeaseAnswer, LeaseRequest, Sequence, Shipment, Welcome};
use metering::usage::Draw;

use crate::WireError;
use crate::field::{all, amount, bits, id, message, moment, optional_id, required};
use crate::pb::domain::v1 as shared;
use crate::pb::node::v1 as pb;

/// An empty body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nothing;

/// Every organization with its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index(pub Vec<(OrgId, u64)>);

/// Organizations of which a node wants what is newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedOrgs(pub Vec<Wanted>);

/// What there is of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUpdates(pub Vec<OrgUpdate>);

/// Budget money that a node asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequests {
    /// Who asks.
    pub holder: Holder,
    /// For what.
    pub requests: Vec<LeaseRequest>,
}

/// What came of each, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseAnswers(pub Vec<LeaseAnswer>);

/// Budget money that a node gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unspent {
    /// Who.
    pub holder: Holder,
    /// Of what how much.
    pub draws: Vec<(OrgId, Draw, Amount)>,
}

/// The place in a node's journal up to which everything is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed(pub Sequence);

/// Revisions that a node enforces, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acks {
    /// Which node.
    pub holder: Holder,
    /// Which revisions.
    pub acks: Vec<Ack>,
    /// The usage of everything it admitted before is committed; nodes of an older release do not say.
    pub complete_to: Option<Timestamp>,
}

/// What came of calls; then it waits for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsDone {
    /// Which node.
    pub holder: Holder,
    /// What came of them.
    pub outcomes: Vec<CallOutcome>,
}

/// What the control plane wants asked of providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsWanted(pub Vec<Call>);

/// One conversion each way, as `From` and `TryFrom`.
macro_rules! body {
    ($domain:ty as $message:ty, |$from:ident| $to_message:expr, |$read:ident| $to_domain:expr) => {
        impl From<&$domain> for $message {
            fn from($from: &$domain) -> Self {
                $to_message
            }
        }

        impl TryFrom<$message> for $domain {
            type Error = WireError;
            fn try_from($read: $message) -> Result<Self, WireError> {
                Ok($to_domain)
            }
        }
    };
}

fn each<'a, T: 'a, P: From<&'a T>>(items: &'a [T]) -> Vec<P> {
    items.iter().map(Into::into).collect()
}

fn some_amount(field: &'static str, value: Option<shared::Amount>) -> Result<Amount, WireError> {
    amount(field, required(field, value)?)
}

body!(Nothing as pb::Nothing, |_nothing| Self {}, |_nothing| Self);

body!(
    Hello as pb::Hello,
    |hello| Self {
        holder: Some(hello.holder.into()),
        name: hello.name.clone(),
        version: hello.version.clone(),
        boot: hello.boot.clone(),
        journal_found: Some(hello.journal_found.0),
        journal_end: hello.journal_end.0,
        now_us: hello.now.as_micros(),
        contact_every_ms: hello.contact_every_ms,
    },
    |hello| Self {
        holder: message("hello.holder", hello.holder)?,
        name: hello.name,
        version: hello.version,
        boot: hello.boot,
        journal_found: Sequence(hello.journal_found.unwrap_or(hello.journal_end)),
        journal_end: Sequence(hello.journal_end),
        now: moment(hello.now_us),
        contact_every_ms: hello.contact_every_ms,
    }
);

body!(
    Welcome as pb::Welcome,
    |welcome| Self { now_us: welcome.now.as_micros(), freed: welcome.freed },
    |welcome| Self { now: moment(welcome.now_us), freed: welcome.freed }
);

body!(
    Version as pb::Version,
    |version| Self { epoch: version.epoch, revision: version.revision },
    |version| Self { epoch: version.epoch, revision: version.revision }
);

body!(Index as pb::Index, |index| Self { orgs: each(&index.0) }, |index| Self(
    index
        .orgs
        .into_iter()
        .map(|row| Ok((id("index.org", &row.org, OrgId::from_bits)?, row.revision)))
        .collect::<Result<_, WireError>>()?
));

impl From<&(OrgId, u64)> for pb::OrgRevision {
    fn from((org, revision): &(OrgId, u64)) -> Self {
        Self { org: bits(org.to_bits()), revision: *revision }
    }
}

body!(
    Wanted as pb::WantedOrg,
    |wanted| Self { org: bits(wanted.org.to_bits()), held: wanted.held.as_ref().map(Into::into) },
    |wanted| Self {
        org: id("wanted.org", &wanted.org, OrgId::from_bits)?,
        held: wanted.held.map(TryInto::try_into).transpose()?,
    }
);

body!(WantedOrgs as pb::Wanted, |wanted| Self { orgs: each(&wanted.0) }, |wanted| Self(all(wanted.orgs)?));

body!(
    OrgUpdate as pb::OrgUpdate,
    |update| Self {
        kind: Some(match update {
            OrgUpdate::Gone(org) => pb::org_update::Kind::Gone(bits(org.to_bits())),
            OrgUpdate::Change(change) => pb::org_update::Kind::Change(change.into()),
            OrgUpdate::Whole(records) => pb::org_update::Kind::Whole(records.into()),
        })
    },
    |update| match required("org_update.kind", update.kind)? {
        pb::org_update::Kind::Gone(org) => Self::Gone(id("org_update.gone", &org, OrgId::from_bits)?),
        pb::org_update::Kind::Change(change) => Self::Change(change.try_into()?),
        pb::org_update::Kind::Whole(records) => Self::Whole(records.try_into()?),
    }
);

body!(OrgUpdates as pb::OrgUpdates, |updates| Self { updates: each(&updates.0) }, |updates| Self(all(
    updates.updates
)?));

body!(
    LeaseRequest as pb::LeaseRequest,
    |request| Self {
        org: bits(request.org.to_bits()),
        draw: Some((&request.draw).into()),
        at_least: Some(request.at_least.into()),
    },
    |request| Self {
        org: id("lease_request.org", &request.org, OrgId::from_bits)?,
        draw: message("lease_request.draw", request.draw)?,
        at_least: some_amount("lease_request.at_least", request.at_least)?,
    }
);

body!(
    LeaseRequests as pb::LeaseRequests,
    |asked| Self { holder: Some(asked.holder.into()), requests: each(&asked.requests) },
    |asked| Self { holder: message("lease_requests.holder", asked.holder)?, requests: all(asked.requests)? }
);

body!(
    BudgetState as pb::BudgetState,
    |state| Self {
        limit: Some(state.limit.into()),
        spent: Some(state.spent.into()),
        escrow: Some(state.escrow.into()),
        suspense: Some(state.suspense.into()),
        overrun: Some(state.overrun.into()),
    },
    |state| Self {
        limit: some_amount("budget_state.limit", state.limit)?,
        spent: some_amount("budget_state.spent", state.spent)?,
        escrow: some_amount("budget_state.escrow", state.escrow)?,
        suspense: some_amount("budget_state.suspense", state.suspense)?,
        overrun: some_amount("budget_state.overrun", state.overrun)?,
    }
);

body!(
    LeaseAnswer as pb::LeaseAnswer,
    |answer| Self {
        kind: Some(match answer {
            LeaseAnswer::Granted(amount) => pb::lease_answer::Kind::Granted((*amount).into()),
            LeaseAnswer::Exhausted(state) => pb::lease_answer::Kind::Exhausted(state.into()),
            LeaseAnswer::Recalled(state) => pb::lease_answer::Kind::Recalled(state.into()),
            LeaseAnswer::Gone => pb::lease_answer::Kind::Gone(pb::Nothing {}),
        })
    },
    |answer| match required("lease_answer.kind", answer.kind)? {
        pb::lease_answer::Kind::Granted(granted) => Self::Granted(amount("lease_answer.granted", granted)?),
        pb::lease_answer::Kind::Exhausted(state) => Self::Exhausted(state.try_into()?),
        pb::lease_answer::Kind::Recalled(state) => Self::Recalled(state.try_into()?),
        pb::lease_answer::Kind::Gone(_) => Self::Gone,
    }
);

body!(LeaseAnswers as pb::LeaseAnswers, |answers| Self { answers: each(&answers.0) }, |answers| Self(all(
    answers.answers
)?));

impl From<&(OrgId, Draw, Amount)> for pb::UnspentDraw {
    fn from((org, draw, amount): &(OrgId, Draw, Amount)) -> Self {
        Self { org: bits(org.to_bits()), draw: Some(draw.into()), amount: Some((*amount).into()) }
    }
}

fn unspent(draw: pb::UnspentDraw) -> Result<(OrgId, Draw, Amount), WireError> {
    Ok((
        id("unspent.org", &draw.org, OrgId::from_bits)?,
        message("unspent.draw", draw.draw)?,
        some_amount("unspent.amount", draw.amount)?,
    ))
}

body!(
    Unspent as pb::Unspent,
    |free| Self { holder: Some(free.holder.into()), draws: each(&free.draws) },
    |free| Self {
        holder: message("unspent.holder", free.holder)?,
        draws: free.draws.into_iter().map(unspent).collect::<Result<_, _>>()?,
    }
);

body!(
    Shipment as pb::Shipment,
    |shipment| Self {
        holder: Some(shipment.holder.into()),
        upto: shipment.upto.0,
        events: shipment.events.iter().map(|event| event.as_ref().into()).collect(),
    },
    |shipment| Self {
        holder: message("shipment.holder", shipment.holder)?,
        upto: Sequence(shipment.upto),
        events: shipment
            .events
            .into_iter()
            .map(|event| event.try_into().map(Arc::new))
            .collect::<Result<_, _>>()?,
    }
);

body!(Committed as pb::Committed, |committed| Self { upto: committed.0.0 }, |committed| Self(Sequence(
    committed.upto
)));

body!(
    Ack as pb::Ack,
    |ack| Self {
        org: ack.org.map(|org| bits(org.to_bits())),
        version: Some((&ack.version).into()),
        refused: ack.refused.clone(),
    },
    |ack| Self {
        org: optional_id("ack.org", ack.org.as_deref(), OrgId::from_bits)?,
        version: message("ack.version", ack.version)?,
        refused: ack.refused,
    }
);

body!(
    Acks as pb::Acks,
    |acks| Self {
        holder: Some(acks.holder.into()),
        acks: each(&acks.acks),
        complete_to_us: acks.complete_to.map(Timestamp::as_micros),
    },
    |acks| Self {
        holder: message("acks.holder", acks.holder)?,
        acks: all(acks.acks)?,
        complete_to: acks.complete_to_us.map(Timestamp::from_micros),
    }
);

body!(
    Contact as pb::Contact,
    |contact| Self {
        heartbeat: Some(contact.heartbeat.into()),
        nodes: contact.nodes,
        now_us: contact.now.as_micros(),
        recalled: contact
            .recalled
            .iter()
            .map(|(budget, window)| (&Draw { budget: *budget, window: *window }).into())
            .collect(),
    },
    |contact| Self {
        heartbeat: required("contact.heartbeat", contact.heartbeat)?.into(),
        nodes: contact.nodes,
        now: moment(contact.now_us),
        recalled: all::<Draw, _>(contact.recalled)?
            .into_iter()
            .map(|draw| (draw.budget, draw.window))
            .collect(),
    }
);

mod reads;

#[cfg(test)]
mod tests;
