//! Budget money in hand: reservations from the node's leases, and asking for more when they do not suffice.
//!
//! Invariant: no network while warm; all budgets in scope or none; a wait is bounded, and ends in a refusal.

use std::sync::Arc;
use std::time::Duration;

use domain::{Amount, BudgetId, OrgId, Pico, Timestamp};
use metering::budget::{LeaseBook, Reservation};
use metering::ports::{BudgetState, LeaseAnswer, LeaseRequest, LeaseSource};
use metering::usage::{Draw, Holder};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// The leases of this process.
pub struct Leases {
    book: Arc<Mutex<LeaseBook>>,
    tasks: TaskTracker,
    source: Arc<dyn LeaseSource>,
    holder: Holder,
    timeout: Duration,
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
        Self { book: Arc::default(), tasks, source, holder, timeout }
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

    /// Asks for money in a task of its own: a grant that comes after the asker gave up is booked all the same.
    async fn ask(&self, lacking: Vec<LeaseRequest>) -> Result<Vec<LeaseAnswer>, String> {
        let (source, book, holder) = (Arc::clone(&self.source), Arc::clone(&self.book), self.holder);
        let asking = self.tasks.spawn(async move {
            let answers = source.grant(holder, lacking.clone()).await.map_err(|error| error.to_string())?;
            let mut book = book.lock();
            for (request, answer) in lacking.iter().zip(&answers) {
                if let LeaseAnswer::Granted(amount) = answer {
                    book.granted(request.org, request.draw, *amount);
                }
            }
            Ok(answers)
        });
        asking.await.map_err(|error| error.to_string())?
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
        if let Err(error) = self.source.give_back(self.holder, free).await {
            // It may have been taken back all the same: spending it here could spend it twice.
            tracing::warn!(%error, "budget money could not be given back; it is held until the next start");
        }
    }
}
