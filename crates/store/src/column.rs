//! Values to columns and back.
//!
//! Invariant: what is read back equals what was written, or the row is named as unreadable.

use std::fmt::Display;
use std::str::FromStr;

use domain::Amount;

use crate::error::StoreError;

/// Which row is being read, for its problems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'static str,
    pub(crate) id: &'a str,
}

impl Row<'_> {
    pub(crate) fn problem(&self, problem: impl Display) -> StoreError {
        StoreError::unreadable(self.table, self.id, problem)
    }

    /// An id, a window or whatever else has a text form.
    pub(crate) fn parse<T: FromStr>(&self, text: &str) -> Result<T, StoreError>
    where
        T::Err: Display,
    {
        text.parse().map_err(|error| self.problem(format!("{error}: {text:?}")))
    }

    pub(crate) fn parse_optional<T: FromStr>(&self, text: Option<&str>) -> Result<Option<T>, StoreError>
    where
        T::Err: Display,
    {
        text.map(|text| self.parse(text)).transpose()
    }

    /// A value of a closed list.
    pub(crate) fn named<T>(
        &self,
        name: &str,
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_name(name).ok_or_else(|| self.problem(format!("there is no {name:?}")))
    }

    /// A number that is stored in a wider or signed column.
    pub(crate) fn number<T: TryFrom<i64>>(&self, stored: i64) -> Result<T, StoreError> {
        T::try_from(stored).map_err(|_| self.problem(format!("{stored} is out of range")))
    }
}

/// A count as a column.
pub(crate) fn stored(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::unstorable("a number"))
}

/// An amount out of its two columns.
pub(crate) fn amount(micro: i64, rest: i32) -> Amount {
    Amount::from_parts(micro, rest)
}
