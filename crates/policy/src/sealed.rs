//! Seals and opens provider secrets, and the node's last-known-good file, with the master key: AES-256-GCM-SIV.
//!
//! Invariant: a ciphertext opens only in the place it was sealed for (organization, credential, version, or label);
//! nowhere else is a provider's secret opened. The nonce is the caller's, since nothing here is random; should one ever
//! be used twice, GCM-SIV tells no more than whether two equal secrets were sealed for the same place.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use domain::{CredentialId, OrgId, Secret};

use crate::record::{Credential, Sealed};

const NONCE_BYTES: usize = 12;

/// The key everything is sealed with: 256 bits.
#[derive(Debug, Clone)]
pub struct MasterKey(Secret<[u8; 32]>);

impl MasterKey {
    /// A key of 256 random bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }
}

/// What a credential's ciphertext is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose it is; `None`: the platform's.
    pub org: Option<OrgId>,
    /// The credential.
    pub credential: CredentialId,
    /// Counts the replacements of its secret.
    pub version: u32,
}

impl From<&Credential> for Place {
    fn from(credential: &Credential) -> Self {
        Self { org: credential.org, credential: credential.id, version: credential.version }
    }
}

/// A ciphertext could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another master key, for another place, or was changed since.
    #[error("the sealed value does not open: wrong master key, moved from another place, or damaged")]
    NotAuthentic,
    /// What was sealed is no text.
    #[error("the sealed secret is not text")]
    NotText,
    /// There is more of it than the cipher takes.
    #[error("the value is too large to be sealed")]
    TooLarge,
}

/// Seals a provider's secret for `place`. `nonce` must be random.
///
/// # Errors
/// [`SealError::TooLarge`].
pub fn seal(
    master: &MasterKey,
    place: Place,
    secret: &Secret<String>,
    nonce: [u8; 12],
) -> Result<Sealed, SealError> {
    encrypt(master, &bound_to(place), secret.expose().as_bytes(), nonce).map(Sealed)
}

/// Opens a provider's secret that was sealed for `place`.
///
/// # Errors
/// [`SealError::NotAuthentic`] or [`SealError::NotText`].
pub fn open(master: &MasterKey, place: Place, sealed: &Sealed) -> Result<Secret<String>, SealError> {
    let bytes = Secret::new(decrypt(master, &bound_to(place), &sealed.0)?);
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| SealError::NotText)?;
    Ok(Secret::new(text.to_owned()))
}

/// Opens `credential`'s secret.
///
/// # Errors
/// As [`open`].
pub fn open_credential(master: &MasterKey, credential: &Credential) -> Result<Secret<String>, SealError> {
    open(master, Place::from(credential), &credential.sealed)
}

/// Seals anything else, bound to what `label` says it is. `nonce` must be random.
///
/// # Errors
/// [`SealError::TooLarge`].
pub fn seal_bytes(
    master: &MasterKey,
    label: &str,
    bytes: &[u8],
    nonce: [u8; 12],
) -> Result<Vec<u8>, SealError> {
    encrypt(master, &labelled(label), bytes, nonce)
}

/// Opens what [`seal_bytes`] sealed with the same label.
///
/// # Errors
/// [`SealError::NotAuthentic`].
pub fn open_bytes(master: &MasterKey, label: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    decrypt(master, &labelled(label), sealed)
}

fn encrypt(
    master: &MasterKey,
    aad: &[u8],
    msg: &[u8],
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, SealError> {
    let ciphertext = cipher(master).encrypt(&Nonce::from(nonce), Payload { msg, aad });
    let ciphertext = ciphertext.map_err(|_| SealError::TooLarge)?;
    Ok([nonce.as_slice(), &ciphertext].concat())
}

fn decrypt(master: &MasterKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, msg) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::NotAuthentic)?;
    let opened = cipher(master).decrypt(&Nonce::from(*nonce), Payload { msg, aad });
    opened.map_err(|_| SealError::NotAuthentic)
}

fn cipher(master: &MasterKey) -> Aes256GcmSiv {
    Aes256GcmSiv::new(master.0.expose().into())
}

fn bound_to(place: Place) -> Vec<u8> {
    let org = place.org.map(|org| org.to_bits().to_be_bytes());
    let org = org.as_ref().map_or(&[][..], |bytes| bytes);
    let credential = place.credential.to_bits().to_be_bytes();
    with_lengths(&[b"credential", org, &credential, &place.version.to_be_bytes()])
}

fn labelled(label: &str) -> Vec<u8> {
    with_lengths(&[b"label", label.as_bytes()])
}

/// Parts, each after its length, so that no two lists of parts give the same bytes.
fn with_lengths(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests;
