//! Budgets: whose, how much, over which window.
//!
//! Invariant: a window's id is computed from the clock alone, so there is no reset job that could be missed.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime};

use crate::id::{BudgetId, KeyId, MemberId, OrgId, TeamId};
use crate::money::Amount;
use crate::time::Timestamp;

/// Whose requests draw on a budget. A request draws on every budget whose scope it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetScope {
    /// Every request of the organization.
    Org,
    /// Requests with a key of this team.
    Team(TeamId),
    /// Requests with a key of this member.
    Member(MemberId),
    /// Requests with this key.
    Key(KeyId),
}

impl BudgetScope {
    /// `org`, `team`, `member` or `key`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Org => "org",
            Self::Team(_) => "team",
            Self::Member(_) => "member",
            Self::Key(_) => "key",
        }
    }
}

/// A hard limit on spend in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its identity; leases and usage events name it.
    pub id: BudgetId,
    /// The organization it belongs to.
    pub org: OrgId,
    /// What a refusal calls it.
    pub name: String,
    /// Whose requests draw on it.
    pub scope: BudgetScope,
    /// How much may be spent in one window.
    pub limit: Amount,
    /// When it starts afresh.
    pub window: Window,
}

/// The span over which a limit counts, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The calendar month.
    Month,
}

/// One concrete window, e.g. November 2026, as its first day's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowId {
    year: i32,
    month: u32,
}

impl Window {
    /// `month`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
        }
    }

    /// The window that holds `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> WindowId {
        let date = DateTime::from_timestamp_micros(now.as_micros()).unwrap_or_default().date_naive();
        match self {
            Self::Month => WindowId { year: date.year(), month: date.month() },
        }
    }
}

impl WindowId {
    /// The first moment of the window.
    #[must_use]
    pub fn start(self) -> Timestamp {
        moment(self.first_day())
    }

    /// The first moment after the window: when the budget resets.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let next = self.first_day().checked_add_months(Months::new(1));
        next.map_or(Timestamp::from_micros(i64::MAX), moment)
    }

    fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default()
    }
}

fn moment(day: NaiveDate) -> Timestamp {
    Timestamp::from_micros(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// `2026-11`.
impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Text that names no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar month of the form 2026-11")]
pub struct InvalidWindow;

impl FromStr for WindowId {
    type Err = InvalidWindow;
    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        let (year, month) = text.split_once('-').ok_or(InvalidWindow)?;
        let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(InvalidWindow);
        }
        let year = year.parse().map_err(|_| InvalidWindow)?;
        let month = month.parse().map_err(|_| InvalidWindow)?;
        NaiveDate::from_ymd_opt(year, month, 1).map(|_| Self { year, month }).ok_or(InvalidWindow)
    }
}

#[cfg(test)]
mod tests;
