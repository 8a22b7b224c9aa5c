//! Budget money in hand: reservations from the node's leases, and asking for more when they do not suffice.
//!
//! Invariant: no network while warm; all budgets in scope or none; a wait is bounded, and ends in a refusal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Amount, BudgetId, OrgId, Pico, Timestamp};
use metering::budget::{LeaseBook, Pool, Reservation};
use metering::ports::{BudgetState, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource};
use metering::usage::{Draw, Holder};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// So many requests are asked for in one call.
const MOST_AT_ONCE: usize = 256;
/// How often a request that waits for called back money asks again.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// After a request waited in vain, others of the same budget are refused at once for so long.
const IN_VAIN: Duration = Duration::from_secs(5);
/// What is freed of a budget that others lack money of goes back together, after so long.
const GATHER: Duration = Duration::from_millis(20);

/// The leases of this process.
pub struct Leases {
    book: Arc<Mutex<LeaseBook>>,
    desk: Arc<Mutex<Desk>>,
    tasks: TaskTracker,
    source: Arc<dyn LeaseSource>,
    holder: Holder,
    timeout: Duration,
}

/// Who waits for money, and whether a call for some is on its way.
#[derive(Default)]
struct Desk {
    waiting: Vec<Waiting>,
    is_asking: bool,
    /// Budgets somebody waited for in vain, and until when nobody does so again.
    in_vain: HashMap<Draw, Instant>,
    /// Whether freed money is about to go back.
    is_returning: bool,
}

type Waiting = (Vec<LeaseRequest>, oneshot::Sender<Result<Vec<LeaseAnswer>, String>>);

struct Asking {
    source: Arc<dyn LeaseSource>,
    book: Arc<Mutex<LeaseBook>>,
    desk: Arc<Mutex<Desk>>,
    holder: Holder,
}

impl Asking {
    /// Asks until nobody waits.
    async fn run(self) {
        while let Some(waiting) = self.next() {
            let all: Vec<_> = waiting.iter().flat_map(|(lacking, _)| lacking.iter().copied()).collect();
            match self.source.grant(self.holder, all.clone()).await {
                Ok(answers) => {
                    self.note(&all, &answers);
                    let mut answers = answers.into_iter();
                    for (lacking, asker) in waiting {
                        // Whoever gave up meanwhile left the money to the others.
                        let _ = asker.send(Ok(answers.by_ref().take(lacking.len()).collect()));
                    }
                }
                Err(error) => {
                    for (_, asker) in waiting {
                        let _ = asker.send(Err(error.to_string()));
                    }
                }
            }
        }
    }

    fn next(&self) -> Option<Vec<Waiting>> {
        let mut desk = self.desk.lock();
        let count = desk.waiting.len().min(MOST_AT_ONCE);
        desk.is_asking = count > 0;
        (count > 0).then(|| desk.waiting.drain(..count).collect())
    }

    fn note(&self, asked: &[LeaseRequest], answers: &[LeaseAnswer]) {
        let mut book = self.book.lock();
        for (request, answer) in asked.iter().zip(answers) {
            if let LeaseAnswer::Granted(amount) = answer {
                book.granted(request.org, request.draw, *amount);
            }
        }
    }
}

/// Money could not be reserved.
#[derive(Debug)]
pub enum NotReserved {
    /// A budget cannot cover it.
    Exhausted(Shortage),
    /// The source of leases did not answer in time.
    Unreachable(String),
}

/// Which budget falls short, and by what.
#[derive(Debug, Clone, Copy)]
pub struct Shortage {
    /// The budget, in its window.
    pub draw: Draw,
    /// Where it stood when the source of leases refused.
    pub state: BudgetState,
    /// The most that could be reserved on it now: free in hand and available at the source.
    pub affordable: Amount,
    /// Whether other nodes have money of it that is called back.
    pub is_recalled: bool,
}

impl Leases {
    /// An empty book for `holder`.
    #[must_use]
    pub fn new(source: Arc<dyn LeaseSource>, holder: Holder, timeout: Duration, tasks: TaskTracker) -> Self {
        Self { book: Arc::default(), desk: Arc::default(), tasks, source, holder, timeout }
    }

    /// Who holds these leases.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// Takes `amount` from every one of `draws`, or from none. A budget that is gone meanwhile is drawn on no more.
    ///
    /// # Errors
    /// [`NotReserved`]; what was asked for may still be granted, and is booked for others then.
    pub async fn reserve(
        &self,
        mut draws: Vec<(OrgId, Draw)>,
        amount: Pico,
    ) -> Result<Reservation, NotReserved> {
        let deadline = Instant::now() + self.timeout;
        // What the source said last decides where its next answer does not come in time.
        let mut known = None;
        loop {
            let lacking = match self.book.lock().reserve(&draws, amount) {
                Ok(reservation) => return Ok(reservation),
                Err(lacking) => lacking,
            };
            let asked: Vec<Draw> = lacking.iter().map(|request| request.draw).collect();
            let answers = match tokio::time::timeout_at(deadline, self.ask(lacking)).await {
                Ok(answers) => answers.map_err(NotReserved::Unreachable)?,
                Err(_) => return Err(self.unanswered(known)),
            };
            let Some(short) = self.shortage(asked, answers, &mut draws) else { continue };
            // Others may have settled meanwhile, and freed what was lacking.
            if let Ok(reservation) = self.book.lock().reserve(&draws, amount) {
                return Ok(reservation);
            }
            // Others may have been granted more than they needed: then the rest of it and what is available do.
            if short.affordable >= amount.into() {
                continue;
            }
            if !short.is_recalled || !self.wait(short.draw, deadline).await {
                return Err(NotReserved::Exhausted(short));
            }
            known = Some(short);
        }
    }

    /// Takes `more` from every budget of `reservation`, or from none; whether it could. What other nodes hold is not waited
    /// for: a stream waits for this.
    pub(crate) async fn extend(&self, reservation: &mut Reservation, more: Pico) -> bool {
        let deadline = Instant::now() + self.timeout;
        loop {
            let Err(lacking) = self.book.lock().extend(reservation, more) else { return true };
            let answers = tokio::time::timeout_at(deadline, self.ask(lacking)).await;
            let is_granted = |answer: &LeaseAnswer| matches!(answer, LeaseAnswer::Granted(_));
            if !matches!(answers, Ok(Ok(answers)) if answers.iter().all(is_granted)) {
                return false;
            }
        }
    }

    /// No answer came in time: the refusal is what was said before, if anything was.
    fn unanswered(&self, known: Option<Shortage>) -> NotReserved {
        let Some(short) = known else {
            return NotReserved::Unreachable("no answer about the budget in time".to_owned());
        };
        self.waited_in_vain(short.draw);
        NotReserved::Exhausted(short)
    }

    /// Waits for money that is called back from other nodes; `false` when there is no time left for it.
    async fn wait(&self, draw: Draw, deadline: Instant) -> bool {
        let now = Instant::now();
        let was_in_vain = self.desk.lock().in_vain.get(&draw).is_some_and(|until| *until > now);
        if was_in_vain {
            return false;
        }
        if now + ASK_AGAIN > deadline {
            self.waited_in_vain(draw);
            return false;
        }
        tokio::time::sleep(ASK_AGAIN).await;
        true
    }

    fn waited_in_vain(&self, draw: Draw) {
        let (now, mut desk) = (Instant::now(), self.desk.lock());
        desk.in_vain.retain(|_, until| *until > now);
        desk.in_vain.insert(draw, now + IN_VAIN);
    }

    /// Asks for money together with everybody who lacks some at the same time: one call is on its way at any moment, in a
    /// task of its own, so that a grant that comes after the asker gave up is booked all the same.
    async fn ask(&self, lacking: Vec<LeaseRequest>) -> Result<Vec<LeaseAnswer>, String> {
        let (sender, answers) = oneshot::channel();
        let must_begin = {
            let mut desk = self.desk.lock();
            desk.waiting.push((lacking, sender));
            !std::mem::replace(&mut desk.is_asking, true)
        };
        if must_begin {
            let asking = Asking {
                source: Arc::clone(&self.source),
                book: Arc::clone(&self.book),
                desk: Arc::clone(&self.desk),
                holder: self.holder,
            };
            self.tasks.spawn(asking.run());
        }
        answers.await.map_err(|error| error.to_string())?
    }

    /// The tightest of the budgets that fall short; those that are gone leave `draws`.
    fn shortage(
        &self,
        asked: Vec<Draw>,
        answers: Vec<LeaseAnswer>,
        draws: &mut Vec<(OrgId, Draw)>,
    ) -> Option<Shortage> {
        let book = self.book.lock();
        let mut shortage: Option<Shortage> = None;
        for (draw, answer) in asked.into_iter().zip(answers) {
            match answer {
                LeaseAnswer::Granted(_) => {}
                LeaseAnswer::Gone => draws.retain(|(_, known)| *known != draw),
                LeaseAnswer::Exhausted(state) | LeaseAnswer::Recalled(state) => {
                    let is_recalled = matches!(answer, LeaseAnswer::Recalled(_));
                    let affordable = book.pool(draw).free + state.available().max(Amount::ZERO);
                    let short = Shortage { draw, state, affordable, is_recalled };
                    // One that nobody can help decides; then the tightest.
                    let decides = |other: Shortage| {
                        (short.is_recalled, short.affordable) < (other.is_recalled, other.affordable)
                    };
                    if shortage.is_none_or(decides) {
                        shortage = Some(short);
                    }
                }
            }
        }
        shortage
    }

    /// Of the budgets that `reservation` draws on, the one this process holds least of, and how much of that is free: what
    /// is left of the budget for certain, since nobody else may spend it.
    pub(crate) fn tightest(&self, reservation: &Reservation) -> Option<(BudgetId, Amount)> {
        let book = self.book.lock();
        let held = reservation.draws().map(|draw| (draw.budget, book.pool(draw).free));
        held.min_by_key(|(_, free)| *free)
    }

    /// Replaces a reservation by the truth; per draw the part that no lease covered.
    pub fn settle(self: &Arc<Self>, reservation: Reservation, cost: Pico) -> Vec<Amount> {
        let (overruns, is_tight) = {
            let mut book = self.book.lock();
            (book.settle(reservation, cost), book.is_tight())
        };
        if is_tight {
            self.return_surplus();
        }
        overruns
    }

    /// Gives a reservation back whole: nothing was sent.
    pub fn void(self: &Arc<Self>, reservation: Reservation) {
        let is_tight = {
            let mut book = self.book.lock();
            book.void(reservation);
            book.is_tight()
        };
        if is_tight {
            self.return_surplus();
        }
    }

    /// Other nodes lack money of exactly these budgets: what is free of them goes back, now and as it is freed.
    pub fn tighten(self: &Arc<Self>, recalled: impl IntoIterator<Item = Draw>) {
        let is_tight = {
            let mut book = self.book.lock();
            book.tighten(recalled);
            book.is_tight()
        };
        if is_tight {
            self.return_surplus();
        }
    }

    fn return_surplus(self: &Arc<Self>) {
        if std::mem::replace(&mut self.desk.lock().is_returning, true) {
            return;
        }
        let leases = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::time::sleep(GATHER).await;
            leases.desk.lock().is_returning = false;
            let surplus = leases.book.lock().surplus();
            leases.give_back(surplus).await;
        });
    }

    /// Offers the free money of `budgets` back, because their limit changed.
    pub fn recall(self: &Arc<Self>, budgets: &[BudgetId]) {
        let free: Vec<_> = {
            let mut book = self.book.lock();
            budgets.iter().flat_map(|budget| book.recall(*budget)).collect()
        };
        // Not awaited: policy must not wait for the source of leases.
        let leases = Arc::clone(self);
        self.tasks.spawn(async move { leases.give_back(free).await });
    }

    /// Asks for money of windows that are about to begin, so that their first requests need not wait for it. `next` says
    /// which window follows another, where that is soon.
    pub async fn foresee(&self, next: impl Fn(OrgId, Draw) -> Option<Draw>) {
        let in_use = self.book.lock().in_use();
        let following = |used: LeaseRequest| Some(LeaseRequest { draw: next(used.org, used.draw)?, ..used });
        let mut wanted: Vec<_> = in_use.into_iter().filter_map(following).collect();
        let known = |wanted: &LeaseRequest| self.book.lock().pool(wanted.draw) != Pool::default();
        wanted.retain(|wanted| !known(wanted));
        for some in wanted.chunks(MOST_AT_ONCE) {
            // Who is granted nothing now asks when the window has begun.
            let _ = self.ask(some.to_vec()).await;
        }
    }

    /// Offers the free money of windows that have ended back.
    pub async fn expire(&self, now: Timestamp) {
        let free = self.book.lock().expire_windows(now);
        self.give_back(free).await;
    }

    /// Offers the free money of budgets that were not drawn on since the last call back.
    pub async fn idle(&self) {
        let free = self.book.lock().idle();
        self.give_back(free).await;
    }

    /// Offers everything that is free back: the process ends.
    pub async fn release(&self) {
        self.idle().await;
        self.idle().await;
    }

    async fn give_back(&self, free: Vec<(OrgId, Draw, Amount)>) {
        if free.is_empty() {
            return;
        }
        match self.source.give_back(self.holder, free.clone()).await {
            Ok(()) => {}
            Err(error @ LeaseError::NotDone(_)) => {
                tracing::info!(%error, "budget money could not be given back; it is offered again later");
                self.book.lock().keep(&free);
            }
            // It may have been taken back all the same: spending it here could spend it twice.
            Err(error @ LeaseError::Unknown(_)) => {
                tracing::warn!(%error, "budget money could not be given back; it is held until the next start");
            }
        }
    }
}

#[cfg(test)]
mod tests;
