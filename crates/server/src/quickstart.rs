//! What a newcomer needs to begin: addresses, the first owner's login, the first keys; on disk and on the terminal.
//!
//! Invariant: the file is mode 0600 and is written whole or not at all; the fields are a contract of the README.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// `data/quickstart.json`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Quickstart {
    /// Where apps send requests; without `/v1`.
    pub(crate) data_url: String,
    pub(crate) admin_url: String,
    pub(crate) graphql_url: String,
    pub(crate) ops_url: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// An inference key.
    pub(crate) api_key: String,
    pub(crate) management_key: String,
    /// Where the simulated providers are; `null` when real ones are connected.
    pub(crate) sandbox: Option<String>,
}

impl Quickstart {
    fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("quickstart.json")
    }

    /// Reads the file of an earlier start.
    ///
    /// # Errors
    /// A file that is there and cannot be understood.
    pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(data_dir);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} cannot be understood", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub(crate) fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = Self::path(data_dir);
        let fresh = path.with_extension("json.new");
        let _ = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Removes the file, if it is there.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub(crate) fn forget(data_dir: &Path) -> anyhow::Result<()> {
        let path = Self::path(data_dir);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Says how to begin.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn print(&self, data_dir: &Path) -> std::io::Result<()> {
        let Self {
            data_url, admin_url, graphql_url, ops_url, email, password, api_key, management_key, ..
        } = self;
        let providers = match &self.sandbox {
            Some(url) => format!(
                "No provider credential was found in the environment: SIMULATED providers at {url} answer.\n\
                 Set OPENAI_API_KEY or ANTHROPIC_API_KEY and start again to connect the real ones."
            ),
            None => "Connected to the providers whose credentials are in the environment.".to_owned(),
        };
        write!(
            std::io::stdout(),
            "\nWeir is ready.\n\n{providers}\n\n  \
             API            {data_url}/v1\n  \
             API key        {api_key}\n  \
             web admin      {admin_url}\n  \
             login          {email}  {password}\n  \
             GraphQL        {graphql_url}\n  \
             management key {management_key}\n  \
             operations     {ops_url}/metrics\n\n\
             Try it:\n\n  \
             curl {data_url}/v1/chat/completions \\\n    \
             -H 'Authorization: Bearer {api_key}' -H 'Content-Type: application/json' \\\n    \
             -d '{{\"model\": \"openai/gpt-4.1-mini\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'\n\n\
             The same is in {}/quickstart.json (readable by you alone). Stop with Ctrl-C.\n",
            data_dir.display()
        )
    }
}

/// Says that Weir is ready where `quickstart.json` is gone, as it should be after the first day.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn print_without(config: &Config) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "\nWeir is ready: API on http://{}/v1, web admin on http://{}.\n\
         There is no quickstart.json: the first password and keys were shown when it was made.",
        config.data.listen,
        config.admin.listen
    )
}
