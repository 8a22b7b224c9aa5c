//! Store and remove an organization's own provider secrets.
//!
//! Invariant: a secret is sealed, for its place, before it reaches the store; it is never read back here.

use domain::org::Capability;
use domain::{CredentialId, Secret};
use policy::record::Credential;
use policy::sealed::{Place, seal};

use super::policies::check_provider;
use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// No provider's keys are longer; service account files are.
const LONGEST_SECRET: usize = 16 * 1024;

/// A provider's secret to be kept.
pub(crate) struct NewCredential {
    /// The one whose secret is replaced.
    pub(crate) id: Option<CredentialId>,
    pub(crate) provider: String,
    pub(crate) label: String,
    pub(crate) secret: Secret<String>,
}

/// Seals and stores a provider's secret, or replaces the secret of one.
pub(crate) async fn store(
    app: &App,
    access: &Access,
    new: NewCredential,
) -> Result<Changed<Credential>, AdminError> {
    let scope = access.scope(Capability::ManageCredentials)?;
    check_provider("provider", &new.provider, &app.deps.store.provider_slugs().await?)?;
    check_secret(&new.secret)?;
    let before = match new.id {
        Some(id) => Some(scope.credential(id).await?),
        None => None,
    };
    let is_new = before.is_none();
    let id = before
        .as_ref()
        .map_or_else(|| CredentialId::new(app.deps.clock.now(), rand::random()), |known| known.id);
    let version = before.map_or(1, |known| known.version.saturating_add(1));
    let place = Place { org: Some(access.org()), credential: id, version };
    let object = Credential {
        id,
        org: Some(access.org()),
        provider: new.provider.to_ascii_lowercase(),
        label: input::name("label", &new.label)?,
        version,
        sealed: seal(&app.deps.master_key, place, &new.secret, rand::random())?,
    };
    let mut tx = begin(app, access, &scope).await?;
    if is_new {
        tx.insert_credential(&object).await?;
    } else {
        tx.update_credential(&object).await?;
    }
    Ok(Changed { object, revision: commit(app, tx).await? })
}

/// Forgets a provider's secret.
pub(crate) async fn remove(
    app: &App,
    access: &Access,
    id: CredentialId,
) -> Result<Changed<Credential>, AdminError> {
    let scope = access.scope(Capability::ManageCredentials)?;
    let object = scope.credential(id).await?;
    let mut tx = begin(app, access, &scope).await?;
    tx.remove_credential(id).await?;
    Ok(Changed { object, revision: commit(app, tx).await? })
}

fn check_secret(secret: &Secret<String>) -> Result<(), AdminError> {
    let length = secret.expose().len();
    if secret.expose().trim() != secret.expose() || !(1..=LONGEST_SECRET).contains(&length) {
        let message = format!("needs 1 to {LONGEST_SECRET} bytes without blanks around");
        return Err(AdminError::bad_input("secret", message));
    }
    Ok(())
}
