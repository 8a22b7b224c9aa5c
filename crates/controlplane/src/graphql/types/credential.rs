//! A provider's secret of the organization's own, and what storing and removing one takes.
//!
//! Invariant: the secret goes in and never comes out; not even the sealed form is shown.

use async_graphql::{ID, InputObject, Object, SimpleObject};
use policy::record;

use crate::graphql::scalars::{Count, DateTime};
use crate::graphql::types::propagation::Applied;
use crate::service::credentials::Tried;

/// A provider's secret of the organization's own. The secret itself cannot be read back.
pub(crate) struct Credential(pub(crate) record::Credential);

#[Object]
impl Credential {
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The provider's slug.
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    /// What people call it; shows nothing of the secret.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Counts the replacements of the secret.
    async fn version(&self) -> Count {
        Count(u64::from(self.0.version))
    }

    async fn created_at(&self) -> DateTime {
        self.0.id.made_at().into()
    }
}

#[derive(InputObject)]
pub(crate) struct StoreCredentialInput {
    pub(crate) organization_id: ID,
    /// The credential whose secret is replaced; left out for a new one.
    pub(crate) id: Option<ID>,
    /// The provider's slug.
    pub(crate) provider: String,
    pub(crate) label: String,
    #[graphql(secret)]
    pub(crate) secret: String,
}

#[derive(InputObject)]
pub(crate) struct RemoveCredentialInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct CredentialPayload {
    pub(crate) credential: Credential,
    #[graphql(flatten)]
    pub(crate) applied: Applied,
}

#[derive(InputObject)]
pub(crate) struct TestCredentialInput {
    pub(crate) organization_id: ID,
    pub(crate) id: ID,
}

/// What came of trying a credential: its provider was asked for a list of its models.
#[derive(SimpleObject)]
pub(crate) struct TestCredentialPayload {
    /// Whether the provider accepts it.
    ok: bool,
    /// The provider's HTTP status; null when there was no answer.
    status: Option<i32>,
    /// The models the provider names, at most 1000.
    models: Vec<String>,
    /// The same for people; without an answer, why there is none.
    message: String,
}

impl From<Tried> for TestCredentialPayload {
    fn from(tried: Tried) -> Self {
        Self {
            ok: tried.is_ok(),
            status: tried.status.map(i32::from),
            models: tried.models,
            message: tried.message,
        }
    }
}
