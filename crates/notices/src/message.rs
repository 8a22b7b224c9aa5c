//! What is told, as JSON for programs and as text for people.
//!
//! Invariant: the same notice has the same id each time; amounts are decimal strings, digit for digit.

use domain::Timestamp;
use domain::limit::{Budget, BudgetScope};
use domain::notice::{NoticeTarget, ThresholdNotice};
use domain::org::Org;
use serde_json::{Value, json};

/// Something to be told.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// A budget has reached a threshold.
    Threshold(&'a ThresholdNotice),
    /// Somebody tries whether messages arrive.
    Test {
        /// Whose target it is.
        org: &'a Org,
        /// Which.
        target: &'a NoticeTarget,
        /// When it was asked for.
        at: Timestamp,
    },
}

impl Message<'_> {
    /// What receivers tell doubles by.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Threshold(notice) => notice.id(),
            Self::Test { target, at, .. } => format!("test_{}_{}", target.id, at.as_micros()),
        }
    }

    /// The body of a webhook.
    pub(crate) fn body(&self) -> Value {
        match self {
            Self::Threshold(notice) => json!({
                "id": notice.id(),
                "type": "budget.threshold",
                "created_at": notice.reached_at.to_string(),
                "organization": organization(&notice.org),
                "budget": budget(&notice.budget),
                "window": notice.window.to_string(),
                "percent": notice.percent,
                "spent": notice.spent.to_string(),
                "limit": notice.limit.to_string(),
            }),
            Self::Test { org, at, .. } => json!({
                "id": self.id(),
                "type": "test",
                "created_at": at.to_string(),
                "organization": organization(org),
            }),
        }
    }

    /// The subject of a mail.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Threshold(notice) => {
                format!("{}: budget {} has reached {} %", notice.org.name, notice.budget.name, notice.percent)
            }
            Self::Test { org, .. } => format!("{}: a test of budget notices", org.name),
        }
    }

    /// The text of a mail; `admin_url` may be empty.
    pub(crate) fn text(&self, admin_url: &str) -> String {
        let told = match self {
            Self::Threshold(notice) => format!(
                "The budget {} of {} has reached {} % of its limit.\n\n\
                 Spent:    {} USD\nLimit:    {} USD\nWindow:   {} ({})\nReached:  {}\n",
                notice.budget.name,
                notice.org.name,
                notice.percent,
                notice.spent,
                notice.limit,
                notice.window,
                notice.budget.window.zone_name(),
                notice.reached_at,
            ),
            Self::Test { org, .. } => format!("Budget notices of {} reach you here.\n", org.name),
        };
        let place = match admin_url.trim_end_matches('/') {
            "" => "See Budgets in Weir's web admin".to_owned(),
            url => format!("See Budgets in Weir's web admin: {url}"),
        };
        format!("{told}\n{place}\n")
    }
}

fn organization(org: &Org) -> Value {
    json!({ "id": org.id.to_string(), "name": org.name })
}

fn budget(budget: &Budget) -> Value {
    let scope_id = match budget.scope {
        BudgetScope::Org => None,
        BudgetScope::Team(id) => Some(id.to_string()),
        BudgetScope::Member(id) => Some(id.to_string()),
        BudgetScope::Key(id) => Some(id.to_string()),
    };
    json!({
        "id": budget.id.to_string(),
        "name": budget.name,
        "scope": budget.scope.name(),
        "scope_id": scope_id,
    })
}
