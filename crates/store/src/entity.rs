//! The tables as sea-orm knows them: one row type each, grouped as in the schema's steps.
//!
//! Invariant: private to this crate; rows become domain types before they leave it. A table of an organization is an
//! [`OrgTable`](crate::scope::OrgTable), every other a [`PlatformTable`](crate::scope::PlatformTable), never both.

mod budgets;
mod ledger;
mod nodes;
mod notices;
mod orgs;
mod persons;
mod platform;
mod usage;

pub use budgets::{budget, budget_notice, budget_raise, budget_window, lease};
pub use ledger::{audit, ledger_batch, ledger_entry, ledger_head, suspense_note};
pub use nodes::{node, node_ack};
pub use notices::{notice_delivery, notice_target};
pub use orgs::{credential, key, member, org, policy, policy_change, team};
pub use persons::{person, session};
pub use platform::{
    endpoint, model, platform_credential, platform_policy, platform_state, price_version, provider,
};
pub use usage::{usage_event, usage_hour};

/// One table: `table!(module, "name", { columns })`, and for a table of an organization the column that says whose.
macro_rules! table {
    ($module:ident, $table:tt, { $($columns:tt)* } $(, of $org:ident)?) => {
        pub mod $module {
            use sea_orm::{
                ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
                PrimaryKeyTrait,
            };

            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model { $($columns)* }

            #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}

            crate::entity::place!($($org)?);
        }
    };
}

macro_rules! place {
    () => {
        impl crate::scope::PlatformTable for Entity {}
    };
    ($org:ident) => {
        impl crate::scope::OrgTable for Entity {
            const ORG: Column = Column::$org;
        }
    };
}

pub(crate) use {place, table};
