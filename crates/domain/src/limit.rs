//! Budgets: whose, for which requests, how much, over which window, and what happens at the limit.
//!
//! Invariant: a budget has one scope, one limit and one window.

mod filter;
mod threshold;
mod window;

use crate::id::{BudgetId, KeyId, MemberId, OrgId, RaiseId, TeamId};
use crate::money::Amount;
use crate::time::Timestamp;
pub use filter::{BudgetFilter, Traits};
pub use threshold::{InvalidThresholds, Thresholds};
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

/// What happens to a request that a budget cannot cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Enforcement {
    /// It is refused: the limit is never exceeded.
    #[default]
    Hard,
    /// It is served: the limit is there to be told of.
    Soft,
}

impl Enforcement {
    /// `hard` or `soft`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }

    /// The enforcement of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Hard, Self::Soft].into_iter().find(|enforcement| enforcement.name() == name)
    }
}

/// A limit on spend in one window.
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
    /// What happens at the limit.
    pub enforcement: Enforcement,
    /// Which requests in its scope draw on it.
    pub filter: BudgetFilter,
    /// When notice is given.
    pub thresholds: Thresholds,
}

impl Budget {
    /// Whether requests are refused where it cannot cover them.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.enforcement == Enforcement::Hard
    }
}

/// More money on a budget for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Its identity.
    pub id: RaiseId,
    /// The budget whose limit it adds to.
    pub budget: BudgetId,
    /// How much it adds.
    pub amount: Amount,
    /// From when on.
    pub since: Timestamp,
    /// Up to when.
    pub until: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// The person or key that granted it; nobody where the platform itself did.
    pub granted_by: Option<String>,
}
