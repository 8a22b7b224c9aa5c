//! Slices of rates inside one process.
//!
//! Invariant: only minutes next to the newest one asked about are remembered.

use std::collections::HashMap;

use async_trait::async_trait;
use metering::rate::{RateError, RateSource, RateSubject};
use parking_lot::Mutex;

/// Counts what it granted; for `weir run`, whose one node shares its rates with nobody.
#[derive(Debug, Default)]
pub struct LocalRates {
    granted: Mutex<Granted>,
}

#[derive(Debug, Default)]
struct Granted {
    newest: i64,
    units: HashMap<(RateSubject, i64), u32>,
}

#[async_trait]
impl RateSource for LocalRates {
    async fn slice(
        &self,
        subject: RateSubject,
        minute: i64,
        limit: u32,
        want: u32,
    ) -> Result<u32, RateError> {
        let mut granted = self.granted.lock();
        if minute > granted.newest || minute.saturating_add(1) < granted.newest {
            granted.newest = minute;
            granted.units.retain(|(_, counted), _| counted.abs_diff(minute) <= 1);
        }
        let used = granted.units.entry((subject, minute)).or_default();
        let slice = want.min(limit.saturating_sub(*used));
        *used = used.saturating_add(slice);
        Ok(slice)
    }
}

#[cfg(test)]
mod tests;
