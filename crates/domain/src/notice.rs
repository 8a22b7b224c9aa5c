//! Notices: that a budget has reached a threshold, told to people, and where.
//!
//! Invariant: a notice has the same id however often and wherever it is delivered, so that a receiver can drop doubles.

use crate::id::NoticeTargetId;
use crate::limit::{Budget, WindowId};
use crate::money::Amount;
use crate::org::Org;
use crate::time::Timestamp;

/// By which way notices reach somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A program of the organization's, at this URL.
    Webhook(String),
    /// A person, at this e-mail address.
    Email(String),
}

impl Channel {
    /// `webhook` or `email`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Email(_) => "email",
        }
    }

    /// The channel of that [`name`](Self::name) to `destination`.
    #[must_use]
    pub fn from_name(name: &str, destination: String) -> Option<Self> {
        match name {
            "webhook" => Some(Self::Webhook(destination)),
            "email" => Some(Self::Email(destination)),
            _ => None,
        }
    }

    /// The URL or address.
    #[must_use]
    pub fn destination(&self) -> &str {
        match self {
            Self::Webhook(destination) | Self::Email(destination) => destination,
        }
    }
}

/// One place an organization's notices go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTarget {
    /// Its identity.
    pub id: NoticeTargetId,
    /// What people call it.
    pub name: String,
    /// How it is reached.
    pub channel: Channel,
}

/// A budget has reached a threshold in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdNotice {
    /// Whose budget it is.
    pub org: Org,
    /// The budget as it is now.
    pub budget: Budget,
    /// In which window.
    pub window: WindowId,
    /// The percentage of the limit.
    pub percent: u16,
    /// When that was noticed.
    pub reached_at: Timestamp,
    /// What was spent then.
    pub spent: Amount,
    /// What the limit was then, with raises.
    pub limit: Amount,
}

impl ThresholdNotice {
    /// The same for every delivery: budget, window and percentage.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}_{}_{}", self.budget.id, self.window, self.percent)
    }
}
