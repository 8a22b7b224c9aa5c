//! The master key on disk, and what is derived from it.
//!
//! Invariant: one file, mode 0600, made once; every other secret is HMAC-SHA-256 of it under a label, so that none is
//! stored and none leads back to another.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use domain::key::Pepper;
use hmac::{Hmac, KeyInit, Mac};
use policy::sealed::MasterKey;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What this installation's secrets are made of.
pub(crate) struct Secrets {
    root: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// Reads `master.key` in `data_dir`, or makes it.
    ///
    /// # Errors
    /// An unreadable or malformed file, or one that others may read.
    pub(crate) fn load_or_create(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("master.key");
        if !path.exists() {
            let fresh = Zeroizing::new(rand::random::<[u8; 32]>());
            if data_dir.join("weir.db").exists() {
                bail!(
                    "{} is gone, and nothing in the database can be read without it: put it back",
                    path.display()
                );
            }
            // Whole or not at all, also where the process is killed in between.
            let draft = path.with_extension("key.new");
            let _ = fs::remove_file(&draft);
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(hex::encode(*fresh).as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            fs::File::open(data_dir)?.sync_all()?;
            return Ok(Self { root: fresh });
        }
        let mode = fs::metadata(&path)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("{} may be read by others (mode {:o}): chmod 600 it", path.display(), mode & 0o777);
        }
        let text = Zeroizing::new(fs::read_to_string(&path)?);
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

    /// The seed of the signing key of sessions.
    pub(crate) fn signing_seed(&self) -> anyhow::Result<[u8; 32]> {
        self.derive("weir session signing 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_key_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_create(dir.path()).unwrap();
        let second = Secrets::load_or_create(dir.path()).unwrap();
        assert_eq!(first.derive("a").unwrap(), second.derive("a").unwrap());
        assert_ne!(first.derive("a").unwrap(), first.derive("b").unwrap());
    }

    #[test]
    fn a_lost_master_key_is_not_replaced_beside_a_database() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("weir.db"), "").unwrap();
        assert!(Secrets::load_or_create(dir.path()).is_err());
    }

    #[test]
    fn a_master_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Secrets::load_or_create(dir.path()).unwrap());
        let path = dir.path().join("master.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secrets::load_or_create(dir.path()).is_err());
    }
}
