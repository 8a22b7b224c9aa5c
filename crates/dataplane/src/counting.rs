//! Tokens, where the provider did not tell them.
//!
//! | how the attempt ended | prompt | answer |
//! |---|---|---|
//! | refused, or never sent | nothing is owed | nothing is owed |
//! | answered, with usage | as the provider says | as the provider says |
//! | answered, usage missing or absurd | counted | counted |
//! | cut or broken in mid-answer | as the provider had said; else counted | what came, also what the app was not shown |
//! | cut, broken or silent before an answer | counted | nothing |
//! | this process died | what had been journalled | what had been journalled |
//!
//! Usage is `counted` where nothing is guessed: a vocabulary of the model's own, a prompt of nothing but text, an answer
//! that is kept whole, and a model that shows what it thinks. Otherwise it is `estimated`.
//! Invariant: what is counted is never on a thread that serves requests, and only so many texts are at once; what finds no
//! place within [`PATIENCE`], or when the process must end, is told from its size.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use metering::usage::UsageSource;
use metering::{Counted, Counter, thinks_unseen};
use providers::Text;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// So long a settlement waits for a place: it holds its request, its reservation and its text meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where texts are counted.
pub struct Counting {
    tasks: TaskTracker,
    places: Semaphore,
    /// Nobody waits any more.
    hurry: CancellationToken,
}

/// How many tokens prompt and answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) prompt: Counted,
    pub(crate) answer: Counted,
}

impl Counting {
    /// Counts on threads of `tasks`: a text for every two processors at once. After `hurry` sizes must do.
    #[must_use]
    pub fn new(tasks: TaskTracker, hurry: CancellationToken) -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self { tasks, places: Semaphore::new(processors.div_ceil(2)), hurry }
    }

    /// Counts a prompt and its answer for `model`.
    pub(crate) async fn tally(&self, model: &str, prompt: Text, answer: Text) -> Tally {
        let by_size =
            Tally { prompt: Counter::by_size(prompt.bytes()), answer: Counter::by_size(answer.bytes()) };
        let model = model.to_owned();
        let count = move || Tally { prompt: counted(&model, &prompt), answer: of_answer(&model, &answer) };
        self.off_thread(count).await.unwrap_or(by_size)
    }

    /// Counts what an answer has said so far.
    pub(crate) async fn answer(&self, model: &str, answer: Text) -> Counted {
        let by_size = Counter::by_size(answer.bytes());
        let model = model.to_owned();
        self.off_thread(move || of_answer(&model, &answer)).await.unwrap_or(by_size)
    }

    async fn off_thread<T: Send + 'static>(&self, count: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let counted = async {
            let place = tokio::time::timeout(PATIENCE, self.places.acquire()).await;
            let _place = place.ok()?.ok()?;
            self.tasks.spawn_blocking(count).await.ok()
        };
        self.hurry.run_until_cancelled(counted).await?
    }
}

fn of_answer(model: &str, answer: &Text) -> Counted {
    let counted = counted(model, answer);
    if thinks_unseen(model) { Counted { source: UsageSource::Estimated, ..counted } } else { counted }
}

fn counted(model: &str, text: &Text) -> Counted {
    let Counted { tokens, source } = Counter.count_pieces(model, &text.pieces(), text.bytes());
    let source = if text.lacks() { UsageSource::Estimated } else { source };
    Counted { tokens: tokens.saturating_add(text.tokens()), source }
}

#[cfg(test)]
mod tests;
