//! The master key on disk, and what is derived from it.
//!
//! Invariant: one file, mode 0600, made once; every other secret is HMAC-SHA-256 of it under a label, so that none is
//! stored and none leads back to another.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use domain::Secret;
use domain::key::Pepper;
use hmac::{Hmac, KeyInit, Mac};
use policy::sealed::MasterKey;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::config::Config;

/// What this installation's secrets are made of.
pub(crate) struct Secrets {
    root: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// Reads the master key, or makes it where it is to be in the data directory.
    ///
    /// # Errors
    /// An unreadable or malformed file, or one that others may read.
    pub(crate) fn load_or_create(config: &Config) -> anyhow::Result<Self> {
        let path = config.master_key_file();
        let is_ours = config.secrets.master_key_file.as_os_str().is_empty();
        if path.exists() || !is_ours {
            return Self::load(&path);
        }
        if config.data_dir.join("weir.db").exists() {
            bail!(
                "{} is gone, and nothing in the database can be read without it: put it back",
                path.display()
            );
        }
        // Whole or not at all, also where the process is killed in between.
        let root = Zeroizing::new(rand::random::<[u8; 32]>());
        let draft = path.with_extension("key.new");
        let _ = fs::remove_file(&draft);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(hex::encode(*root).as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        fs::File::open(&config.data_dir)?.sync_all()?;
        Ok(Self { root })
    }

    /// Reads the master key.
    ///
    /// # Errors
    /// A missing, unreadable or malformed file, or one that others may read.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let file = fs::metadata(path).with_context(|| {
            format!(
                "the master key {} cannot be read (secrets.master_key_file); all processes of a cluster need the same \
                 one, made once with: (umask 077; openssl rand -hex 32 > FILE)",
                path.display()
            )
        })?;
        let mode = file.permissions().mode();
        // A group may read it: that is how an orchestrator hands a file to one process.
        if mode & 0o037 != 0 {
            bail!("{} may be read by others (mode {:o}): chmod 600 it", path.display(), mode & 0o777);
        }
        let text = Zeroizing::new(fs::read_to_string(path)?);
        let mut root = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim(), root.as_mut())
            .with_context(|| format!("{} is not 64 hex digits", path.display()))?;
        Ok(Self { root })
    }

    fn derive(&self, label: &str) -> anyhow::Result<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.root.as_ref()).context("no key")?;
        mac.update(label.as_bytes());
        Ok(mac.finalize().into_bytes().into())
    }

    /// What provider secrets and the last-known-good policy are sealed with.
    pub(crate) fn master(&self) -> anyhow::Result<MasterKey> {
        Ok(MasterKey::new(self.derive("weir seal 1")?))
    }

    /// What key hashes are made with.
    pub(crate) fn pepper(&self) -> anyhow::Result<Pepper> {
        Ok(Pepper::new(self.derive("weir key pepper 1")?))
    }

    /// What nodes prove themselves with.
    pub(crate) fn node_token(&self, config: &Config) -> anyhow::Result<Secret<String>> {
        if config.link.token.is_empty() {
            return Ok(Secret::new(hex::encode(self.derive("weir node link 1")?)));
        }
        Ok(Secret::new(config.link.token.clone()))
    }

    /// Tells one master key from another, and nothing else about it.
    pub(crate) fn fingerprint(&self) -> anyhow::Result<String> {
        Ok(hex::encode(self.derive("weir master key fingerprint 1")?))
    }

    /// The seed of the signing key of sessions.
    pub(crate) fn signing_seed(&self) -> anyhow::Result<[u8; 32]> {
        self.derive("weir session signing 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_or_create(dir: &Path) -> anyhow::Result<Secrets> {
        Secrets::load_or_create(&Config { data_dir: dir.to_owned(), ..Config::load(None).unwrap() })
    }

    #[test]
    fn the_master_key_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_create(dir.path()).unwrap();
        let second = load_or_create(dir.path()).unwrap();
        assert_eq!(first.fingerprint().unwrap(), second.fingerprint().unwrap());
        assert_ne!(first.derive("a").unwrap(), first.derive("b").unwrap());
    }

    #[test]
    fn a_lost_master_key_is_not_replaced_beside_a_database() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("weir.db"), "").unwrap();
        assert!(load_or_create(dir.path()).is_err());
    }

    #[test]
    fn a_master_key_that_is_named_and_missing_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::load(None).unwrap() };
        config.secrets.master_key_file = dir.path().join("elsewhere.key");
        let error = Secrets::load_or_create(&config).err().map(|error| format!("{error:#}")).unwrap();
        assert!(error.contains("openssl rand"), "{error}");
    }

    #[test]
    fn a_master_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(load_or_create(dir.path()).unwrap());
        let path = dir.path().join("master.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_create(dir.path()).is_err());
    }
}
