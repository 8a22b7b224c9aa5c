//! An organization's own provider secrets, sealed.
//!
//! Invariant: a removed credential is gone; the audit log shows its provider and label, never the secret, sealed or not.

use domain::CredentialId;
use policy::record::{Credential, ObjectRef, Sealed};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde_json::{Value, json};

use crate::column::Row;
use crate::entity::credential;
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::scope::{OrgScope, delete, one};
use crate::tx::PolicyTx;

impl TryFrom<credential::Model> for Credential {
    type Error = StoreError;
    fn try_from(row: credential::Model) -> Result<Self, StoreError> {
        let place = Row { table: "credentials", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            org: Some(place.parse(&row.org_id)?),
            version: place.number(row.version)?,
            sealed: unseal_text(place, &row.sealed)?,
            provider: row.provider,
            label: row.label,
        })
    }
}

impl OrgScope {
    /// Credentials, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials(&self, which: &Page) -> Result<Paged<Credential>, StoreError> {
        let by = (credential::Column::Id, Order::OldestFirst);
        page(&self.read().await?, self.rows::<credential::Entity>(), by, which, Credential::try_from).await
    }

    /// One credential.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn credential(&self, id: CredentialId) -> Result<Credential, StoreError> {
        one(self.rows::<credential::Entity>().filter(is(id)), &self.read().await?).await?.try_into()
    }
}

impl PolicyTx {
    /// Adds a credential.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists; [`StoreError::NotFound`] when there is no such provider.
    pub async fn insert_credential(&mut self, new: &Credential) -> Result<(), StoreError> {
        let row = self.row_of(new)?;
        let inserted = self.insert::<credential::Entity>(row).await;
        inserted.map_err(|error| error.or_conflict("this credential exists"))?;
        self.put(ObjectRef::Credential(new.id), "create_credential", detail(new));
        Ok(())
    }

    /// Replaces a credential's secret.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn update_credential(&mut self, changed: &Credential) -> Result<(), StoreError> {
        let row = self.row_of(changed)?;
        self.replace::<credential::Entity>(row, is(changed.id)).await?;
        self.put(ObjectRef::Credential(changed.id), "update_credential", detail(changed));
        Ok(())
    }

    /// Forgets a credential.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_credential(&mut self, id: CredentialId) -> Result<(), StoreError> {
        let gone = delete::<credential::Entity>(self.org()).filter(is(id)).exec(self.sql()).await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        self.removed(ObjectRef::Credential(id), "remove_credential");
        Ok(())
    }

    fn row_of(&self, credential: &Credential) -> Result<credential::Model, StoreError> {
        self.own(credential.org.ok_or(StoreError::NotFound)?)?;
        Ok(credential::Model {
            org_id: self.org().to_string(),
            id: credential.id.to_string(),
            provider: credential.provider.clone(),
            label: credential.label.clone(),
            version: credential.version.into(),
            sealed: hex::encode(&credential.sealed.0),
        })
    }
}

/// A ciphertext out of its column.
pub(crate) fn unseal_text(place: Row<'_>, text: &str) -> Result<Sealed, StoreError> {
    hex::decode(text).map(Sealed).map_err(|error| place.problem(error))
}

pub(crate) fn detail(credential: &Credential) -> Value {
    json!({ "provider": credential.provider, "label": credential.label, "version": credential.version })
}

fn is(id: CredentialId) -> Condition {
    Condition::all().add(credential::Column::Id.eq(id.to_string()))
}
