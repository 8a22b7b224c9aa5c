//! The platform's objects: providers, models, endpoints with prices and data policies, credentials, rules for everybody.
//!
//! Invariant: zero retention is read only with its evidence; a price version is never changed.

use std::collections::HashMap;

use domain::Timestamp;
use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::price::{PriceVersion, UnitPrices};
use policy::record::{Credential, Layer, PlatformRecords, Policy};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::author::Author;
use crate::chain::Head;
use crate::column::{Row, stored};
use crate::connect::{Store, Whose};
use crate::credentials::unseal_text;
use crate::entity::{
    endpoint, model, platform_credential, platform_policy, platform_state, price_version, provider,
};
use crate::error::StoreError;
use crate::json;
use crate::page::{Order, Page, Paged, page};
use crate::policy::PlatformVersion;
use crate::scope::{one, platform};

/// The one row of `platform_state`, and the name of the platform's audit chain.
pub(crate) const PLATFORM: &str = "platform";

impl Store {
    /// All of the platform's objects.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn platform(&self) -> Result<PlatformRecords, StoreError> {
        let sql = self.begin_read(Whose::Every).await?;
        let state = state(&sql).await?;
        let PlatformVersion { epoch, revision, .. } = version_of(&state)?;
        let providers = platform::<provider::Entity>().order_by_asc(provider::Column::Slug).all(&sql).await?;
        let models = platform::<model::Entity>().order_by_asc(model::Column::Slug).all(&sql).await?;
        let endpoints = platform::<endpoint::Entity>().order_by_asc(endpoint::Column::Id).all(&sql).await?;
        let prices = platform::<price_version::Entity>().all(&sql).await?;
        let credentials = platform::<platform_credential::Entity>().all(&sql).await?;
        let policies = platform::<platform_policy::Entity>().all(&sql).await?;
        Ok(PlatformRecords {
            epoch,
            revision,
            providers: providers.into_iter().map(Provider::try_from).collect::<Result<_, _>>()?,
            models: models.into_iter().map(Model::try_from).collect::<Result<_, _>>()?,
            endpoints: with_prices(endpoints, prices)?,
            credentials: credentials.into_iter().map(Credential::try_from).collect::<Result<_, _>>()?,
            policies: policies.into_iter().map(Policy::try_from).collect::<Result<_, _>>()?,
            ceiling: json::unit(Row { table: "platform_state", id: PLATFORM }, &state.ceiling)?,
        })
    }

    /// How new the platform's objects are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn platform_version(&self) -> Result<PlatformVersion, StoreError> {
        version(self.reader()).await
    }

    /// The slugs of all providers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn provider_slugs(&self) -> Result<Vec<String>, StoreError> {
        let select = platform::<provider::Entity>().select_only().column(provider::Column::Slug);
        Ok(select.order_by_asc(provider::Column::Slug).into_tuple().all(self.reader()).await?)
    }

    /// The slugs of all models.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn model_slugs(&self) -> Result<Vec<String>, StoreError> {
        let select = platform::<model::Entity>().select_only().column(model::Column::Slug);
        Ok(select.order_by_asc(model::Column::Slug).into_tuple().all(self.reader()).await?)
    }

    /// Models by slug. A page continues after a slug.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn models(&self, which: &Page) -> Result<Paged<Model>, StoreError> {
        let by = (model::Column::Slug, Order::OldestFirst);
        page(self.reader(), platform::<model::Entity>(), by, which, Model::try_from).await
    }

    /// One model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn model(&self, slug: &str) -> Result<Model, StoreError> {
        one(platform::<model::Entity>().filter(model::Column::Slug.eq(slug)), self.reader()).await?.try_into()
    }

    /// The endpoints of these models, with all their price versions, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn endpoints(&self, models: &[String]) -> Result<Vec<Endpoint>, StoreError> {
        let select = platform::<endpoint::Entity>().filter(endpoint::Column::Model.is_in(models));
        let endpoints = select.order_by_asc(endpoint::Column::Id).all(self.reader()).await?;
        let ids = endpoints.iter().map(|endpoint| endpoint.id.as_str());
        let prices = platform::<price_version::Entity>().filter(price_version::Column::EndpointId.is_in(ids));
        with_prices(endpoints, prices.all(self.reader()).await?)
    }

    /// Begins a new epoch, because this database was restored from a backup: what is in it is newer now than whatever
    /// nodes were told after the backup was made. Answers the epoch of the backup and the new one: `now` in seconds, so that
    /// it is later than that of an earlier restore, and in any case later than the backup's.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn renew_epoch(&self, author: Author, now: Timestamp) -> Result<(u64, u64), StoreError> {
        let mut tx = self.begin_platform(author, now).await?;
        let before = version(tx.sql()).await?.epoch;
        let epoch = before.saturating_add(1).max(u64::try_from(now.as_seconds()).unwrap_or_default());
        platform_state::Entity::update_many()
            .col_expr(platform_state::Column::Epoch, Expr::value(stored(epoch)?))
            .exec(tx.sql())
            .await?;
        tx.note("renew_epoch", PLATFORM, serde_json::json!({ "before": before, "epoch": epoch }));
        tx.commit().await?;
        Ok((before, epoch))
    }
}

/// Makes the one row of the platform's state in a new database, whose epoch is `now` in seconds: later than that of any
/// database before it.
pub(crate) async fn begin_epoch(database: &DatabaseConnection, now: Timestamp) -> Result<(), StoreError> {
    let Head { seq, hash } = Head::genesis();
    let first = platform_state::Model {
        id: PLATFORM.to_owned(),
        epoch: now.as_seconds().max(1),
        revision: 0,
        published_revision: 0,
        ceiling: json::unit_text(&UnitPrices::default())?,
        audit_seq: seq,
        audit_hash: hash,
        changed_at: now.as_micros(),
        master_key_check: None,
    };
    platform_state::Entity::insert(first.into_active_model())
        .on_conflict(OnConflict::column(platform_state::Column::Id).do_nothing().to_owned())
        .exec_without_returning(database)
        .await?;
    Ok(())
}

pub(crate) async fn state<C: ConnectionTrait>(database: &C) -> Result<platform_state::Model, StoreError> {
    one(platform::<platform_state::Entity>(), database).await
}

pub(crate) async fn version<C: ConnectionTrait>(database: &C) -> Result<PlatformVersion, StoreError> {
    version_of(&state(database).await?)
}

fn version_of(state: &platform_state::Model) -> Result<PlatformVersion, StoreError> {
    let row = Row { table: "platform_state", id: PLATFORM };
    Ok(PlatformVersion {
        epoch: row.number(state.epoch)?,
        revision: row.number(state.revision)?,
        published: row.number(state.published_revision)?,
    })
}

fn with_prices(
    endpoints: Vec<endpoint::Model>,
    versions: Vec<price_version::Model>,
) -> Result<Vec<Endpoint>, StoreError> {
    let mut prices: HashMap<String, Vec<PriceVersion>> = HashMap::new();
    for row in versions {
        prices.entry(row.endpoint_id.clone()).or_default().push(row.try_into()?);
    }
    let with_prices = |row: endpoint::Model| {
        let mut prices = prices.remove(&row.id).unwrap_or_default();
        prices.sort_by_key(|version| (version.effective_from, version.id));
        read_endpoint(row, prices)
    };
    endpoints.into_iter().map(with_prices).collect()
}

fn read_endpoint(row: endpoint::Model, prices: Vec<PriceVersion>) -> Result<Endpoint, StoreError> {
    let place = Row { table: "endpoints", id: &row.id };
    let retention = match (row.retention.as_str(), row.evidence_url, row.checked_at) {
        ("zero", Some(evidence_url), Some(at)) => {
            Retention::Zero { evidence_url, checked_at: Timestamp::from_micros(at) }
        }
        ("unknown", None, None) => Retention::Unknown,
        ("retained", None, None) => Retention::Retained,
        (other, ..) => return Err(place.problem(format!("retention {other:?} with or without evidence"))),
    };
    Ok(Endpoint {
        id: place.parse(&row.id)?,
        max_output_tokens: place.number(row.max_output_tokens)?,
        model: row.model,
        provider: row.provider,
        upstream_model: row.upstream_model,
        data_policy: DataPolicy { retention, trains: row.trains },
        prices,
    })
}

impl From<&Endpoint> for endpoint::Model {
    fn from(endpoint: &Endpoint) -> Self {
        let (retention, evidence_url, checked_at) = match &endpoint.data_policy.retention {
            Retention::Zero { evidence_url, checked_at } => {
                ("zero", Some(evidence_url.clone()), Some(checked_at.as_micros()))
            }
            Retention::Unknown => ("unknown", None, None),
            Retention::Retained => ("retained", None, None),
        };
        Self {
            id: endpoint.id.to_string(),
            model: endpoint.model.clone(),
            provider: endpoint.provider.clone(),
            upstream_model: endpoint.upstream_model.clone(),
            max_output_tokens: endpoint.max_output_tokens.into(),
            retention: retention.to_owned(),
            evidence_url,
            checked_at,
            trains: endpoint.data_policy.trains,
        }
    }
}

impl TryFrom<price_version::Model> for PriceVersion {
    type Error = StoreError;
    fn try_from(row: price_version::Model) -> Result<Self, StoreError> {
        let place = Row { table: "price_versions", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            effective_from: Timestamp::from_micros(row.effective_from),
            unit: json::unit(place, &row.unit)?,
            tiers: json::tiers(place, &row.tiers)?,
        })
    }
}

impl TryFrom<provider::Model> for Provider {
    type Error = StoreError;
    fn try_from(row: provider::Model) -> Result<Self, StoreError> {
        let dialect = Row { table: "providers", id: &row.slug }.named(&row.dialect, Dialect::from_name)?;
        Ok(Self { slug: row.slug, name: row.name, dialect, base_url: row.base_url })
    }
}

impl From<&Provider> for provider::Model {
    fn from(provider: &Provider) -> Self {
        Self {
            slug: provider.slug.clone(),
            name: provider.name.clone(),
            dialect: provider.dialect.name().to_owned(),
            base_url: provider.base_url.clone(),
        }
    }
}

impl TryFrom<model::Model> for Model {
    type Error = StoreError;
    fn try_from(row: model::Model) -> Result<Self, StoreError> {
        let place = Row { table: "models", id: &row.slug };
        Ok(Self {
            kind: place.named(&row.kind, ModelKind::from_name)?,
            context_length: place.number(row.context_length)?,
            created: Timestamp::from_micros(row.created_at),
            slug: row.slug,
            name: row.name,
        })
    }
}

impl From<&Model> for model::Model {
    fn from(model: &Model) -> Self {
        Self {
            slug: model.slug.clone(),
            name: model.name.clone(),
            kind: model.kind.name().to_owned(),
            context_length: model.context_length.into(),
            created_at: model.created.as_micros(),
        }
    }
}

impl TryFrom<platform_credential::Model> for Credential {
    type Error = StoreError;
    fn try_from(row: platform_credential::Model) -> Result<Self, StoreError> {
        let place = Row { table: "platform_credentials", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            org: None,
            version: place.number(row.version)?,
            sealed: unseal_text(place, &row.sealed)?,
            provider: row.provider,
            label: row.label,
        })
    }
}

impl TryFrom<platform_policy::Model> for Policy {
    type Error = StoreError;
    fn try_from(row: platform_policy::Model) -> Result<Self, StoreError> {
        let place = Row { table: "platform_policies", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            layer: Layer::Platform,
            rules: json::rules(place, &row.rules)?,
            name: row.name,
        })
    }
}
