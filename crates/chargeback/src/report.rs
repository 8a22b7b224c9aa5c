//! The chargeback of one organization for one period: lines, the calls that were cut short, and the proof that they
//! add up.
//!
//! Invariant: every usage event of the period is in exactly one line; a cut-short call is in its line too and is listed
//! besides, because what it owes was not said by the provider.

use std::cmp::Ordering;

use domain::{Amount, EventId, KeyId, OrgId, Pico, TeamId, Timestamp, TokenUsage, WindowId};
use metering::usage::{Flag, Outcome, UsageEvent};

/// Whose report it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its identity.
    pub id: OrgId,
    /// Its name when the report was made.
    pub name: String,
}

/// What one key spent on one model at one provider in the period, under one team and cost centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The key's team at the moment of the attempts.
    pub team: Option<TeamId>,
    /// The team's name when the report was made.
    pub team_name: Option<String>,
    /// The team's cost centre at the moment of the attempts.
    pub cost_centre: Option<String>,
    /// The key that asked.
    pub key: KeyId,
    /// The key's name when the report was made.
    pub key_name: String,
    /// The model the attempts went to, `author/slug`.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// Calls to the provider; every attempt counts, failed ones too.
    pub requests: u64,
    /// Units used, per class.
    pub quantities: TokenUsage,
    /// What is charged, in US dollars: the exact sum of the attempts' costs.
    pub cost: Amount,
}

impl Line {
    /// The order of lines in every report: by cost centre, team, key, model, provider; names before ids, so that it
    /// reads well, and ids after them, so that it is the same each time.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place()).then_with(|| self.cost.cmp(&other.cost))
    }

    fn place(&self) -> impl Ord + '_ {
        (
            (&self.cost_centre, &self.team_name, self.team),
            (&self.key_name, self.key),
            (&self.model, &self.provider, self.requests),
        )
    }
}

/// An attempt whose answer did not come to its end: nobody said what it cost, only between which bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutCall {
    /// The usage event.
    pub event: EventId,
    /// When the request was admitted; decides the period.
    pub admitted_at: Timestamp,
    /// The key that asked.
    pub key: KeyId,
    /// The model it went to.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The least it can have cost: what was seen of the answer.
    pub streamed: Pico,
    /// What is charged.
    pub cost: Pico,
    /// Beyond `cost`, what it may still turn out to owe.
    pub suspense: Pico,
    /// The most it can have cost: what was reserved for it.
    pub reserved: Pico,
    /// Whether the provider billed beyond the reservation all the same; the event is flagged and an alarm was raised.
    pub overrun: bool,
}

impl CutCall {
    /// The entry for `event`, or `None` when it came to its end.
    #[must_use]
    pub fn of(event: &UsageEvent) -> Option<Self> {
        let UsageEvent { attempt, settlement } = event;
        (!settlement.outcome.is_to_the_end()).then(|| Self {
            event: attempt.id,
            admitted_at: attempt.admitted_at,
            key: attempt.attribution.key,
            model: attempt.model.clone(),
            provider: attempt.provider.clone(),
            outcome: settlement.outcome,
            streamed: settlement.streamed,
            cost: settlement.cost,
            suspense: settlement.suspense,
            reserved: attempt.reserved,
            overrun: settlement.flags.has(Flag::Overrun),
        })
    }

    /// Whether what is charged lies between what was seen and what was reserved, or beyond that only by a known overrun:
    /// the truth is charged, and one provider's overrun must not withhold a whole month's report.
    #[must_use]
    pub fn is_within_bounds(&self) -> bool {
        self.streamed <= self.cost && (self.cost <= self.reserved || self.overrun)
    }
}

/// What an organization is charged for one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose.
    pub org: Organization,
    /// The calendar month, in UTC; an attempt belongs to the one it was admitted in.
    pub period: WindowId,
    /// Every attempt that was admitted before this is in the report; `None` where that is not known.
    pub complete_to: Option<Timestamp>,
    /// What was spent on what.
    pub lines: Vec<Line>,
    /// The attempts that did not come to their end, one by one.
    pub cut_calls: Vec<CutCall>,
    /// What is charged, in US dollars.
    pub total: Amount,
}

/// Where a report does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TieOut {
    /// The lines are not the total.
    #[error("the lines add up to {lines} USD, the total is {total} USD")]
    Lines {
        /// Σ lines.
        lines: Amount,
        /// The report's total.
        total: Amount,
    },
    /// The usage events are not the total.
    #[error("the usage events add up to {events} USD, the total is {total} USD")]
    Events {
        /// Σ usage events.
        events: Amount,
        /// The report's total.
        total: Amount,
    },
    /// The ledger is not the total.
    #[error("the ledger says {ledger} USD, the total is {total} USD")]
    Ledger {
        /// Σ ledger entries of the usage account.
        ledger: Amount,
        /// The report's total.
        total: Amount,
    },
    /// A cut-short call is charged less than was seen of it, or more than was reserved for it.
    #[error("{event} is charged {cost} USD, outside of its bounds {streamed} to {reserved} USD")]
    CutCall {
        /// The usage event.
        event: EventId,
        /// The lower bound.
        streamed: Pico,
        /// What is charged.
        cost: Pico,
        /// The upper bound.
        reserved: Pico,
    },
}

impl Report {
    /// Ties the report out against the period's usage events and its ledger, both summed apart from the lines.
    ///
    /// # Errors
    /// [`TieOut`], the first difference found; a single pico-dollar is one.
    pub fn check(&self, events: Amount, ledger: Amount) -> Result<(), TieOut> {
        let total = self.total;
        let lines: Amount = self.lines.iter().map(|line| line.cost).sum();
        if lines != total {
            return Err(TieOut::Lines { lines, total });
        }
        if events != total {
            return Err(TieOut::Events { events, total });
        }
        if ledger != total {
            return Err(TieOut::Ledger { ledger, total });
        }
        match self.cut_calls.iter().find(|call| !call.is_within_bounds()) {
            Some(&CutCall { event, streamed, cost, reserved, .. }) => {
                Err(TieOut::CutCall { event, streamed, cost, reserved })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
