//! Every SQL statement of the product, on SQLite and on Postgres.
//!
//! Invariants: a query on an organization's table begins at [`OrgScope`]; a change of policy commits with its audit row
//! and the organization's next revision, or not at all ([`PolicyTx`]); events and the ledger agree to the pico; domain
//! types go in and out, rows stay here. Which engine it is, is a URL.

mod accounts;
mod audit;
mod author;
mod budgets;
mod catalogue;
mod chain;
mod changes;
mod column;
mod connect;
mod credentials;
mod deliveries;
#[expect(unreachable_pub, reason = "sea-orm's derives put the row types into public traits")]
mod entity;
mod error;
mod generations;
mod hours;
mod json;
mod key_usage;
mod keys;
mod leases;
mod ledger;
mod members;
mod nodes;
mod notice_targets;
mod notices;
mod objects;
mod orgs;
mod page;
mod persons;
mod platform_tx;
mod policies;
mod policy;
mod raises;
mod rights;
mod rollup;
mod scope;
mod sessions;
mod settle;
mod suspense;
mod teams;
mod tx;
mod usage;

pub use audit::AuditEntry;
pub use author::Author;
pub use chain::Chain;
pub use connect::{Store, migrate};
pub use deliveries::{Delivery, Waiting};
pub use error::StoreError;
pub use keys::KeyFilter;
pub use members::MemberView;
pub use nodes::{NodeAck, NodeRow};
pub use notice_targets::{NewNoticeTarget, NoticeTargetView};
pub use notices::Notice;
pub use page::{Page, Paged};
pub use persons::Person;
pub use platform_tx::PlatformTx;
pub use policy::{DirtyOrg, PlatformVersion};
pub use rollup::{ChargebackRow, Totals};
pub use scope::OrgScope;
pub use tx::PolicyTx;
pub use usage::EventFilter;
