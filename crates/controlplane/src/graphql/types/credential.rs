//! A provider's secret of the organization's own, and what storing and removing one takes.
//!
//! Invariant: the secret goes in and never comes out; not even the sealed form is shown.

use async_graphql::{ID, InputObject, Object, SimpleObject};
use policy::record;

use crate::graphql::scalars::{Count, DateTime};

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
    /// The organization's policy revision that holds the change.
    pub(crate) revision: Count,
}
