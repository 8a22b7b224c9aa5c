//! Money under faults: real nodes and a real control plane, driven by a seed, judged by the provider's own meter.
//!
//! A run is one seed. Several nodes (the real data directory, journal, leases, shipper and membership) and one control
//! plane (the real store on SQLite) live in one thread; every message between them, every kill, every loss of power and
//! every tick of a clock is the scheduler's to decide. At every step no hard budget may have been billed more than it
//! allows; at the end, when everything came back, the ledger has every billed attempt exactly once, nothing is left in
//! escrow, and in fair weather the budgets could be used and nobody was refused wrongly.
//!
//! Invariants: a seed decides everything, so that a failing one is a bug report; the judge ([`meter`]) shares no
//! arithmetic with what it judges; no real part knows that it is simulated.
//!
//! | file | its job |
//! |---|---|
//! | `world.rs` | one run: the step, the checks after it, waiting until nothing moves |
//! | `traffic.rs` | requests and calls, as the pipeline makes them |
//! | `network.rs` | what becomes of a message |
//! | `faults.rs` | kills, power, disks, clocks, limits, operators |
//! | `finale.rs` | everything comes back, and the books are opened |
//! | `life.rs`, `node.rs`, `disk.rs`, `control.rs`, `link.rs` | the real parts, and what is between them |
//! | `meter.rs` | the judge |
//! | `cuts.rs` | a journal that is cut everywhere |
//! | `guard.rs` | guards that a run can do without, to see that a seed notices |

mod control;
mod cuts;
mod dice;
mod disk;
mod faults;
mod finale;
mod guard;
mod life;
mod link;
mod meter;
mod network;
mod node;
mod plan;
mod trace;
mod traffic;
mod verdict;
mod world;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use cuts::Cuts;
pub use guard::Guard;
pub use plan::{Plan, Weather};
pub use verdict::{Figures, Tally, Verdict};

use world::World;

/// Where runs are made: a thread's own runtime, and the database that each run begins with a copy of.
pub struct Stage {
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
}

impl Stage {
    /// Sets up a stage, in memory where the machine has a file system for it.
    ///
    /// # Errors
    /// When there is no room, or the database cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("weir-simulation-").tempdir_in(place)?;
        runtime.block_on(control::found(folder.path()))?;
        Ok(Self { runtime, folder })
    }

    /// Runs one seed to its end.
    ///
    /// # Errors
    /// When the machine fails (no disk, no memory); what the simulated parts do wrong is in the verdict.
    pub fn run(&self, plan: Plan) -> anyhow::Result<Verdict> {
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(self.folder.path())?;
        self.runtime.block_on(Box::pin(run(self.folder.path(), folder.path(), plan)))
    }

    /// Writes a journal of so many records, and recovers it cut at the end of each and inside of each.
    ///
    /// # Errors
    /// Where what comes back is not what was written.
    pub fn cut_a_journal(&self, seed: u64, records: usize) -> anyhow::Result<Cuts> {
        let folder = tempfile::Builder::new().prefix("cuts-").tempdir_in(self.folder.path())?;
        cuts::everywhere(folder.path(), seed, records)
    }
}

async fn run(template: &Path, folder: &Path, plan: Plan) -> anyhow::Result<Verdict> {
    control::copy(template, folder)?;
    let mut world = World::new(folder, plan).await?;
    let outcome = Box::pin(world.run()).await;
    Ok(world.verdict(outcome))
}

#[cfg(test)]
mod tests;
