//! The provider's own meter: what was really billed, and what may therefore be said of budgets and ledger.
//!
//! Invariant: a witness, not a mirror. It counts in plain integers what left the nodes and what they had promised, and
//! takes nothing from leases, journals or the database but the figures it holds against its own.

use std::collections::BTreeMap;

use metering::usage::UsageEvent;

/// A budget in one window: the budget's number, and the window's name.
pub(crate) type Account = (usize, String);

/// What the meter knows of one attempt.
#[derive(Debug, Clone)]
struct Bill {
    accounts: Vec<Account>,
    reserved: i128,
    truth: i128,
    known: Known,
    is_committed: bool,
}

/// What a ledger may say of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was journalled, or more; then its node died, or the app left: truth lies between cost and cost + suspense.
    Within,
    /// It was settled and journalled: exactly its truth.
    Exact,
    /// A disk that held it was lost: as `Within`, or nothing at all.
    Perhaps,
}

/// An event as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) event: String,
    pub(crate) cost: i128,
    pub(crate) suspense: i128,
}

impl Entry {
    pub(crate) fn of(event: &UsageEvent) -> Self {
        Self {
            event: event.attempt.id.to_string(),
            cost: event.settlement.cost.get().into(),
            suspense: event.settlement.suspense.get().into(),
        }
    }
}

/// What was billed, per attempt and per budget and window.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bills: BTreeMap<String, Bill>,
    billed: BTreeMap<Account, i128>,
    caps: BTreeMap<Account, i128>,
    forgiven: BTreeMap<Account, i128>,
    /// The most that was ever billed beyond what a budget allows.
    pub(crate) overspend_max: i128,
}

impl Meter {
    /// The most that `account` may be billed from now on.
    pub(crate) fn limit(&mut self, account: Account, cap: i128) {
        self.caps.insert(account, cap);
    }

    /// What was released from suspense may have been owed after all: that is what releasing it means.
    pub(crate) fn forgive(&mut self, account: Account, released: i128) {
        *self.forgiven.entry(account).or_default() += released;
    }

    /// The most that `account` may be billed, what was forgiven included.
    pub(crate) fn cap(&self, account: &Account) -> i128 {
        self.caps.get(account).copied().unwrap_or(0) + self.forgiven.get(account).copied().unwrap_or(0)
    }

    /// A node has journalled an attempt, or is about to send it without.
    pub(crate) fn admit(&mut self, event: &str, accounts: Vec<Account>, reserved: i128) {
        let bill = Bill { accounts, reserved, truth: 0, known: Known::Within, is_committed: false };
        self.bills.insert(event.to_owned(), bill);
    }

    /// The provider got the attempt, and will bill `truth` whatever becomes of its node.
    pub(crate) fn bill(&mut self, event: &str, truth: i128) {
        let Some(bill) = self.bills.get_mut(event) else { return };
        bill.truth = truth;
        for account in &bill.accounts {
            let billed = self.billed.entry(account.clone()).or_default();
            *billed += truth;
            let allowed = self.caps.get(account).copied().unwrap_or(0)
                + self.forgiven.get(account).copied().unwrap_or(0);
            self.overspend_max = self.overspend_max.max(*billed - allowed);
        }
    }

    /// The node knows the truth, and has journalled it.
    pub(crate) fn settled(&mut self, event: &str) {
        if let Some(bill) = self.bills.get_mut(event) {
            bill.known = Known::Exact;
        }
    }

    /// It was never sent.
    pub(crate) fn void(&mut self, event: &str) {
        self.bills.remove(event);
    }

    /// The database has it.
    pub(crate) fn committed(&mut self, event: &str) {
        if let Some(bill) = self.bills.get_mut(event) {
            bill.is_committed = true;
        }
    }

    /// Whether the database has it.
    pub(crate) fn is_committed(&self, event: &str) -> bool {
        self.bills.get(event).is_some_and(|bill| bill.is_committed)
    }

    /// A disk that held `events` was lost: those that are in no database may never come.
    pub(crate) fn lost<'a>(&mut self, events: impl Iterator<Item = &'a String>) {
        for event in events {
            if let Some(bill) = self.bills.get_mut(event).filter(|bill| !bill.is_committed) {
                bill.known = Known::Perhaps;
            }
        }
    }

    /// What was released from suspense.
    pub(crate) fn forgiven(&self, account: &Account) -> i128 {
        self.forgiven.get(account).copied().unwrap_or(0)
    }

    /// What was billed.
    pub(crate) fn billed(&self, account: &Account) -> i128 {
        self.billed.get(account).copied().unwrap_or(0)
    }

    /// Every account that anything was ever allowed on.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.caps.keys()
    }

    /// What is wrong with a ledger that has `entries`, if anything is.
    pub(crate) fn audit(&self, entries: &[Entry]) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for entry in entries {
            if seen.insert(entry.event.as_str(), entry).is_some() {
                return Err(format!("{} is in the ledger twice", entry.event));
            }
            let Some(bill) = self.bills.get(&entry.event) else {
                return Err(format!("{} is in the ledger, and was never made", entry.event));
            };
            check(bill, entry)?;
        }
        let missing = self.bills.iter().find(|(event, bill)| {
            bill.truth > 0 && bill.known != Known::Perhaps && !seen.contains_key(event.as_str())
        });
        match missing {
            Some((event, bill)) => Err(format!("{event} was billed {} and is not in the ledger", bill.truth)),
            None => Ok(()),
        }
    }
}

fn check(bill: &Bill, entry: &Entry) -> Result<(), String> {
    let Entry { event, cost, suspense } = entry;
    let Bill { truth, reserved, .. } = bill;
    if bill.known == Known::Exact && (cost, *suspense) != (truth, 0) {
        return Err(format!("{event} was billed {truth}; the ledger has {cost} and {suspense} in suspense"));
    }
    if cost > truth || *truth > cost + suspense || cost + suspense > *reserved {
        return Err(format!(
            "{event} was billed {truth} of {reserved}; the ledger has {cost} and {suspense} in suspense"
        ));
    }
    Ok(())
}
