//! What is read from files again when they change, so that a replaced certificate needs no restart.
//!
//! Invariant: files that cannot be used change nothing, and are tried again until they can.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::LinkTls;
use crate::process::Process;

/// Files are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Files, and how to read what they hold together.
pub(crate) struct Files<C> {
    /// The table of the configuration that names them.
    setting: &'static str,
    paths: Vec<PathBuf>,
    read: Box<dyn Fn() -> anyhow::Result<C> + Send>,
    /// When each was changed, as of what was last read.
    known: Vec<Option<SystemTime>>,
}

impl<C> Files<C> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn open(
        setting: &'static str,
        paths: Vec<PathBuf>,
        read: impl Fn() -> anyhow::Result<C> + Send + 'static,
    ) -> anyhow::Result<(C, Self)> {
        // Before they are read, so that no change falls between the two.
        let known = changed(&paths);
        Ok((read()?, Self { setting, paths, read: Box::new(read), known }))
    }

    /// What the files hold, if they changed and can be used.
    fn look(&mut self) -> Option<C> {
        let found = changed(&self.paths);
        if found == self.known {
            return None;
        }
        match (self.read)() {
            Ok(fresh) => {
                self.known = found;
                tracing::info!(setting = self.setting, "a new certificate is in use");
                Some(fresh)
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(setting = self.setting, error, "a new certificate cannot be used");
                None
            }
        }
    }

    /// Gives `take` whatever the files hold next, until `stop`.
    pub(crate) async fn follow(mut self, stop: CancellationToken, take: impl Fn(C)) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            self.look().into_iter().for_each(&take);
        }
    }
}

fn changed(paths: &[PathBuf]) -> Vec<Option<SystemTime>> {
    paths.iter().map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok()).collect()
}

/// How new connections of the node link speak TLS: `read` from the files of `link.tls`, also those that replace them.
///
/// # Errors
/// Which file cannot be used.
pub(crate) fn link<C: Send + Sync + 'static>(
    process: &Process,
    read: fn(&LinkTls) -> anyhow::Result<Arc<C>>,
) -> anyhow::Result<watch::Receiver<Arc<C>>> {
    let tls = process.config.link.tls.clone();
    let paths = vec![tls.cert_file.clone(), tls.key_file.clone(), tls.ca_file.clone()];
    let (first, files) = Files::open("link", paths, move || read(&tls))?;
    let (current, seen) = watch::channel(first);
    process.tasks.spawn(files.follow(process.stop.clone(), move |fresh| {
        current.send_replace(fresh);
    }));
    Ok(seen)
}

#[cfg(test)]
mod tests;
