//! Passwords: argon2id, a bounded number at a time.
//!
//! Invariant: checking the password of somebody who does not exist takes as long as checking a wrong one, so that the
//! time says nothing about who exists.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Secret;
use tokio::sync::Semaphore;

use crate::error::AdminError;

/// Each run holds 19 MiB and a core for some 40 ms.
const AT_ONCE: usize = 2;
/// Who comes when this many are waiting is sent away, instead of waiting for longer than a person would.
const WAITING: usize = 32;
/// A hash, with the parameters below, that no password has: what is checked when there is no such person.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Hashes and checks passwords.
#[derive(Clone)]
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }

    /// The stored form of `password`.
    pub(crate) async fn hash(&self, password: Secret<String>) -> Result<String, AdminError> {
        self.run(move || hash_now(&password)).await?
    }

    /// Whether `password` is the one with the hash `stored`; `None`: there is no such person, and the answer is no.
    pub(crate) async fn check(
        &self,
        password: Secret<String>,
        stored: Option<String>,
    ) -> Result<bool, AdminError> {
        self.run(move || {
            let hash =
                PasswordHash::new(stored.as_deref().unwrap_or(NOBODY)).map_err(AdminError::internal)?;
            let matches = hasher()?.verify_password(password.expose().as_bytes(), &hash).is_ok();
            Ok(matches && stored.is_some())
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AdminError> {
        let _admitted =
            self.admitted.try_acquire().map_err(|_| AdminError::RateLimited { retry_after_seconds: 2 })?;
        let _running = self.running.acquire().await.map_err(AdminError::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(AdminError::internal)
    }
}

/// The stored form of `password`, computed on this thread: some 40 ms.
pub(crate) fn hash_now(password: &Secret<String>) -> Result<String, AdminError> {
    let hash = hasher()?.hash_password(password.expose().as_bytes()).map_err(AdminError::internal)?;
    Ok(hash.to_string())
}

/// Refuses passwords that are too short to withstand guessing, or absurdly long.
pub(crate) fn check_strength(field: &str, password: &Secret<String>) -> Result<(), AdminError> {
    let length = password.expose().chars().count();
    if (SHORTEST..=LONGEST).contains(&length) {
        return Ok(());
    }
    Err(AdminError::bad_input(field, format!("has {length} characters; {SHORTEST} to {LONGEST} are needed")))
}

/// OWASP's minimum: 19 MiB, two passes, one lane.
fn hasher() -> Result<Argon2<'static>, AdminError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(AdminError::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests;
