//! Requests, and the calls that come of them: in the order of the data plane's pipeline, one stage a step.
//!
//! Invariant: reserve, journal, send, note progress, settle, journal; between any two of them a node can die.

use std::sync::Arc;

use anyhow::bail;
use dataplane::lease::NotReserved;
use domain::limit::Window;
use domain::{Amount, EventId, OrgId, Pico, RequestId, Timestamp, TokenUsage};
use metering::Reservation;
use metering::ports::{Journal, Record};
use metering::sample;
use metering::usage::{Attempt, Draw, Flags, Outcome, Progress, Settlement, UsageEvent, UsageSource};

use crate::control::{BUDGETS, budget, key, number_of, org, team};
use crate::guard::Guard;
use crate::life::{Call, Stage};
use crate::link::From;
use crate::meter::Account;
use crate::world::{World, account};

/// How a node that died in the middle of a write left its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Whole,
    Torn,
}

fn accounts_of(attempt: &Attempt) -> Vec<Account> {
    attempt.draws.iter().map(|draw| account((number_of(draw.budget), draw.window))).collect()
}

impl World {
    /// A request comes to a node.
    pub(crate) fn ask(&mut self) {
        let Some(place) = self.some_serving() else { return };
        let number = self.tally.requests;
        self.tally.requests += 1;
        let amount = self.dice.between(self.largest / 8, self.largest);
        let of_team = self.dice.place(BUDGETS);
        let entropy = self.dice.wide();
        let Some(node) = self.nodes.get_mut(place) else { return };
        let (Some(life), now) = (node.life.as_mut(), domain::Clock::now(node.clock.as_ref())) else { return };
        let numbers = [0].into_iter().chain((of_team > 0).then_some(of_team));
        let draws: Vec<(OrgId, Draw)> = numbers.map(|number| (org(), draw(number, now))).collect();
        let mut attempt = sample::attempt(0);
        attempt.id = EventId { request: RequestId::new(now, entropy), attempt: 1 };
        attempt.holder = life.holder;
        attempt.attribution.org = org();
        attempt.attribution.key = key();
        attempt.attribution.team = (of_team > 0).then(|| team(of_team));
        attempt.reserved = Pico::new(amount);
        attempt.admitted_at = now;
        let from = life.from;
        life.ask(number, attempt, draws.clone());
        self.trace.note(format_args!("{from} request {number} wants {amount} of team {of_team}"));
        for (_, draw) in draws {
            self.open_account(number_of(draw.budget), draw);
        }
    }

    fn open_account(&mut self, number: usize, draw: Draw) {
        if self.accounts.insert((number, draw.window)) {
            let limit = self.limits.get(number).copied().unwrap_or(0);
            self.meter.limit(account((number, draw.window)), limit);
        }
    }

    /// A request has its money, or was refused.
    pub(crate) fn reserved(
        &mut self,
        from: From,
        number: u64,
        outcome: Result<Reservation, NotReserved>,
    ) -> anyhow::Result<()> {
        // Where the budget is to be used up, a call costs most of what it could.
        let least = if self.plan.is_fair() { 60 } else { 0 };
        let (part, is_all) = (self.dice.between(least, 100), self.dice.percent(10) || self.is_over);
        self.measure_headroom();
        let Some(life) = self.life_of(from) else { return Ok(()) };
        let Some(waiting) = life.waiting.remove(&number) else { return Ok(()) };
        let mut attempt = waiting.attempt;
        match outcome {
            Ok(reservation) => {
                attempt.draws = reservation.draws().collect();
                let reserved = attempt.reserved.get();
                let truth = if is_all { reserved } else { reserved * part / 100 };
                let numbers: Vec<_> = attempt.draws.iter().map(|draw| number_of(draw.budget)).collect();
                let call = Call { reservation, attempt, stage: Stage::Reserved, truth, streamed: 0 };
                life.calls.insert(number, call);
                self.refusals_in_a_row = 0;
                self.use_up(from.node, &numbers, reserved.into());
                self.trace
                    .note(format_args!("{from} request {number} has {reserved}, will be billed {truth}"));
            }
            Err(NotReserved::Exhausted(short)) => {
                self.refusals_in_a_row += 1;
                self.tally.refused += 1;
                let is_false = waiting.headroom >= i128::from(attempt.reserved.get());
                self.tally.falsely_refused += u64::from(is_false && self.plan.is_fair());
                let (budget, headroom) = (number_of(short.draw.budget), waiting.headroom);
                self.trace.note(format_args!(
                    "{from} request {number} is refused by {budget}: {headroom} to be had"
                ));
            }
            Err(NotReserved::Unreachable(_)) => {
                self.trace.note(format_args!("{from} request {number} gets no answer"));
            }
        }
        Ok(())
    }

    /// Whoever asked does not wait any longer.
    pub(crate) fn give_up(&mut self) {
        let Some(place) = self.some_serving() else { return };
        let Some(life) = self.nodes.get_mut(place).and_then(|node| node.life.as_mut()) else { return };
        let Some((number, waiting)) = life.waiting.pop_first() else { return };
        waiting.task.abort();
        let from = life.from;
        self.trace.note(format_args!("{from} request {number} gives up"));
    }

    /// A call goes one stage further.
    pub(crate) fn advance_a_call(&mut self) -> anyhow::Result<()> {
        let Some(place) = self.some_serving() else { return Ok(()) };
        let Some(life) = self.nodes.get(place).and_then(|node| node.life.as_ref()) else { return Ok(()) };
        let which = self.dice.place(life.calls.len());
        let Some((number, call)) = life.calls.iter().nth(which) else { return Ok(()) };
        match (*number, call.stage) {
            (number, Stage::Reserved) => self.journal_call(place, number),
            (number, Stage::Journalled) => self.send_call(place, number),
            (number, Stage::Sent) if self.dice.percent(30) => self.progress_call(place, number),
            (number, Stage::Sent) => self.settle_call(place, number),
        }
    }

    fn journal_call(&mut self, place: usize, number: u64) -> anyhow::Result<()> {
        let leaves = self.dice.percent(4);
        let write = self.a_write();
        let without = self.plan.without == Some(Guard::JournalBeforeDispatch);
        let Some((life, mut call)) = self.take_call(place, number) else { return Ok(()) };
        let (from, reserved) = (life.from, call.attempt.reserved.get());
        let record = Record::Reserved(Arc::new(call.attempt.clone()));
        let before = (write == Write::Torn).then(|| self.lengths(place)).transpose()?;
        let numbers: Vec<_> = call.attempt.draws.iter().map(|draw| number_of(draw.budget)).collect();
        let Some(life) = self.life_of(from) else { return Ok(()) };
        if leaves || (!without && life.journal.append(&record).is_err()) {
            life.leases.void(call.reservation);
            self.use_up(place, &numbers, -i128::from(reserved));
            self.trace.note(format_args!("{from} request {number} is not made"));
            return Ok(());
        }
        let event = call.attempt.id.to_string();
        self.meter.admit(&event, accounts_of(&call.attempt), reserved.into());
        if let Some(before) = before {
            return self.die_writing(place, &before);
        }
        call.stage = Stage::Journalled;
        self.trace.note(format_args!("{from} request {number} is journalled"));
        self.put_call(place, number, call);
        if let Some(node) = self.nodes.get_mut(place) {
            node.events.push(event);
        }
        Ok(())
    }

    fn send_call(&mut self, place: usize, number: u64) -> anyhow::Result<()> {
        let Some((life, mut call)) = self.take_call(place, number) else { return Ok(()) };
        let from = life.from;
        call.stage = Stage::Sent;
        self.meter.bill(&call.attempt.id.to_string(), call.truth.into());
        self.tally.sent += 1;
        self.trace.note(format_args!("{from} request {number} is sent"));
        self.put_call(place, number, call);
        Ok(())
    }

    fn progress_call(&mut self, place: usize, number: u64) -> anyhow::Result<()> {
        let Some((life, call)) = self.take_call(place, number) else { return Ok(()) };
        let journal = std::sync::Arc::clone(&life.journal);
        let streamed = self.dice.between(call.streamed, call.truth);
        let progress = Progress { usage: TokenUsage::default(), streamed: Pico::new(streamed) };
        if self.plan.without != Some(Guard::JournalBeforeDispatch) {
            journal.append(&Record::Progress(call.attempt.id, progress))?;
        }
        self.trace.note(format_args!("request {number} has streamed {streamed}"));
        self.put_call(place, number, Call { streamed, ..call });
        Ok(())
    }

    /// The truth replaces the reservation, and the event is journalled.
    fn settle_call(&mut self, place: usize, number: u64) -> anyhow::Result<()> {
        // In fair weather nobody leaves: what stays in suspense could not be used.
        let is_cut = !self.plan.is_fair() && self.dice.percent(10);
        let write = self.a_write();
        let before = (write == Write::Torn).then(|| self.lengths(place)).transpose()?;
        let Some((life, call)) = self.take_call(place, number) else { return Ok(()) };
        let (from, clock) = (life.from, life.journal.end());
        let Call { reservation, attempt, truth, streamed, .. } = call;
        let reserved = attempt.reserved.get();
        let cost = if is_cut { self.dice.between(streamed, truth) } else { truth };
        let suspense = if is_cut { reserved - cost } else { 0 };
        let Some(life) = self.life_of(from) else { return Ok(()) };
        let overruns = life.leases.settle(reservation, Pico::new(cost + suspense));
        if overruns.iter().any(|overrun| *overrun != Amount::ZERO) {
            bail!("request {number} ran over, within its reservation");
        }
        let outcome = if is_cut { Outcome::Cut } else { Outcome::Answered };
        let event = event(attempt, outcome, (cost, streamed, suspense), overruns);
        let (id, draws) = (event.attempt.id.to_string(), event.attempt.draws.clone());
        life.journal.append(&Record::Settled(Arc::new(event)))?;
        if let Some(before) = before {
            return self.die_writing(place, &before);
        }
        if !is_cut {
            self.meter.settled(&id);
        }
        let numbers: Vec<_> = draws.iter().map(|draw| number_of(draw.budget)).collect();
        self.use_up(place, &numbers, i128::from(cost + suspense) - i128::from(reserved));
        self.trace
            .note(format_args!("{from} request {number} ends after record {}: {cost} + {suspense}", clock.0));
        Ok(())
    }

    /// Sometimes a process dies while it writes.
    fn a_write(&mut self) -> Write {
        let is_torn = !self.plan.is_fair() && !self.is_over && self.dice.percent(1);
        if is_torn { Write::Torn } else { Write::Whole }
    }

    fn take_call(&mut self, place: usize, number: u64) -> Option<(&mut crate::life::Life, Call)> {
        let life = self.nodes.get_mut(place)?.life.as_mut()?;
        let call = life.calls.remove(&number)?;
        Some((life, call))
    }

    fn put_call(&mut self, place: usize, number: u64, call: Call) {
        if let Some(life) = self.nodes.get_mut(place).and_then(|node| node.life.as_mut()) {
            life.calls.insert(number, call);
        }
    }

    pub(crate) fn some_serving(&mut self) -> Option<usize> {
        let serving: Vec<usize> =
            self.nodes.iter().filter(|node| node.is_serving()).map(|node| node.number).collect();
        serving.get(self.dice.place(serving.len())).copied()
    }

    fn use_up(&mut self, place: usize, numbers: &[usize], amount: i128) {
        let Some(node) = self.nodes.get_mut(place) else { return };
        for number in numbers {
            node.purse.entry(*number).or_default().used += amount;
        }
    }

    /// What there is to be had for each request that waits: the limit, less what was spent and is reserved by its own
    /// node, less what other nodes hold, less what its own node is just giving back.
    pub(crate) fn measure_headroom(&mut self) {
        if !self.plan.is_fair() {
            return;
        }
        for place in 0..self.nodes.len() {
            let headroom: Vec<i128> = (0..BUDGETS).map(|number| self.headroom(place, number)).collect();
            let Some(life) = self.nodes.get_mut(place).and_then(|node| node.life.as_mut()) else { continue };
            for waiting in life.waiting.values_mut() {
                let of_team = waiting.attempt.attribution.team;
                let scope = (1..BUDGETS).find(|number| of_team == Some(team(*number)));
                let numbers = [0].into_iter().chain(scope);
                let least = numbers.filter_map(|number| headroom.get(number)).min().copied();
                waiting.headroom = waiting.headroom.min(least.unwrap_or(0));
            }
        }
    }

    fn headroom(&self, place: usize, number: usize) -> i128 {
        let limit = self.limits.get(number).copied().unwrap_or(0);
        let taken: i128 = self
            .nodes
            .iter()
            .map(|node| {
                let purse = node.purse.get(&number).copied().unwrap_or_default();
                if node.number == place { purse.used } else { purse.granted }
            })
            .sum();
        limit - taken - self.returning(place, number)
    }
}

fn draw(number: usize, now: Timestamp) -> Draw {
    Draw { budget: budget(number, 0).id, window: Window::MONTH.at(now) }
}

pub(crate) fn event(
    attempt: Attempt,
    outcome: Outcome,
    (cost, streamed, suspense): (i64, i64, i64),
    overruns: Vec<Amount>,
) -> UsageEvent {
    let settlement = Settlement {
        outcome,
        status: 200,
        error: None,
        usage: TokenUsage::default(),
        usage_source: UsageSource::Provider,
        cost: Pico::new(cost),
        streamed: Pico::new(streamed),
        suspense: Pico::new(suspense),
        overruns,
        flags: Flags::default(),
        finish_reason: None,
        first_byte_at: None,
        ended_at: attempt.admitted_at,
    };
    UsageEvent { attempt, settlement }
}
