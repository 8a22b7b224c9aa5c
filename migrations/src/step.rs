//! One step: SQL that is the same on both engines but for partitions, and the tables it makes append-only.
//!
//! Invariant: a step runs in one transaction, or not at all.

use async_trait::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::{append_only, partitions};

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    pub(crate) append_only: &'static [&'static str],
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_connection();
        partitions::create(database, self.sql).await?;
        for table in self.append_only {
            append_only::protect(database, table).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(format!("{} cannot be undone; restore a backup", self.name)))
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
