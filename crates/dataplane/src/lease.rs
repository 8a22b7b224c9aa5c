//! Budget money in hand: reservations from the node's leases, and asking for more when they do not suffice.
//!
//! Invariant: no network while warm; all budgets in scope or none; a wait is bounded, and ends in a refusal.

use std::sync::Arc;
use std::time::Duration;

use domain::{Amount, BudgetId, OrgId, Pico, Timestamp};
use metering::budget::{LeaseBook, Reservation};
use metering::ports::{BudgetState, LeaseAnswer, LeaseError, LeaseRequest, LeaseSource};
use metering::usage::{Draw, Holder};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// So many requests are asked for in one call.
const MOST_AT_ONCE: usize = 256;

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
pub(crate) enum NotReserved {
    /// A budget cannot cover it.
    Exhausted(Shortage),
    /// The source of leases did not answer in time.
    Unreachable(String),
}

/// Which budget falls short, and by what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shortage {
    pub(crate) draw: Draw,
    pub(crate) state: BudgetState,
    /// The most that could be reserved on it now: free in hand and available at the source.
    pub(crate) affordable: Amount,
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
    pub(crate) async fn reserve(
        &self,
        mut draws: Vec<(OrgId, Draw)>,
        amount: Pico,
    ) -> Result<Reservation, NotReserved> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let lacking = match self.book.lock().reserve(&draws, amount) {
                Ok(reservation) => return Ok(reservation),
                Err(lacking) => lacking,
            };
            let asked: Vec<Draw> = lacking.iter().map(|request| request.draw).collect();
            let answers = tokio::time::timeout_at(deadline, self.ask(lacking)).await;
            let answers = answers
                .map_err(|_| NotReserved::Unreachable("no answer about the budget in time".to_owned()))?
                .map_err(NotReserved::Unreachable)?;
            if let Some(short) = self.shortage(asked, answers, &mut draws) {
                // Others may have settled meanwhile, and freed what was lacking.
                return self.book.lock().reserve(&draws, amount).map_err(|_| NotReserved::Exhausted(short));
            }
        }
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
                LeaseAnswer::Exhausted(state) => {
                    let affordable = book.pool(draw).free + state.available().max(Amount::ZERO);
                    if shortage.is_none_or(|short| affordable < short.affordable) {
                        shortage = Some(Shortage { draw, state, affordable });
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
    pub(crate) fn settle(&self, reservation: Reservation, cost: Pico) -> Vec<Amount> {
        self.book.lock().settle(reservation, cost)
    }

    /// Gives a reservation back whole: nothing was sent.
    pub(crate) fn void(&self, reservation: Reservation) {
        self.book.lock().void(reservation);
    }

    /// Offers the free money of `budgets` back, because their limit changed.
    pub(crate) fn recall(self: &Arc<Self>, budgets: &[BudgetId]) {
        let free: Vec<_> = {
            let mut book = self.book.lock();
            budgets.iter().flat_map(|budget| book.recall(*budget)).collect()
        };
        // Not awaited: policy must not wait for the source of leases.
        let leases = Arc::clone(self);
        self.tasks.spawn(async move { leases.give_back(free).await });
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
