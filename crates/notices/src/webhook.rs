//! Messages to programs: a signed POST, in the form of the Standard Webhooks specification.
//!
//! Invariant: one request to one address that the guard has allowed; no redirect is followed, no proxy is asked, and of the
//! answer its status alone counts.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::redirect::Policy;
use reqwest::{Response, header};
use rustls::{ClientConfig, RootCertStore};
use sha2::Sha256;
use url::Url;

use crate::guard::{Guard, InvalidUrl, NoPublicAddress};
use crate::message::Message;
use crate::{InvalidDestination, Undelivered, last_cause};

/// From the first packet to the end of the answer. Seconds.
const PATIENCE_S: u64 = 10;
/// More of an answer is not read. Bytes.
const READ: usize = 1024;
/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// What a webhook verifies deliveries with, made of 256 random bits.
#[must_use]
pub fn new_secret(random: [u8; 32]) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// Calls webhooks.
pub(crate) struct Client {
    http: reqwest::Client,
    guard: Guard,
}

impl Client {
    /// A client that trusts the web's authorities.
    pub(crate) fn new(allow_private: bool) -> Result<Self, String> {
        let guard = Guard { allow_private };
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(guard))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(Duration::from_secs(PATIENCE_S))
            .pool_max_idle_per_host(1)
            .user_agent("Weir")
            .build()
            .map_err(|error| last_cause(&error))?;
        Ok(Self { http, guard })
    }

    /// The URL, if it may be called.
    pub(crate) fn check(&self, url: &str) -> Result<Url, InvalidUrl> {
        self.guard.check(url)
    }

    /// Delivers a message to `url`.
    pub(crate) async fn post(
        &self,
        url: &str,
        secret: &Secret<String>,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<(), Undelivered> {
        let url = self.check(url).map_err(InvalidDestination::from)?;
        let (id, body) = (message.id(), message.body().to_string());
        let timestamp = now.as_seconds();
        let signature = sign(secret, &id, timestamp, &body)?;
        let request = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        let answer = request.send().await.map_err(|error| undelivered(&error))?;
        let status = answer.status();
        drain(answer).await;
        if status.is_success() { Ok(()) } else { Err(Undelivered::Status(status.as_u16())) }
    }
}

/// Reads the beginning of an answer, so that a receiver that writes a short one is not cut off.
async fn drain(mut answer: Response) {
    let mut read = 0;
    while read < READ {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            _ => return,
        }
    }
}

/// `v1,` and the HMAC-SHA-256 over id, time and body.
fn sign(secret: &Secret<String>, id: &str, timestamp: i64, body: &str) -> Result<String, Undelivered> {
    const DAMAGED: Undelivered =
        Undelivered::Unsendable("the target's secret is damaged; make the target anew");
    let key = secret.expose().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    let key = Secret::new(key.ok_or(DAMAGED)?);
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).map_err(|_| DAMAGED)?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn undelivered(error: &reqwest::Error) -> Undelivered {
    if error.is_timeout() {
        return Undelivered::Silent(PATIENCE_S);
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(NoPublicAddress(name)) = error.downcast_ref() {
            return Undelivered::NotPublic(name.clone());
        }
        cause = error.source();
    }
    Undelivered::Unreachable(last_cause(error))
}

#[cfg(test)]
mod tests;
