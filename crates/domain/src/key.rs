//! Keys: their text, its checksum, and what is stored instead of it.
//!
//! Invariant: the text of a key is seen once, when it is minted; what is stored is an HMAC under the pepper and the
//! public id, and neither leads back to it. A wrong checksum is refused without a look-up.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::id::{KeyId, MemberId, OrgId, TeamId};
use crate::secret::Secret;
use crate::time::Timestamp;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY_DIGITS: usize = 43;
const CHECK_DIGITS: usize = 6;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Requests to models; begins `sk-weir-`.
    Inference,
    /// The control plane's GraphQL, with the rights of the member it belongs to; begins `mk-weir-`.
    Management,
}

impl KeyKind {
    /// What a key's text begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Inference => "sk-weir-",
            Self::Management => "mk-weir-",
        }
    }

    /// `inference` or `management`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Management => "management",
        }
    }

    /// The kind with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Inference, Self::Management].into_iter().find(|kind| kind.name() == name)
    }
}

/// HMAC-SHA-256 of a key's text under the pepper: what a key is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

/// The server-side secret that key hashes are made with.
#[derive(Debug, Clone)]
pub struct Pepper(Secret<[u8; 32]>);

impl Pepper {
    /// A pepper of 256 random bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }
}

/// The text of a key, checksum verified. Has no `Debug`.
pub struct KeyText {
    kind: KeyKind,
    text: Zeroizing<String>,
}

impl KeyText {
    /// A new key of 256 bits of `entropy`.
    #[must_use]
    pub fn mint(kind: KeyKind, entropy: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(kind.prefix());
        push_base62(&mut text, entropy, BODY_DIGITS);
        let check = crc32fast::hash(text.as_bytes());
        push_base62(&mut text, &check.to_be_bytes(), CHECK_DIGITS);
        Self { kind, text }
    }

    /// Reads a key's text; `None` when prefix, length, alphabet or checksum is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind =
            [KeyKind::Inference, KeyKind::Management].into_iter().find(|k| text.starts_with(k.prefix()))?;
        let body = text.strip_prefix(kind.prefix())?;
        if body.len() != BODY_DIGITS + CHECK_DIGITS || !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let (signed, check) = text.split_at_checked(text.len() - CHECK_DIGITS)?;
        let mut expected = String::with_capacity(CHECK_DIGITS);
        push_base62(&mut expected, &crc32fast::hash(signed.as_bytes()).to_be_bytes(), CHECK_DIGITS);
        (check == expected).then(|| Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// What it may be used for.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The text itself, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What it is stored and looked up by.
    #[must_use]
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        let mut mac = match Hmac::<Sha256>::new_from_slice(pepper.0.expose()) {
            Ok(mac) => mac,
            // HMAC takes keys of every length; the type cannot say so.
            Err(_) => return KeyHash([0; 32]),
        };
        mac.update(self.text.as_bytes());
        KeyHash(mac.finalize().into_bytes().into())
    }

    /// The public id: lowercase hex SHA-256 of the text.
    #[must_use]
    pub fn public_id(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// The text with its middle left out, for lists: `sk-weir-AbC…xyz`.
    #[must_use]
    pub fn label(&self) -> String {
        let head = self.text.get(..self.kind.prefix().len() + 3).unwrap_or_default();
        let tail = self.text.get(self.text.len() - 3..).unwrap_or_default();
        format!("{head}…{tail}")
    }
}

fn push_base62(text: &mut String, bytes: &[u8], digits: usize) {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut reversed = Zeroizing::new(Vec::with_capacity(digits));
    for _ in 0..digits {
        let mut rest = 0_usize;
        for byte in number.iter_mut() {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(0);
            rest = value % 62;
        }
        reversed.push(char::from(ALPHABET.get(rest).copied().unwrap_or(b'0')));
    }
    text.extend(reversed.iter().rev());
}

/// A key as stored: whose it is, what it is looked up by, and until when it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its identity, kept when it is rotated.
    pub id: KeyId,
    /// The organization.
    pub org: OrgId,
    /// The team its usage belongs to.
    pub team: Option<TeamId>,
    /// The member its usage belongs to; a management key has this member's rights.
    pub member: Option<MemberId>,
    /// What people call it.
    pub name: String,
    /// What it may be used for.
    pub kind: KeyKind,
    /// Lowercase hex SHA-256 of the current text.
    pub public_id: String,
    /// The current text with its middle left out.
    pub label: String,
    /// What the current text is looked up by.
    pub hash: KeyHash,
    /// After a rotation: what the text before is looked up by, and until when it is still accepted.
    pub previous: Option<(KeyHash, Timestamp)>,
    /// When it stops being accepted.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// How many requests it may make in a minute, at least 1; `None`: no limit of its own.
    pub requests_per_minute: Option<u32>,
}

/// Why a key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// It was revoked.
    #[error("this key was revoked")]
    Revoked,
    /// It has expired.
    #[error("this key has expired")]
    Expired,
    /// It was rotated and the grace period is over, or it is another key's text.
    #[error("this key was rotated, and its grace period is over")]
    Rotated,
}

impl Key {
    /// Whether the text with this hash is accepted at `now`.
    ///
    /// # Errors
    /// [`KeyRefused`] says why not.
    pub fn accepts(&self, hash: &KeyHash, now: Timestamp) -> Result<(), KeyRefused> {
        if self.revoked_at.is_some() {
            return Err(KeyRefused::Revoked);
        }
        if self.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(KeyRefused::Expired);
        }
        let in_grace = self.previous.is_some_and(|(previous, until)| previous == *hash && now < until);
        if self.hash == *hash || in_grace { Ok(()) } else { Err(KeyRefused::Rotated) }
    }
}

#[cfg(test)]
mod tests;
