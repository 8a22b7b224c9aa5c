//! The lease book: budget money a node holds, reserved before an attempt and settled after it.
//!
//! A state machine without IO, clock or lock. Invariants: a reservation takes from every budget in scope or from none;
//! for each pool, `granted = free + reserved + settled + given back` at every moment, so that no more is spent than was
//! granted; what a provider bills beyond that is counted apart, as overrun.

use std::collections::{HashMap, HashSet};

use domain::{Amount, BudgetId, OrgId, Pico, Timestamp};

use crate::ports::LeaseRequest;
use crate::usage::Draw;

/// The money this process holds, per budget and window.
#[derive(Debug, Default)]
pub struct LeaseBook {
    pools: HashMap<Draw, Slot>,
    /// Budgets that other holders lack money of: nothing free of them is kept here.
    tight: HashSet<Draw>,
}

#[derive(Debug)]
struct Slot {
    org: OrgId,
    pool: Pool,
    drawn_on: bool,
    /// The most that was ever reserved of it at once, by one attempt.
    largest: Amount,
}

/// What is held of one budget in one window, in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pool {
    /// Can be reserved.
    pub free: Amount,
    /// Reserved for attempts that have not ended.
    pub reserved: Amount,
    /// Everything that was ever granted.
    pub granted: Amount,
    /// Spent of what was granted.
    pub settled: Amount,
    /// Taken out to be given back.
    pub given_back: Amount,
    /// Billed by providers beyond what was granted.
    pub overrun: Amount,
}

/// Sums over all pools, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many pools there are.
    pub pools: usize,
    /// Can be reserved.
    pub free: Amount,
    /// Reserved for attempts that have not ended.
    pub reserved: Amount,
}

/// Money that one attempt may spend of every budget in scope. It must end in [`LeaseBook::settle`] or
/// [`LeaseBook::void`]; one that is lost stays reserved until the process ends.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation that is neither settled nor voided keeps its money"]
pub struct Reservation {
    draws: Box<[(OrgId, Draw)]>,
    amount: Pico,
}

impl Reservation {
    /// How much of each budget is reserved.
    #[must_use]
    pub const fn amount(&self) -> Pico {
        self.amount
    }

    /// The budgets it draws on, in the order they were asked for: the order of [`Attempt::draws`].
    ///
    /// [`Attempt::draws`]: crate::usage::Attempt::draws
    pub fn draws(&self) -> impl Iterator<Item = Draw> {
        self.draws.iter().map(|(_, draw)| *draw)
    }
}

impl LeaseBook {
    /// A book without money, as every process begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reserves `amount` of every budget in `draws`, or of none.
    ///
    /// # Errors
    /// What each budget lacks, to be asked of the [`LeaseSource`](crate::ports::LeaseSource); after
    /// [`granted`](Self::granted), try again, in a loop: another reservation may have been faster.
    pub fn reserve(
        &mut self,
        draws: &[(OrgId, Draw)],
        amount: Pico,
    ) -> Result<Reservation, Vec<LeaseRequest>> {
        let amount = amount.max(Pico::ZERO);
        self.take(draws, amount.into())?;
        Ok(Reservation { draws: draws.into(), amount })
    }

    /// Reserves `more` for a further, dearer attempt, of every budget or of none.
    ///
    /// # Errors
    /// What each budget lacks, as in [`reserve`](Self::reserve); the reservation is as it was.
    pub fn extend(&mut self, reservation: &mut Reservation, more: Pico) -> Result<(), Vec<LeaseRequest>> {
        let more = more.max(Pico::ZERO);
        // Never beyond what an event can cost: the caller's bound is a `Pico`.
        let amount = reservation.amount.plus(more).unwrap_or(Pico::new(i64::MAX));
        let added = Amount::from(amount) - Amount::from(reservation.amount);
        self.take(&reservation.draws, added)?;
        reservation.amount = amount;
        Ok(())
    }

    /// Spends `cost` (for an attempt of unknown end: with what stays in suspense) and frees the rest. The truth is always
    /// committed: what exceeds the reservation is taken from what is free.
    ///
    /// Returns, per draw in their order, the overrun: what not even that covered.
    pub fn settle(&mut self, reservation: Reservation, cost: Pico) -> Vec<Amount> {
        let cost = Amount::from(cost.max(Pico::ZERO));
        let overruns = reservation.draws.iter().map(|(org, draw)| {
            let pool = &mut self.slot(*org, *draw).pool;
            pool.release(reservation.amount.into());
            let covered = cost.min(pool.free);
            pool.free -= covered;
            pool.settled += covered;
            pool.overrun += cost - covered;
            cost - covered
        });
        overruns.collect()
    }

    /// Frees all of it: the attempt was never dispatched.
    pub fn void(&mut self, reservation: Reservation) {
        for (org, draw) in &reservation.draws {
            self.slot(*org, *draw).pool.release(reservation.amount.into());
        }
    }

    /// Adds money that a lease source granted to this process.
    pub fn granted(&mut self, org: OrgId, draw: Draw, amount: Amount) {
        let pool = &mut self.slot(org, draw).pool;
        pool.granted += amount;
        pool.free += amount;
    }

    /// What is held of one budget in one window.
    #[must_use]
    pub fn pool(&self, draw: Draw) -> Pool {
        self.pools.get(&draw).map(|slot| slot.pool).unwrap_or_default()
    }

    /// Takes out all free money of `budget`, to be given back because its limit was lowered or it was removed.
    pub fn recall(&mut self, budget: BudgetId) -> Vec<(OrgId, Draw, Amount)> {
        self.take_out(|draw, _| draw.budget == budget)
    }

    /// Other holders lack money of exactly these: from now on what is free of them is [`surplus`](Self::surplus).
    pub fn tighten(&mut self, draws: impl IntoIterator<Item = Draw>) {
        self.tight = draws.into_iter().collect();
    }

    /// Whether there may be a [`surplus`](Self::surplus).
    #[must_use]
    pub fn is_tight(&self) -> bool {
        !self.tight.is_empty()
    }

    /// Takes out the free money of budgets that others lack money of.
    pub fn surplus(&mut self) -> Vec<(OrgId, Draw, Amount)> {
        let tight = std::mem::take(&mut self.tight);
        let unspent = self.take_out(|draw, _| tight.contains(draw));
        self.tight = tight;
        unspent
    }

    /// Takes out the free money of pools that nothing is reserved of and that no reservation was asked of since the last
    /// call. Call it at a steady pace.
    pub fn idle(&mut self) -> Vec<(OrgId, Draw, Amount)> {
        let unspent = self.take_out(|_, slot| !slot.drawn_on && slot.pool.reserved == Amount::ZERO);
        for slot in self.pools.values_mut() {
            slot.drawn_on = false;
        }
        unspent
    }

    /// What was reserved of since the last [`idle`](Self::idle), and the largest reservation each had room for.
    #[must_use]
    pub fn in_use(&self) -> Vec<LeaseRequest> {
        let in_use = self.pools.iter().filter(|(_, slot)| slot.drawn_on && slot.largest > Amount::ZERO);
        let request = |(draw, slot): (&Draw, &Slot)| LeaseRequest {
            org: slot.org,
            draw: *draw,
            at_least: slot.largest,
        };
        in_use.map(request).collect()
    }

    /// Takes out the free money of windows that have ended at `now` in every time zone, and forgets those nothing is
    /// reserved of. What ended in its own zone only is [`idle`](Self::idle) sooner.
    pub fn expire_windows(&mut self, now: Timestamp) -> Vec<(OrgId, Draw, Amount)> {
        let is_over = |draw: &Draw| draw.window.over_everywhere().is_some_and(|end| end <= now);
        let unspent = self.take_out(|draw, _| is_over(draw));
        self.pools.retain(|draw, slot| !is_over(draw) || slot.pool.reserved != Amount::ZERO);
        unspent
    }

    /// Puts back what [`recall`](Self::recall), [`surplus`](Self::surplus), [`idle`](Self::idle) or
    /// [`expire_windows`](Self::expire_windows) took out, when it could not be given back.
    pub fn keep(&mut self, unspent: &[(OrgId, Draw, Amount)]) {
        for (org, draw, amount) in unspent {
            let pool = &mut self.slot(*org, *draw).pool;
            pool.free += *amount;
            // A pool that was forgotten meanwhile begins again with what it is given.
            if pool.given_back >= *amount {
                pool.given_back -= *amount;
            } else {
                pool.granted += *amount;
            }
        }
    }

    /// Sums over all pools.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.pools.values().fold(Totals::default(), |sum, Slot { pool, .. }| Totals {
            pools: sum.pools + 1,
            free: sum.free + pool.free,
            reserved: sum.reserved + pool.reserved,
        })
    }

    fn take(&mut self, draws: &[(OrgId, Draw)], amount: Amount) -> Result<(), Vec<LeaseRequest>> {
        let mut lacking = Vec::new();
        let mut taken = Vec::with_capacity(draws.len());
        for (org, draw) in draws {
            let slot = self.slot(*org, *draw);
            slot.drawn_on = true;
            if slot.pool.free >= amount {
                slot.pool.reserve(amount);
                taken.push((*org, *draw));
            } else {
                lacking.push(LeaseRequest { org: *org, draw: *draw, at_least: amount - slot.pool.free });
            }
        }
        if lacking.is_empty() {
            for (org, draw) in taken {
                let slot = self.slot(org, draw);
                slot.largest = slot.largest.max(amount);
            }
            return Ok(());
        }
        for (org, draw) in taken {
            self.slot(org, draw).pool.release(amount);
        }
        Err(lacking)
    }

    fn slot(&mut self, org: OrgId, draw: Draw) -> &mut Slot {
        self.pools.entry(draw).or_insert(Slot {
            org,
            pool: Pool::default(),
            drawn_on: true,
            largest: Amount::ZERO,
        })
    }

    fn take_out(&mut self, which: impl Fn(&Draw, &Slot) -> bool) -> Vec<(OrgId, Draw, Amount)> {
        let mut unspent = Vec::new();
        for (draw, slot) in &mut self.pools {
            if slot.pool.free > Amount::ZERO && which(draw, slot) {
                unspent.push((slot.org, *draw, slot.pool.free));
                slot.pool.given_back += slot.pool.free;
                slot.pool.free = Amount::ZERO;
            }
        }
        unspent
    }
}

impl Pool {
    fn reserve(&mut self, amount: Amount) {
        self.free -= amount;
        self.reserved += amount;
    }

    fn release(&mut self, amount: Amount) {
        self.reserved -= amount;
        self.free += amount;
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
