//! The span over which a budget's limit counts: a day, week, month, quarter, year or lifetime in a time zone.
//!
//! Invariants: a window's id is computed from the clock alone, so there is no reset job that could be missed. The
//! windows of one budget follow each other without gap and without overlap: each begins where the one before ended, also
//! where a zone's clocks skip midnight or strike it twice.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days, Month, Months, NaiveDate, NaiveTime, SecondsFormat, TimeZone, Weekday,
};
use chrono_tz::{GapInfo, Tz};

use crate::time::Timestamp;

/// When a budget starts afresh, in the calendar of an IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    period: Period,
    zone: Tz,
    fiscal_start: Month,
}

/// How long one window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday, as ISO 8601 counts.
    Week,
    /// The calendar month.
    Month,
    /// Three months of the year, which begins with the fiscal start month.
    Quarter,
    /// Twelve months, beginning with the fiscal start month.
    Year,
    /// It never starts afresh.
    Lifetime,
}

/// One concrete window, e.g. November 2026. When it begins and ends depends on the zone, so the [`Window`] says it.
///
/// Its order is the order of time among windows of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowId(Label);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Label {
    Day { year: i32, month: u8, day: u8 },
    Week { year: i32, week: u8 },
    Month { year: i32, month: u8 },
    Quarter { year: i32, quarter: u8 },
    Year { year: i32 },
    FiscalQuarter { year: i32, quarter: u8 },
    FiscalYear { year: i32 },
    Lifetime,
}

/// What no window can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// The time zone is not in the IANA database.
    #[error(
        "there is no time zone {0:?} in the IANA database; a name such as Europe/Berlin or UTC is needed"
    )]
    UnknownZone(String),
    /// A year has twelve months.
    #[error("a fiscal year cannot begin with month {0}; 1 (January) to 12 (December) are needed")]
    NoMonth(u32),
}

/// Text that names no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a window of the form 2026-11-21, 2026-W47, 2026-11, 2026-Q4, 2026, FY2027-Q1, FY2027 or lifetime"
)]
pub struct InvalidWindowId;

impl Period {
    /// Each there is, the shortest first.
    pub const ALL: [Self; 6] =
        [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year, Self::Lifetime];

    /// `day`, `week`, `month`, `quarter`, `year` or `lifetime`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Lifetime => "lifetime",
        }
    }

    /// The period of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == name)
    }
}

impl Window {
    /// The calendar month in UTC: the ledger's own period.
    pub const MONTH: Self = Self::utc(Period::Month);

    /// A window of the calendar in UTC.
    #[must_use]
    pub const fn utc(period: Period) -> Self {
        Self { period, zone: Tz::UTC, fiscal_start: Month::January }
    }

    /// A window in the zone of this IANA name. `fiscal_start_month` is where years and quarters begin, 1 for January.
    ///
    /// # Errors
    /// [`InvalidWindow`] when there is no such zone or month.
    pub fn new(period: Period, zone: &str, fiscal_start_month: u32) -> Result<Self, InvalidWindow> {
        const SHOWN: usize = 64;
        let unknown = |_| InvalidWindow::UnknownZone(zone.chars().take(SHOWN).collect());
        let month = u8::try_from(fiscal_start_month).ok().and_then(|month| Month::try_from(month).ok());
        Ok(Self {
            period,
            zone: zone.parse().map_err(unknown)?,
            fiscal_start: month.ok_or(InvalidWindow::NoMonth(fiscal_start_month))?,
        })
    }

    /// How long one window is.
    #[must_use]
    pub const fn period(self) -> Period {
        self.period
    }

    /// The zone's IANA name, such as `Europe/Berlin`.
    #[must_use]
    pub fn zone_name(self) -> &'static str {
        self.zone.name()
    }

    /// The month that years and quarters begin with, 1 for January.
    #[must_use]
    pub fn fiscal_start_month(self) -> u32 {
        self.fiscal_start.number_from_month()
    }

    /// The window that holds `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> WindowId {
        let now = within_calendar(now);
        let mut label = self.label(self.local_time(now).date_naive());
        // Where clocks are put back across midnight, a day's last hour comes again after the next has begun.
        while let Some((_, next)) = label.days(self.fiscal_start)
            && self.first_moment(next) <= now
        {
            label = self.label(next);
        }
        WindowId(label)
    }

    /// The first moment of `id` in this zone: midnight, or where there is none or two the day's first moment. A lifetime
    /// begins with the Unix epoch.
    #[must_use]
    pub fn start(self, id: WindowId) -> Timestamp {
        id.0.days(self.fiscal_start).map_or(Timestamp::from_micros(0), |(first, _)| self.first_moment(first))
    }

    /// The first moment after `id` in this zone, when the budget resets; `None` for a lifetime, which never does.
    #[must_use]
    pub fn end(self, id: WindowId) -> Option<Timestamp> {
        id.0.days(self.fiscal_start).map(|(_, next)| self.first_moment(next))
    }

    /// A moment as the zone's clocks show it: RFC 3339 with the offset, `Z` where that is none.
    #[must_use]
    pub fn local(self, moment: Timestamp) -> String {
        self.local_time(within_calendar(moment)).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    fn local_time(self, moment: Timestamp) -> DateTime<Tz> {
        let utc = DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or_default();
        utc.with_timezone(&self.zone)
    }

    /// When the zone's calendar first shows `day`, or a later one where clocks skip the whole of it.
    fn first_moment(self, day: NaiveDate) -> Timestamp {
        let midnight = day.and_time(NaiveTime::MIN);
        let shown = self.zone.from_local_datetime(&midnight).earliest();
        let first = shown.or_else(|| GapInfo::new(&midnight, &self.zone)?.end);
        let micros = first.map_or(midnight.and_utc().timestamp_micros(), |first| first.timestamp_micros());
        Timestamp::from_micros(micros)
    }

    fn label(self, date: NaiveDate) -> Label {
        let month = |date: NaiveDate| u8::try_from(date.month()).unwrap_or(1);
        let year = date.year();
        // Counted from the fiscal start; a fiscal year is called by the calendar year it ends in.
        let months = (date.month0() + 12 - (self.fiscal_start_month() - 1)) % 12;
        let quarter = u8::try_from(months / 3 + 1).unwrap_or(1);
        let fiscal = self.fiscal_start != Month::January;
        let ends = if date.month() >= self.fiscal_start_month() { year + 1 } else { year };
        match self.period {
            Period::Day => {
                Label::Day { year, month: month(date), day: u8::try_from(date.day()).unwrap_or(1) }
            }
            Period::Week => {
                let week = date.iso_week();
                Label::Week { year: week.year(), week: u8::try_from(week.week()).unwrap_or(1) }
            }
            Period::Month => Label::Month { year, month: month(date) },
            Period::Quarter if fiscal => Label::FiscalQuarter { year: ends, quarter },
            Period::Quarter => Label::Quarter { year, quarter },
            Period::Year if fiscal => Label::FiscalYear { year: ends },
            Period::Year => Label::Year { year },
            Period::Lifetime => Label::Lifetime,
        }
    }
}

impl WindowId {
    /// The moment by which it has ended in every time zone and every fiscal calendar; later than its true end by a day,
    /// or for fiscal years by up to eleven months. `None` for a lifetime.
    #[must_use]
    pub fn over_everywhere(self) -> Option<Timestamp> {
        // No zone is more than a day behind UTC, and no fiscal year begins later than in December.
        let (_, next) = self.0.days(Month::December)?;
        let last = next.checked_add_days(Days::new(1))?;
        Some(Timestamp::from_micros(last.and_time(NaiveTime::MIN).and_utc().timestamp_micros()))
    }

    /// Whether it is a calendar month, as the ledger's periods are.
    #[must_use]
    pub const fn is_month(self) -> bool {
        matches!(self.0, Label::Month { .. })
    }
}

impl Label {
    /// The first day, and the first day after; `None` for a lifetime, and for what the calendar does not have.
    fn days(self, fiscal_start: Month) -> Option<(NaiveDate, NaiveDate)> {
        let months = |year: i32, month: u32, skipped: u8, length: u32| {
            let first = NaiveDate::from_ymd_opt(year, month, 1)?;
            let first = first.checked_add_months(Months::new(u32::from(skipped) * length))?;
            Some((first, first.checked_add_months(Months::new(length))?))
        };
        let before = |quarter: u8| quarter.checked_sub(1).filter(|before| *before < 4);
        let start = fiscal_start.number_from_month();
        let begins = |year: i32| if fiscal_start == Month::January { year } else { year - 1 };
        match self {
            Self::Day { year, month, day } => {
                let first = NaiveDate::from_ymd_opt(year, month.into(), day.into())?;
                Some((first, first.checked_add_days(Days::new(1))?))
            }
            Self::Week { year, week } => {
                let first = NaiveDate::from_isoywd_opt(year, week.into(), Weekday::Mon)?;
                Some((first, first.checked_add_days(Days::new(7))?))
            }
            Self::Month { year, month } => months(year, month.into(), 0, 1),
            Self::Quarter { year, quarter } => months(year, 1, before(quarter)?, 3),
            Self::Year { year } => months(year, 1, 0, 12),
            Self::FiscalQuarter { year, quarter } => months(begins(year), start, before(quarter)?, 3),
            Self::FiscalYear { year } => months(begins(year), start, 0, 12),
            Self::Lifetime => None,
        }
    }
}

/// Years have four digits; a clock that says otherwise is taken to stand at the nearest that has.
fn within_calendar(moment: Timestamp) -> Timestamp {
    /// 9998-01-01T00:00:00Z.
    const LAST_S: i64 = 253_339_228_800;
    moment.clamp(Timestamp::from_micros(0), Timestamp::from_micros(LAST_S * 1_000_000))
}

/// `2026-11-21`, `2026-W47`, `2026-11`, `2026-Q4`, `2026`, `FY2027-Q1`, `FY2027`, `lifetime`. A fiscal year is called by
/// the calendar year it ends in.
impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Label::Day { year, month, day } => write!(f, "{year:04}-{month:02}-{day:02}"),
            Label::Week { year, week } => write!(f, "{year:04}-W{week:02}"),
            Label::Month { year, month } => write!(f, "{year:04}-{month:02}"),
            Label::Quarter { year, quarter } => write!(f, "{year:04}-Q{quarter}"),
            Label::Year { year } => write!(f, "{year:04}"),
            Label::FiscalQuarter { year, quarter } => write!(f, "FY{year:04}-Q{quarter}"),
            Label::FiscalYear { year } => write!(f, "FY{year:04}"),
            Label::Lifetime => f.write_str("lifetime"),
        }
    }
}

impl FromStr for WindowId {
    type Err = InvalidWindowId;
    fn from_str(text: &str) -> Result<Self, InvalidWindowId> {
        if text == "lifetime" {
            return Ok(Self(Label::Lifetime));
        }
        let (fiscal, text) = text.strip_prefix("FY").map_or((false, text), |rest| (true, rest));
        let mut parts = text.split('-');
        let year: i32 = digits(parts.next(), "", 4)?;
        let parts = (parts.next(), parts.next(), parts.next());
        let label = match (fiscal, parts) {
            (true, (None, _, _)) => Label::FiscalYear { year },
            (true, (quarter, None, _)) => Label::FiscalQuarter { year, quarter: digits(quarter, "Q", 1)? },
            (false, (None, _, _)) => Label::Year { year },
            (false, (Some(week), None, _)) if week.starts_with('W') => {
                Label::Week { year, week: digits(Some(week), "W", 2)? }
            }
            (false, (Some(quarter), None, _)) if quarter.starts_with('Q') => {
                Label::Quarter { year, quarter: digits(Some(quarter), "Q", 1)? }
            }
            (false, (month, None, _)) => Label::Month { year, month: digits(month, "", 2)? },
            (false, (month, day, None)) => {
                Label::Day { year, month: digits(month, "", 2)?, day: digits(day, "", 2)? }
            }
            _ => return Err(InvalidWindowId),
        };
        label.days(Month::January).map(|_| Self(label)).ok_or(InvalidWindowId)
    }
}

/// The number that follows `prefix`, of exactly `len` digits.
fn digits<T: FromStr>(text: Option<&str>, prefix: &str, len: usize) -> Result<T, InvalidWindowId> {
    let digits = text.and_then(|text| text.strip_prefix(prefix)).ok_or(InvalidWindowId)?;
    if digits.len() != len || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidWindowId);
    }
    digits.parse().map_err(|_| InvalidWindowId)
}

#[cfg(test)]
mod tests;
