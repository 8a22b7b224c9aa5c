//! What came of a run.
//!
//! Invariant: equal for equal seeds.

use std::fmt;

/// What a run counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Steps the scheduler took.
    pub steps: u64,
    /// Requests that asked for money.
    pub requests: u64,
    /// Attempts the provider got.
    pub sent: u64,
    /// Requests refused because a budget could not cover them.
    pub refused: u64,
    /// Those of them that it could have covered all the time they waited.
    pub falsely_refused: u64,
    /// Lives that ended without warning.
    pub kills: u64,
    /// Messages lost, doubled, or left without an answer.
    pub mishaps: u64,
}

/// What came of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which.
    pub seed: u64,
    /// Stands for everything that happened.
    pub digest: u64,
    /// What is wrong; `None`: nothing.
    pub problem: Option<String>,
    /// The most that was billed beyond what a budget allowed. Pico-USD.
    pub overspend_max_pico: i128,
    /// In fair weather, how much of the budget was billed when every request was refused, in hundredths of a percent.
    pub usable_permyriad: Option<i128>,
    /// What was counted.
    pub tally: Tally,
    /// What happened, line by line.
    pub trace: Vec<String>,
}

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Figures {
    runs: u64,
    fair: u64,
    sent: u64,
    kills: u64,
    overspend_max: i128,
    usable_min: Option<i128>,
    falsely_refused: u64,
    failed: Option<Verdict>,
}

impl Figures {
    /// Counts one run.
    pub fn count(&mut self, verdict: Verdict) {
        self.runs += 1;
        self.sent += verdict.tally.sent;
        self.kills += verdict.tally.kills;
        self.overspend_max = self.overspend_max.max(verdict.overspend_max_pico);
        self.falsely_refused += verdict.tally.falsely_refused;
        if let Some(usable) = verdict.usable_permyriad {
            self.fair += 1;
            self.usable_min = Some(self.usable_min.map_or(usable, |least| least.min(usable)));
        }
        self.keep(verdict);
    }

    /// Adds what another thread counted.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.fair += other.fair;
        self.sent += other.sent;
        self.kills += other.kills;
        self.overspend_max = self.overspend_max.max(other.overspend_max);
        self.usable_min = [self.usable_min, other.usable_min].into_iter().flatten().min();
        self.falsely_refused += other.falsely_refused;
        if let Some(failed) = other.failed {
            self.keep(failed);
        }
    }

    /// The failed run of the lowest seed is kept.
    fn keep(&mut self, verdict: Verdict) {
        let is_lower = self.failed.as_ref().is_none_or(|failed| verdict.seed < failed.seed);
        if verdict.problem.is_some() && is_lower {
            self.failed = Some(verdict);
        }
    }

    /// Whether everything is as promised.
    ///
    /// # Errors
    /// The first seed that is not, or the figure that is missed.
    pub fn verdict(&self) -> anyhow::Result<()> {
        if let Some(failed) = &self.failed {
            let problem = failed.problem.as_deref().unwrap_or_default();
            anyhow::bail!("seed {} failed: {problem}", failed.seed);
        }
        anyhow::ensure!(self.overspend_max == 0, "a budget was overspent");
        anyhow::ensure!(self.falsely_refused == 0, "{} requests were refused wrongly", self.falsely_refused);
        let usable = self.usable_min.unwrap_or(GOAL);
        anyhow::ensure!(usable >= GOAL, "a budget could not be used to {} %", GOAL / 100);
        Ok(())
    }
}

/// In hundredths of a percent.
const GOAL: i128 = 9_900;

/// One JSON object a line; before them, what happened in a seed that failed.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failed) = &self.failed {
            for line in &failed.trace {
                writeln!(f, "seed {}: {line}", failed.seed)?;
            }
            writeln!(
                f,
                r#"{{"figure":"failing_seed","value":{},"unit":"seed","goal":"none","n":1}}"#,
                failed.seed
            )?;
        }
        let runs = self.runs;
        let overspend = self.overspend_max;
        writeln!(
            f,
            r#"{{"figure":"overspend_max_pico","value":{overspend},"unit":"pico-USD","goal":"0","n":{runs}}}"#
        )?;
        if let Some(usable) = self.usable_min {
            let (whole, rest, fair) = (usable / 100, usable % 100, self.fair);
            writeln!(
                f,
                r#"{{"figure":"budget_usable_percent","value":{whole}.{rest:02},"unit":"%","goal":">= 99","n":{fair}}}"#
            )?;
        }
        let (refused, fair) = (self.falsely_refused, self.fair);
        write!(
            f,
            r#"{{"figure":"false_refusals","value":{refused},"unit":"requests","goal":"0","n":{fair}}}"#
        )
    }
}
