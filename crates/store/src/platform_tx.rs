//! A change of the platform's objects: rows, audit row and the platform's next revision, all or none.
//!
//! Invariant: the platform's row is taken first, so that changes come one after the other on both engines. A price
//! version that exists is never written again, and a new one begins after all there are.

use std::fmt;

use domain::model::{Endpoint, Model, Provider};
use domain::price::{self, PriceVersion, UnitPrices};
use domain::{CredentialId, EndpointId, PolicyId, Timestamp};
use policy::record::{Credential, Layer, Policy};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IdenStatic, IntoActiveModel, Iterable, PrimaryKeyToColumn,
    QueryFilter,
};
use serde_json::{Value, json};

use crate::author::Author;
use crate::catalogue::{PLATFORM, state};
use crate::chain::Head;
use crate::changes::Minutes;
use crate::column::Row;
use crate::connect::{Store, Whose, commit};
use crate::credentials;
use crate::entity::{
    endpoint, model, platform_credential, platform_policy, platform_state, price_version, provider,
};
use crate::error::StoreError;
use crate::json as document;
use crate::scope::{PlatformTable, insert, platform};

/// A change of the platform's objects that is being made.
pub struct PlatformTx {
    sql: DatabaseTransaction,
    revision: i64,
    audit: Head,
    minutes: Minutes,
}

impl fmt::Debug for PlatformTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformTx").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Store {
    /// Begins a change of the platform's objects in `author`'s name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_platform(&self, author: Author, now: Timestamp) -> Result<PlatformTx, StoreError> {
        let sql = self.begin_write(Whose::Every).await?;
        platform_state::Entity::update_many()
            .col_expr(platform_state::Column::Revision, Expr::col(platform_state::Column::Revision).add(1))
            .exec(&sql)
            .await?;
        let state = state(&sql).await?;
        Ok(PlatformTx {
            sql,
            revision: state.revision,
            audit: Head { seq: state.audit_seq, hash: state.audit_hash },
            minutes: Minutes::new(PLATFORM.to_owned(), author, now),
        })
    }
}

impl PlatformTx {
    /// Commits, and answers the platform's new revision. Where nothing was written, nothing happens.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn commit(self) -> Result<u64, StoreError> {
        let row = Row { table: "platform_state", id: PLATFORM };
        if self.minutes.is_empty() {
            self.sql.rollback().await?;
            return row.number(self.revision - 1);
        }
        let now = self.minutes.now().as_micros();
        let head = self.minutes.write(self.audit, &self.sql).await?;
        platform_state::Entity::update_many()
            .col_expr(platform_state::Column::AuditSeq, Expr::value(head.seq))
            .col_expr(platform_state::Column::AuditHash, Expr::value(head.hash))
            .col_expr(platform_state::Column::ChangedAt, Expr::value(now))
            .exec(&self.sql)
            .await?;
        commit(self.sql).await?;
        row.number(self.revision)
    }

    pub(crate) fn sql(&self) -> &DatabaseTransaction {
        &self.sql
    }

    /// Notes that something beside the catalogue was done.
    pub(crate) fn note(&mut self, action: &'static str, object: impl fmt::Display, detail: Value) {
        self.minutes.note(action, object, detail);
    }

    /// Adds or changes a provider.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_provider(&mut self, new: &Provider) -> Result<(), StoreError> {
        self.put::<provider::Entity>(new.into()).await?;
        let detail = json!({ "name": new.name, "dialect": new.dialect.name(), "base_url": new.base_url });
        self.minutes.note("put_provider", &new.slug, detail);
        Ok(())
    }

    /// Adds or changes a model.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_model(&mut self, new: &Model) -> Result<(), StoreError> {
        self.put::<model::Entity>(new.into()).await?;
        let detail =
            json!({ "name": new.name, "kind": new.kind.name(), "context_length": new.context_length });
        self.minutes.note("put_model", &new.slug, detail);
        Ok(())
    }

    /// Adds or changes an endpoint, and adds those of its price versions that are new. Versions are never removed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such provider or model; [`StoreError::Conflict`] when a price version
    /// that exists is said to be other than it is, or a new one is refused as by [`Self::add_price`].
    pub async fn put_endpoint(&mut self, new: &Endpoint) -> Result<(), StoreError> {
        let row = endpoint::Model::from(new);
        let detail = json!({
            "model": row.model,
            "provider": row.provider,
            "retention": row.retention,
            "evidence_url": row.evidence_url,
            "trains": row.trains,
            "price_versions": new.prices.iter().map(|version| version.id.to_string()).collect::<Vec<_>>(),
        });
        self.put::<endpoint::Entity>(row).await?;
        let mut versions: Vec<_> = new.prices.iter().collect();
        versions.sort_by_key(|version| (version.effective_from, version.id));
        for version in versions {
            self.insert_price(new.id, version).await?;
        }
        self.minutes.note("put_endpoint", new.id, detail);
        Ok(())
    }

    /// Adds a price version to an endpoint; `source` is where its prices are published, for the audit log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such endpoint; [`StoreError::Conflict`] when the version is not checked
    /// by [`price::check`], or does not begin after all there are.
    pub async fn add_price(
        &mut self,
        endpoint: EndpointId,
        version: &PriceVersion,
        source: &str,
    ) -> Result<(), StoreError> {
        self.insert_price(endpoint, version).await?;
        let detail = json!({
            "price_version": version.id.to_string(),
            "effective_from": version.effective_from.to_string(),
            "source": source,
        });
        self.minutes.note("add_price", endpoint, detail);
        Ok(())
    }

    async fn insert_price(&self, endpoint: EndpointId, version: &PriceVersion) -> Result<(), StoreError> {
        let row = price_version::Model {
            id: version.id.to_string(),
            endpoint_id: endpoint.to_string(),
            effective_from: version.effective_from.as_micros(),
            unit: document::unit_text(&version.unit)?,
            tiers: document::tiers_text(&version.tiers)?,
        };
        let same_id = price_version::Column::Id.eq(row.id.as_str());
        match platform::<price_version::Entity>().filter(same_id).one(&self.sql).await? {
            Some(known) if known == row => return Ok(()),
            Some(_) => {
                return Err(StoreError::Conflict("a price version is never changed; make a new one"));
            }
            None => {}
        }
        if price::check(&version.unit, &version.tiers).is_err() {
            return Err(StoreError::Conflict(
                "these prices are negative, absurd, or have tiers that do not rise",
            ));
        }
        let of_endpoint = price_version::Column::EndpointId.eq(row.endpoint_id.as_str());
        let later = price_version::Column::EffectiveFrom.gte(row.effective_from);
        let later = platform::<price_version::Entity>().filter(of_endpoint).filter(later);
        if later.one(&self.sql).await?.is_some() {
            return Err(StoreError::Conflict("a new price version has to begin after all there are"));
        }
        insert::<price_version::Entity, _>(row, &self.sql).await
    }

    /// Replaces the dearest unit prices, which an unknown price counts as.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_ceiling(&mut self, ceiling: &UnitPrices) -> Result<(), StoreError> {
        let text = document::unit_text(ceiling)?;
        platform_state::Entity::update_many()
            .col_expr(platform_state::Column::Ceiling, Expr::value(text.as_str()))
            .exec(&self.sql)
            .await?;
        self.minutes.note("set_ceiling", PLATFORM, json!({ "unit": text }));
        Ok(())
    }

    /// Adds or replaces a provider secret of the platform's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such provider, or the credential is an organization's.
    pub async fn put_credential(&mut self, new: &Credential) -> Result<(), StoreError> {
        if new.org.is_some() {
            return Err(StoreError::NotFound);
        }
        let row = platform_credential::Model {
            id: new.id.to_string(),
            provider: new.provider.clone(),
            label: new.label.clone(),
            version: new.version.into(),
            sealed: hex::encode(&new.sealed.0),
        };
        self.put::<platform_credential::Entity>(row).await?;
        self.minutes.note("put_credential", new.id, credentials::detail(new));
        Ok(())
    }

    /// Forgets a provider secret of the platform's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_credential(&mut self, id: CredentialId) -> Result<(), StoreError> {
        let which = platform_credential::Column::Id.eq(id.to_string());
        let gone = platform_credential::Entity::delete_many().filter(which).exec(&self.sql).await?;
        self.gone(gone.rows_affected, "remove_credential", id)
    }

    /// Adds or replaces rules for everybody.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the policy is not of layer platform.
    pub async fn put_policy(&mut self, new: &Policy) -> Result<(), StoreError> {
        if new.layer != Layer::Platform {
            return Err(StoreError::Conflict("the platform's policies are of layer platform"));
        }
        let rules = document::rules_value(&new.rules)?;
        let row = platform_policy::Model {
            id: new.id.to_string(),
            name: new.name.clone(),
            rules: rules.to_string(),
        };
        self.put::<platform_policy::Entity>(row).await?;
        self.minutes.note("put_policy", new.id, json!({ "name": new.name, "rules": rules }));
        Ok(())
    }

    /// Removes rules for everybody.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_policy(&mut self, id: PolicyId) -> Result<(), StoreError> {
        let which = platform_policy::Column::Id.eq(id.to_string());
        let gone = platform_policy::Entity::delete_many().filter(which).exec(&self.sql).await?;
        self.gone(gone.rows_affected, "remove_policy", id)
    }

    fn gone(&mut self, rows: u64, action: &'static str, object: impl fmt::Display) -> Result<(), StoreError> {
        if rows == 0 {
            return Err(StoreError::NotFound);
        }
        self.minutes.note(action, object, Value::Null);
        Ok(())
    }

    /// Adds a row, or replaces all but the key of the one there is.
    async fn put<E>(&self, row: E::Model) -> Result<(), StoreError>
    where
        E: PlatformTable,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let keys: Vec<_> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
        let is_key = |column: &E::Column| keys.iter().any(|key| key.as_str() == column.as_str());
        let others = E::Column::iter().filter(|column| !is_key(column));
        let replace = OnConflict::columns(keys.iter().copied()).update_columns(others).to_owned();
        E::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(&self.sql).await?;
        Ok(())
    }
}
