//! Configuration: embedded defaults, then a file, then the environment, parsed once.
//!
//! Invariant: nothing else reads the environment; an unknown key is an error, never ignored.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use domain::Secret;
use serde::Deserialize;

pub(crate) const DEFAULTS: &str = include_str!("config.default.toml");

/// Everything that can be set; see `config.default.toml` for units and meaning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub node_name: String,
    pub secrets: Secrets,
    pub data: Data,
    pub admin: Admin,
    pub ops: Listener,
    pub link: Link,
    pub redis: Redis,
    pub store: Store,
    pub journal: Journal,
    pub upstream: Upstream,
    pub budget: Budget,
    pub notices: Notices,
    pub smtp: Smtp,
    pub sandbox: Sandbox,
    pub telemetry: Telemetry,
    pub shutdown: Shutdown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    pub master_key_file: PathBuf,
}

/// A certificate with its key; empty: none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

impl Tls {
    /// Whether there is a certificate.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.cert_file.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub listen: SocketAddr,
    pub body_limit_bytes: usize,
    pub body_timeout_ms: u64,
    pub tls: Tls,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub listen: SocketAddr,
    pub behind_tls_proxy: bool,
    pub propagation_timeout_ms: u64,
    pub tls: Tls,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub listen: SocketAddr,
    pub tls: Tls,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub listen: SocketAddr,
    pub url: String,
    pub token: String,
    pub contact_ms: u64,
    pub tls: LinkTls,
}

/// [`Tls`], and whom to trust at the other end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub ca_file: PathBuf,
}

impl LinkTls {
    /// The certificate alone.
    #[must_use]
    pub fn own(&self) -> Tls {
        Tls { cert_file: self.cert_file.clone(), key_file: self.key_file.clone() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub url: String,
    pub ca_file: PathBuf,
    pub prefix: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: String,
    pub migrate_url: String,
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
    pub drain_timeout_ms: u64,
    pub drain_most: usize,
    pub drain_also: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub lease_timeout_ms: u64,
    pub suspense_after_h: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    pub retry_after_s: u64,
    pub allow_private_networks: bool,
    pub admin_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub url: String,
    pub password: String,
    pub from: String,
    pub allow_plaintext: bool,
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
    pub notice_ms: u64,
    pub drain_ms: u64,
}

/// What a process is started as; decides what its configuration must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything in one process.
    Run,
    /// The control plane.
    Control,
    /// The data plane.
    Data,
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
        Ok(config)
    }

    /// Refuses what `role` cannot work with, and what would be open to others by mistake.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn check(&self, role: Role) -> anyhow::Result<()> {
        let admin = &self.admin;
        if role != Role::Data
            && !(admin.listen.ip().is_loopback() || admin.tls.is_set() || admin.behind_tls_proxy)
        {
            bail!(
                "admin.listen is {}: on an address that is not loopback the control plane needs a certificate \
                 (admin.tls.cert_file, admin.tls.key_file), or admin.behind_tls_proxy = true where a proxy ends TLS",
                admin.listen
            );
        }
        if role != Role::Data {
            if self.notices.retry_after_s == 0 {
                bail!("notices.retry_after_s is 0: at least 1 s is needed between two attempts");
            }
            self.courier()?;
        }
        let is_postgres =
            ["postgres://", "postgresql://"].iter().any(|scheme| self.store.url.starts_with(scheme));
        match role {
            Role::Run if !(self.store.url.is_empty() || self.store.url.starts_with("sqlite:")) => {
                bail!(
                    "store.url is not a sqlite: URL: `weir run` keeps its state in SQLite; for Postgres use `weir control` and `weir data`"
                )
            }
            Role::Control if !is_postgres => bail!("store.url must be a postgres:// URL for `weir control`"),
            Role::Control if !(self.link.listen.ip().is_loopback() || self.link.tls.own().is_set()) => bail!(
                "link.listen is {}: on an address that is not loopback the node link needs a certificate \
                 (link.tls.cert_file, link.tls.key_file)",
                self.link.listen
            ),
            Role::Control
                if !self.link.tls.ca_file.as_os_str().is_empty() && !self.link.tls.own().is_set() =>
            {
                bail!(
                    "link.tls.ca_file is set without link.tls.cert_file: nodes cannot be asked for certificates without TLS"
                )
            }
            Role::Data if self.link.url.is_empty() => {
                bail!("link.url is empty: `weir data` needs the address of a control plane's node link")
            }
            _ => Ok(()),
        }
    }

    /// What sends notices.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn courier(&self) -> Result<notices::Courier, notices::InvalidSettings> {
        let Smtp { url, password, from, allow_plaintext } = self.smtp.clone();
        let mail = notices::MailSettings { url, password: Secret::new(password), from, allow_plaintext };
        notices::Courier::new(notices::Settings {
            allow_private_networks: self.notices.allow_private_networks,
            mail: (!mail.url.is_empty()).then_some(mail),
            admin_url: self.notices.admin_url.clone(),
        })
    }

    /// What this machine is called among the nodes.
    #[must_use]
    pub fn name(&self) -> String {
        let host =
            || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        if self.node_name.is_empty() { host() } else { self.node_name.clone() }
    }

    /// Where the master key is.
    #[must_use]
    pub fn master_key_file(&self) -> PathBuf {
        let file = &self.secrets.master_key_file;
        if file.as_os_str().is_empty() { self.data_dir.join("master.key") } else { file.clone() }
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

/// The providers that the environment can connect: `openai` by `OPENAI_API_KEY`, and so on.
pub(crate) const CONNECTABLE: [&str; 14] = [
    "openai",
    "anthropic",
    "cerebras",
    "cohere",
    "deepinfra",
    "deepseek",
    "fireworks",
    "groq",
    "mistral",
    "nebius",
    "perplexity",
    "sambanova",
    "together",
    "xai",
];

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
    CONNECTABLE
        .into_iter()
        .filter_map(|provider| {
            let name = provider.to_ascii_uppercase();
            let api_key = read(&format!("{name}_API_KEY"))?;
            Some(FromEnvironment { provider, api_key, base_url: read(&format!("{name}_BASE_URL")) })
        })
        .collect()
}

#[cfg(test)]
mod tests;
