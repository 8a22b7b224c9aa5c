//! The first organization with its owner and keys.
//!
//! Invariant: makes nothing where an organization is there already, so that starting twice is harmless.

use domain::key::{Key, KeyKind, KeyText, Pepper};
use domain::org::{Member, Org, Role};
use domain::{Clock, KeyId, MemberId, OrgId, PersonId, Secret};
use store::{Author, Person, Store};

use crate::auth::password::{check_strength, hash_now};
use crate::error::AdminError;
use crate::service::input;

/// What the first organization shall be.
pub struct First {
    /// What people call it.
    pub org_name: String,
    /// What the owner logs in with.
    pub email: String,
    /// What people call the owner.
    pub owner_name: String,
    /// What the owner logs in with: 12 to 256 characters.
    pub password: Secret<String>,
}

/// What was made. The keys' texts are stored nowhere.
pub struct Made {
    /// The organization.
    pub org: OrgId,
    /// An inference key.
    pub api_key: Secret<String>,
    /// A management key with the owner's rights.
    pub management_key: Secret<String>,
}

/// Makes the first organization, its owner, an inference key and a management key; `None` when there is one already.
///
/// `keep` is called before anything is committed, so that what is shown once is never lost.
///
/// # Errors
/// [`AdminError`] for a wrong name, address or password, when `keep` fails, or when the database does not answer.
pub async fn first_org(
    store: &Store,
    clock: &dyn Clock,
    pepper: &Pepper,
    first: First,
    keep: impl FnOnce(&Made) -> std::io::Result<()> + Send,
) -> Result<Option<Made>, AdminError> {
    if !store.index().await?.is_empty() {
        return Ok(None);
    }
    let now = clock.now();
    check_strength("password", &first.password)?;
    let org = Org { id: OrgId::new(now, rand::random()), name: input::name("org_name", &first.org_name)? };
    let person = Person {
        id: PersonId::new(now, rand::random()),
        email: input::email("email", &first.email)?,
        name: input::name("owner_name", &first.owner_name)?,
        password_hash: hash_now(&first.password)?,
    };
    let owner = Member {
        id: MemberId::new(now, rand::random()),
        org: org.id,
        person: person.id,
        role: Role::Owner,
        team: None,
    };
    let (api_key, api_text) = mint("Quickstart", KeyKind::Inference, &owner, (pepper, clock));
    let (management_key, management_text) =
        mint("Quickstart management", KeyKind::Management, &owner, (pepper, clock));
    let mut tx = store.create_org(&org, Author::system(), now).await?;
    tx.insert_person(&person).await?;
    tx.insert_member(&owner).await?;
    tx.insert_key(&api_key).await?;
    tx.insert_key(&management_key).await?;
    let text = |text: KeyText| Secret::new(text.expose().to_owned());
    let made = Made { org: org.id, api_key: text(api_text), management_key: text(management_text) };
    keep(&made).map_err(AdminError::internal)?;
    tx.commit().await?;
    Ok(Some(made))
}

fn mint(name: &str, kind: KeyKind, owner: &Member, (pepper, clock): (&Pepper, &dyn Clock)) -> (Key, KeyText) {
    let text = KeyText::mint(kind, &rand::random());
    let key = Key {
        id: KeyId::new(clock.now(), rand::random()),
        org: owner.org,
        team: None,
        member: Some(owner.id),
        name: name.to_owned(),
        kind,
        public_id: text.public_id(),
        label: text.label(),
        hash: text.hash(pepper),
        previous: None,
        expires_at: None,
        revoked_at: None,
        requests_per_minute: None,
    };
    (key, text)
}
