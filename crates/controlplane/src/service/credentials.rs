//! Store, remove and try an organization's own provider secrets.
//!
//! Invariant: a secret is sealed, for its place, before it reaches the store; it is never read back here. Nodes open it.

use std::time::Duration;

use domain::org::Capability;
use domain::{CredentialId, Secret};
use policy::feed::CallOutcome;
use policy::record::Credential;
use policy::sealed::{Place, seal};

use super::policies::check_provider;
use super::{Changed, begin, commit, input};
use crate::auth::actor::Access;
use crate::deps::App;
use crate::error::AdminError;

/// No provider's keys are longer; service account files are.
const LONGEST_SECRET: usize = 16 * 1024;
/// A node gives a provider fifteen seconds.
const TEST_PATIENCE: Duration = Duration::from_secs(25);

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

/// What came of trying a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    /// The provider's status; `None`: there was no answer.
    pub(crate) status: Option<u16>,
    pub(crate) models: Vec<String>,
    /// For people.
    pub(crate) message: String,
}

impl Tried {
    /// Whether the provider accepts the credential.
    pub(crate) fn is_ok(&self) -> bool {
        self.status.is_some_and(is_success)
    }
}

/// Has a node ask the credential's provider for its models.
pub(crate) async fn test(app: &App, access: &Access, id: CredentialId) -> Result<Tried, AdminError> {
    let scope = access.scope(Capability::ManageCredentials)?;
    let credential = scope.credential(id).await?;
    let author = (access.author(), app.deps.clock.now());
    let detail = serde_json::json!({ "provider": credential.provider });
    scope.note(author, "test_credential", &id.to_string(), detail).await?;
    match app.deps.calls.ask(Some(access.org()), id, TEST_PATIENCE).await {
        Ok(outcome) => Ok(tried(outcome)),
        Err(nobody) => Ok(Tried { status: None, models: Vec::new(), message: nobody.to_string() }),
    }
}

fn tried(outcome: CallOutcome) -> Tried {
    let CallOutcome { status, models, problem, .. } = outcome;
    let message = match (status, problem) {
        (None, problem) => problem.unwrap_or_else(|| "the provider did not answer".to_owned()),
        (Some(401 | 403), _) => "the provider refuses the credential".to_owned(),
        (Some(status), _) if !is_success(status) => {
            format!("the provider answered with status {status}, which says nothing about the credential")
        }
        (Some(_), Some(problem)) => format!("the provider accepts the credential, but {problem}"),
        (Some(_), None) => "the provider accepts the credential".to_owned(),
    };
    Tried { status, models, message }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

fn check_secret(secret: &Secret<String>) -> Result<(), AdminError> {
    let length = secret.expose().len();
    if secret.expose().trim() != secret.expose() || !(1..=LONGEST_SECRET).contains(&length) {
        let message = format!("needs 1 to {LONGEST_SECRET} bytes without blanks around");
        return Err(AdminError::bad_input("secret", message));
    }
    Ok(())
}
