//! What processes share over Redis, where there is one.
//!
//! Invariant: Redis need not be up; nothing that matters is kept there.

use anyhow::Context;
use backplane::redis::{Redis, Settings};

use crate::config::Config;

/// The connection to Redis; `None` where none is configured.
///
/// # Errors
/// A URL or a certificate file that cannot be used.
pub(crate) fn redis(config: &Config) -> anyhow::Result<Option<Redis>> {
    let redis = &config.redis;
    if redis.url.is_empty() {
        return Ok(None);
    }
    let ca_pem = if redis.ca_file.as_os_str().is_empty() {
        None
    } else {
        let unreadable = || format!("{} (redis.ca_file) cannot be read", redis.ca_file.display());
        Some(std::fs::read(&redis.ca_file).with_context(unreadable)?)
    };
    let settings = Settings { url: redis.url.clone(), ca_pem, prefix: redis.prefix.clone() };
    Redis::connect(settings).context("redis.url cannot be used").map(Some)
}
