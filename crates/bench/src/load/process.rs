//! What a process has used, as the kernel says: CPU of all its threads, and memory.
//!
//! Invariant: a process that is gone is an error, not zero.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Linux counts CPU in these for every program, whatever the kernel's own tick.
const TICK: Duration = Duration::from_millis(10);
/// Where `utime` stands after the command's name; `stime` is the next.
const UTIME: usize = 11;

/// A process to look at.
pub(super) struct Process {
    pid: u32,
}

impl Process {
    pub(super) fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// User and system time since it started, threads that have ended included.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let text = self.read("stat")?;
        ticks(&text).map(|ticks| TICK * ticks).with_context(|| self.unreadable("stat"))
    }

    /// Resident memory in KiB.
    pub(super) fn memory_kib(&self) -> anyhow::Result<u64> {
        let text = self.read("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.with_context(|| self.unreadable("status"))
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid))
            .with_context(|| format!("process {} is not there", self.pid))
    }

    fn unreadable(&self, file: &str) -> String {
        format!("/proc/{}/{file} is not as it should be", self.pid)
    }
}

/// The name may hold anything, also parentheses and spaces.
fn ticks(stat: &str) -> Option<u32> {
    let (_, numbers) = stat.rsplit_once(") ")?;
    let mut numbers = numbers.split(' ').skip(UTIME).map(str::parse::<u32>);
    numbers.next()?.ok()?.checked_add(numbers.next()?.ok()?)
}

#[cfg(test)]
mod tests;
