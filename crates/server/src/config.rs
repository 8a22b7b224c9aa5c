//! Configuration: embedded defaults, then a file, then the environment, parsed once.
//!
//! Invariant: nothing else reads the environment; an unknown key is an error, never ignored.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

pub(crate) const DEFAULTS: &str = include_str!("config.default.toml");

/// Everything that can be set; see `config.default.toml` for units and meaning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub data: Data,
    pub admin: Listener,
    pub ops: Listener,
    pub store: Store,
    pub journal: Journal,
    pub upstream: Upstream,
    pub budget: Budget,
    pub sandbox: Sandbox,
    pub telemetry: Telemetry,
    pub shutdown: Shutdown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub listen: SocketAddr,
    pub body_limit_bytes: usize,
    pub body_timeout_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub listen: SocketAddr,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    pub cap_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    pub connect_timeout_ms: u64,
    pub first_byte_timeout_ms: u64,
    pub whole_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub keep_alive_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub lease_timeout_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    Auto,
    On,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    pub enabled: Switch,
    pub listen: SocketAddr,
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log: String,
    pub otlp_endpoint: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    pub drain_ms: u64,
}

impl Config {
    /// Reads the defaults, `file` where given, and the environment.
    ///
    /// # Errors
    /// An unreadable file, a value of the wrong type, or an unknown key, named.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut sources =
            config::Config::builder().add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
        if let Some(file) = file {
            sources =
                sources.add_source(config::File::from(file).format(config::FileFormat::Toml).required(true));
        }
        let environment = config::Environment::with_prefix("WEIR").prefix_separator("__").separator("__");
        let config: Self = sources
            .add_source(environment.try_parsing(true))
            .build()
            .context("the configuration cannot be read")?
            .try_deserialize()
            .context("the configuration is wrong")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if !self.admin.listen.ip().is_loopback() {
            bail!(
                "admin.listen is {}: without TLS the control plane listens on a loopback address only",
                self.admin.listen
            );
        }
        if !(self.store.url.is_empty() || self.store.url.starts_with("sqlite:")) {
            bail!("store.url is not a sqlite: URL: `weir run` keeps its state in SQLite");
        }
        Ok(())
    }

    /// The database's URL.
    #[must_use]
    pub fn store_url(&self) -> String {
        if self.store.url.is_empty() {
            return format!("sqlite://{}?mode=rwc", self.data_dir.join("weir.db").display());
        }
        self.store.url.clone()
    }
}

/// A provider credential found in the environment.
pub struct FromEnvironment {
    pub provider: &'static str,
    pub api_key: String,
    pub base_url: Option<String>,
}

/// The providers that `*_API_KEY` connects, with their `*_BASE_URL`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one file that reads the environment")]
pub fn provider_credentials() -> Vec<FromEnvironment> {
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    [("openai", "OPENAI"), ("anthropic", "ANTHROPIC")]
        .into_iter()
        .filter_map(|(provider, name)| {
            let api_key = read(&format!("{name}_API_KEY"))?;
            Some(FromEnvironment { provider, api_key, base_url: read(&format!("{name}_BASE_URL")) })
        })
        .collect()
}

#[cfg(test)]
mod tests;
