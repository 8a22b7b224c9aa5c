//! The words everybody shares: ids, organizations, keys, models, money, tokens, budgets, time, errors.
//!
//! Invariant: nothing here does IO, reads a clock or knows a wire format. What needs randomness or the time takes it
//! as an argument. Core types are deliberately not `Serialize`: a type that is, belongs to some border.
//!
//! The vocabulary (one word per thing, in Rust, SQL, GraphQL, UI and docs): organization (org), team, member, role,
//! key, provider, credential, model, endpoint, policy, data class, candidate, permit, budget, window, reservation, lease,
//! escrow, suspense, attempt, usage event, price version, ledger, period, cost centre, node, incarnation, snapshot,
//! epoch, revision.

pub mod error;
pub mod id;
pub mod key;
pub mod limit;
pub mod model;
pub mod money;
pub mod node;
pub mod notice;
pub mod org;
pub mod price;
pub mod secret;
pub mod time;
pub mod tokens;

pub use error::ErrorCode;
pub use id::{
    BudgetId, CredentialId, EndpointId, EventId, KeyId, LeaseId, MemberId, NodeId, NoticeTargetId, OrgId,
    PersonId, PolicyId, PriceVersionId, RaiseId, RequestId, TeamId,
};
pub use limit::{BudgetScope, Period, Window, WindowId};
pub use money::{Amount, Pico};
pub use node::Holder;
pub use secret::Secret;
pub use time::{Clock, Timestamp};
pub use tokens::{TokenClass, TokenUsage};
