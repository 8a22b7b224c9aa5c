//! `make sim`: runs seeds, and prints what they came to.
//!
//! Invariant: one figure a line, as JSON; a seed that fails is printed with all that happened in it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use simulation::{Figures, Guard, Plan, Stage, Verdict};

const RUNS: u64 = 10_000;
/// Of the journal that is cut at each of them.
const RECORDS: usize = 400;

/// What is asked for, by the environment.
struct Wish {
    first: u64,
    runs: u64,
    without: Option<Guard>,
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let wish = wish()?;
    let begun = Instant::now();
    let next = AtomicU64::new(wish.first);
    let workers = std::thread::available_parallelism()?.get();
    let outcomes: Vec<anyhow::Result<Figures>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&wish, &next))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|outcome| outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("a run panicked")))).collect()
    });
    let mut figures = Figures::default();
    for outcome in outcomes {
        figures.add(outcome?);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{figures}")?;
    let took = begun.elapsed();
    writeln!(std::io::stderr(), "{} seeds in {} s on {workers} cores", wish.runs, took.as_secs())?;
    if wish.without.is_none() {
        writeln!(out, "{}", Stage::new()?.cut_a_journal(wish.first, RECORDS)?)?;
    }
    figures.verdict()
}

#[expect(clippy::disallowed_methods, reason = "N, SEED and WITHOUT are the command line of make")]
fn wish() -> anyhow::Result<Wish> {
    let number = |name: &str| {
        let text = std::env::var(name).ok().filter(|text| !text.is_empty());
        text.map(|text| text.parse::<u64>().with_context(|| format!("{name} is no number"))).transpose()
    };
    let without = std::env::var("WITHOUT").ok().filter(|text| !text.is_empty());
    let without = without.map(|name| Guard::from_name(&name).with_context(|| format!("{name} is no guard")));
    let seed = number("SEED")?;
    Ok(Wish {
        first: seed.unwrap_or(0),
        runs: number("N")?.unwrap_or(if seed.is_some() { 1 } else { RUNS }),
        without: without.transpose()?,
    })
}

fn work(wish: &Wish, next: &AtomicU64) -> anyhow::Result<Figures> {
    let (stage, mut figures) = (Stage::new()?, Figures::default());
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= wish.first + wish.runs {
            return Ok(figures);
        }
        let plan = wish.without.map_or(Plan::of(seed), |guard| Plan::without(guard, seed));
        let verdict: Verdict = stage.run(plan)?;
        if let Some(problem) = &verdict.problem {
            writeln!(std::io::stderr(), "seed {seed}: {problem}")?;
        }
        figures.count(verdict);
    }
}
