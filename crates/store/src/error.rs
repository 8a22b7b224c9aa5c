//! Why the store did not do what it was asked.
//!
//! Invariant: a row that cannot be understood is [`StoreError::Internal`] and names itself; it never becomes a default.

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};

/// The store did not do what it was asked; nothing was changed, but where [`StoreError::Unsure`] says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row in this organization.
    #[error("there is no such row")]
    NotFound,
    /// It contradicts what there is.
    #[error("{0}")]
    Conflict(&'static str),
    /// Others came before, again and again; nothing was done, try again.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached, went away before a commit, or is not as it will be soon; nothing was done.
    #[error("{0}")]
    Away(String),
    /// A commit was not answered: nobody knows whether it was done.
    #[error("the connection broke during a commit, which may have been done: {0}")]
    Unsure(String),
    /// A fault of ours, or of the database. Its cause is in the text, and therefore no source: who prints both says it once.
    #[error("the database failed: {0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether waiting alone may mend it: the database is away or busy, or somebody has yet to migrate it.
    #[must_use]
    pub fn is_worth_waiting(&self) -> bool {
        matches!(self, Self::Busy | Self::Away(_))
    }

    /// Whether doing it again may mend it, where that is harmless: what [`is_worth_waiting`](Self::is_worth_waiting),
    /// and what may have been done already.
    #[must_use]
    pub fn is_worth_trying_again(&self) -> bool {
        self.is_worth_waiting() || matches!(self, Self::Unsure(_))
    }

    /// A transaction could not begin: nothing was done, whatever the reason.
    pub(crate) fn not_begun(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Internal(error) => Self::Away(format!("the database cannot be reached: {error}")),
            other => other,
        }
    }

    /// A commit, or a statement that is one by itself, failed. Where it was not answered it may have been done.
    pub(crate) fn unsure(error: DbErr) -> Self {
        if is_away(&error) {
            return Self::Unsure(error.to_string());
        }
        Self::from(error)
    }

    /// The row `id` of `table` cannot be understood.
    pub(crate) fn unreadable(table: &str, id: &str, problem: impl std::fmt::Display) -> Self {
        Self::Internal(format!("{table} {id} cannot be read: {problem}").into())
    }

    /// A value that the schema has no room for.
    pub(crate) fn unstorable(what: &str) -> Self {
        Self::Internal(format!("{what} is beyond what can be stored").into())
    }

    /// `self`, with its own words for a row that exists already.
    pub(crate) fn or_conflict(self, message: &'static str) -> Self {
        match self {
            Self::Conflict(_) => Self::Conflict(message),
            other => other,
        }
    }
}

/// What a statement of a transaction failed by; nothing is committed then. A foreign key that leads nowhere is a row that
/// does not exist.
impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => return Self::Conflict("it exists already"),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => return Self::NotFound,
            _ => {}
        }
        if matches!(error, DbErr::ConnectionAcquire(_)) {
            return Self::Away("no connection to the database could be had in time".to_owned());
        }
        if is_busy(&error) {
            return Self::Busy;
        }
        if is_away(&error) {
            return Self::Away(format!("the database went away: {error}"));
        }
        Self::Internal(Box::new(error))
    }
}

/// Locked (SQLite), or a serialization failure, deadlock or lock timeout (Postgres).
fn is_busy(error: &DbErr) -> bool {
    let code = code(error);
    matches!(code.as_deref(), Some("5" | "6" | "261" | "517" | "40001" | "40P01" | "55P03"))
}

/// The connection broke, or Postgres ends it: it shuts down, starts, or has no room.
fn is_away(error: &DbErr) -> bool {
    match sqlx(error) {
        Some(SqlxError::Io(_) | SqlxError::WorkerCrashed | SqlxError::Protocol(_)) => true,
        Some(SqlxError::Database(_)) => code(error).is_some_and(|code| {
            code.starts_with("08") || matches!(&*code, "57P01" | "57P02" | "57P03" | "53300")
        }),
        _ => false,
    }
}

/// The database's own code for `error`.
pub(crate) fn code(error: &DbErr) -> Option<String> {
    match sqlx(error)? {
        SqlxError::Database(error) => error.code().map(|code| code.into_owned()),
        _ => None,
    }
}

fn sqlx(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
