//! Budgets: whose, how much, over which window.
//!
//! Invariant: a budget has one scope, one limit and one window.

mod window;

use crate::id::{BudgetId, KeyId, MemberId, OrgId, TeamId};
use crate::money::Amount;
pub use window::{InvalidWindow, InvalidWindowId, Period, Window, WindowId};

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
