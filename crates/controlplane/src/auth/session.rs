//! Refresh tokens: 256 random bits, of which only the SHA-256 is stored; each is used once.
//!
//! Invariant: a token that was used before ends every session that grew from the same log-in, since one of its two
//! users stole it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::PersonId;
use sha2::{Digest, Sha256};
use store::StoreError;

use crate::deps::Deps;
use crate::error::AdminError;

/// How long a session lasts without being used: two weeks.
pub(crate) const LIFETIME_SECONDS: i64 = 14 * 86_400;

/// Begins a session; answers its refresh token.
pub(crate) async fn open(deps: &Deps, person: PersonId) -> Result<String, AdminError> {
    let token = mint();
    let now = deps.clock.now();
    deps.store.open_session(person, digest(&token), now, now.plus_seconds(LIFETIME_SECONDS)).await?;
    Ok(token)
}

/// Uses up a refresh token; answers whose it is and the next one.
pub(crate) async fn rotate(deps: &Deps, presented: &str) -> Result<(PersonId, String), AdminError> {
    let token = mint();
    let now = deps.clock.now();
    let expires = now.plus_seconds(LIFETIME_SECONDS);
    match deps.store.rotate_session(digest(presented), digest(&token), now, expires).await {
        Ok(person) => Ok((person, token)),
        Err(StoreError::NotFound) => Err(AdminError::Unauthenticated("the session has ended; log in again")),
        Err(other) => Err(other.into()),
    }
}

/// Ends the session that a refresh token belongs to.
pub(crate) async fn close(deps: &Deps, presented: &str) -> Result<(), AdminError> {
    Ok(deps.store.close_session(digest(presented), deps.clock.now()).await?)
}

fn mint() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
