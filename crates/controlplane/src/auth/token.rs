//! Access tokens: JWTs signed with Ed25519, valid for five minutes.
//!
//! Invariant: one algorithm, ours; a token is checked with a key found by its `kid` among those we hold, never with
//! anything the token brings along.

use domain::{Clock, PersonId, Secret, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

/// How long an access token is valid.
pub(crate) const LIFETIME_SECONDS: i64 = 300;
/// How far the clocks of two control planes may differ.
const SKEW_SECONDS: i64 = 60;
const ISSUER: &str = "weir";
const AUDIENCE: &str = "weir-control";
/// What precedes the 32 bytes of an Ed25519 seed in PKCS#8 (RFC 8410 §7).
const PKCS8_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Signing keys could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the signing key of access tokens is not usable: {0}")]
pub struct InvalidSigningKey(#[from] jsonwebtoken::errors::Error);

/// The key that signs, and those that are still accepted after a rotation.
pub struct SigningKeys {
    current: EncodingKey,
    current_id: String,
    accepted: JwkSet,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    nbf: i64,
}

impl SigningKeys {
    /// Signs with the Ed25519 key of seed `current` (32 random bytes) and accepts also what `previous` signed.
    ///
    /// # Errors
    /// [`InvalidSigningKey`] when the crypto library does not take a seed.
    pub fn new(current: &Secret<[u8; 32]>, previous: &[Secret<[u8; 32]>]) -> Result<Self, InvalidSigningKey> {
        let signing = encoding_key(current);
        let first = public_key(&signing)?;
        let current_id = first.common.key_id.clone().unwrap_or_default();
        let mut keys = vec![first];
        for seed in previous {
            keys.push(public_key(&encoding_key(seed))?);
        }
        Ok(Self { current: signing, current_id, accepted: JwkSet { keys } })
    }

    /// The public keys, for `/.well-known/jwks.json`.
    pub(crate) fn public(&self) -> &JwkSet {
        &self.accepted
    }

    /// A token for `person`.
    pub(crate) fn issue(&self, person: PersonId, clock: &dyn Clock) -> Result<String, InvalidSigningKey> {
        let now = clock.now().as_seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: person.to_string(),
            exp: now + LIFETIME_SECONDS,
            nbf: now,
        };
        let header = Header { kid: Some(self.current_id.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &self.current)?)
    }

    /// Whose token this is, if it is valid now.
    pub(crate) fn verify(&self, token: &str, clock: &dyn Clock) -> Option<PersonId> {
        let kid = decode_header(token).ok()?.kid?;
        let key = DecodingKey::from_jwk(self.accepted.find(&kid)?).ok()?;
        let claims = decode::<Claims>(token, &key, &validation()).ok()?.claims;
        is_valid_at(&claims, clock.now()).then(|| claims.sub.parse().ok()).flatten()
    }
}

/// The library reads the system's clock; times are checked with ours, below.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation
}

fn is_valid_at(claims: &Claims, now: Timestamp) -> bool {
    let now = now.as_seconds();
    claims.nbf <= now + SKEW_SECONDS && now < claims.exp && claims.exp - claims.nbf <= LIFETIME_SECONDS
}

fn encoding_key(seed: &Secret<[u8; 32]>) -> EncodingKey {
    let der = zeroize::Zeroizing::new([PKCS8_HEAD.as_slice(), seed.expose().as_slice()].concat());
    EncodingKey::from_ed_der(&der)
}

fn public_key(key: &EncodingKey) -> Result<Jwk, InvalidSigningKey> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA)?;
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

#[cfg(test)]
mod tests;
