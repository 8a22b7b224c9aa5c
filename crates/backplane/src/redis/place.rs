//! Where Redis is, and why it could not be used, in an operator's words.
//!
//! Invariant: what is said names host and port, never user, password or content.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError,
    TlsCertificates,
};

use super::SettingsError;

/// How to reach one Redis.
pub(super) struct Place {
    client: Client,
    /// Host and port.
    name: Arc<str>,
}

/// Redis could not be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Redis at {place} {what}")]
pub(super) struct Failure {
    place: Arc<str>,
    pub(super) kind: Kind,
    what: String,
}

/// Whether waiting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It does not answer.
    Away,
    /// It answers, and refuses.
    Refuses,
}

impl Place {
    pub(super) fn new(url: &str, ca_pem: Option<Vec<u8>>) -> Result<Self, SettingsError> {
        let info = url.into_connection_info().map_err(|error| unusable(&error))?;
        let name = info.addr().to_string().into();
        // Messages and answers come on one connection only in the newer protocol.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        let client = match ca_pem {
            None => Client::open(info),
            Some(pem) => {
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
        };
        Ok(Self { client: client.map_err(|error| unusable(&error))?, name })
    }

    /// A new connection that answers within `patience` or fails.
    pub(super) async fn dial(
        &self,
        config: AsyncConnectionConfig,
        patience: Duration,
    ) -> Result<MultiplexedConnection, Failure> {
        let config = config.set_connection_timeout(Some(patience)).set_response_timeout(Some(patience));
        let dialled = self.client.get_multiplexed_async_connection_with_config(&config).await;
        dialled.map_err(|error| self.failure(&error))
    }

    pub(super) fn failure(&self, error: &RedisError) -> Failure {
        let (kind, what) = reason(error);
        Failure { place: Arc::clone(&self.name), kind, what }
    }

    pub(super) fn away(&self, what: impl fmt::Display) -> Failure {
        Failure { place: Arc::clone(&self.name), kind: Kind::Away, what: what.to_string() }
    }
}

fn reason(error: &RedisError) -> (Kind, String) {
    if error.is_timeout() {
        return (Kind::Away, "does not answer in time".to_owned());
    }
    if error.is_io_error() {
        return (Kind::Away, format!("cannot be reached: {error}"));
    }
    let code = error.code().unwrap_or_default();
    let asks_who = error.kind() == ErrorKind::AuthenticationFailed || matches!(code, "NOAUTH" | "WRONGPASS");
    if asks_who {
        return (Kind::Refuses, "refuses the user or the password in redis.url; correct it there".to_owned());
    }
    // An unknown command is refused with its arguments, which are ours to keep.
    let detail = error.detail().unwrap_or_else(|| error.category());
    let detail = detail.split(", with args").next().unwrap_or_default();
    (Kind::Refuses, format!("refuses: {code} {detail}"))
}

fn unusable(error: &RedisError) -> SettingsError {
    let why = match error.detail() {
        None => error.to_string(),
        Some(detail) => detail.to_owned(),
    };
    SettingsError(format!("redis.url or redis.ca_file is not usable: {why}"))
}
