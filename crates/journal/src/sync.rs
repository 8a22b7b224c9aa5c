//! Syncs written files in groups, beside the hot path.
//!
//! Invariant: what was written is on disk at most one interval and one sync later; the thread ends with its owner, and
//! has synced everything by then.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A thread that syncs.
#[derive(Debug)]
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    wake: Condvar,
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct Pending {
    files: Vec<Arc<File>>,
    stop: bool,
}

impl Syncer {
    /// Starts the thread; it syncs at most once in each `interval`.
    pub(crate) fn start(interval: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("journal-sync".into()).spawn(move || theirs.run(interval))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Notes that `file` (or folder) has something to be synced.
    pub(crate) fn wrote(&self, file: &Arc<File>) {
        let mut pending = self.shared.pending.lock();
        if !pending.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            pending.files.push(Arc::clone(file));
            self.shared.wake.notify_one();
        }
    }

    /// Whether a sync has failed: the system may then have dropped what was written, and says so only once.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.pending.lock().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: nothing it calls does.
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, interval: Duration) {
        loop {
            let (files, stop) = self.next();
            for file in &files {
                if let Err(error) = file.sync_data() {
                    self.failed.store(true, Ordering::Release);
                    tracing::error!(error = %error, "the journal cannot be synced to disk; no request is admitted");
                }
            }
            if stop {
                return;
            }
            let mut pending = self.pending.lock();
            if !pending.stop {
                self.wake.wait_while_for(&mut pending, |pending| !pending.stop, interval);
            }
        }
    }

    /// Waits for something to sync, or for the end.
    fn next(&self) -> (Vec<Arc<File>>, bool) {
        let mut pending = self.pending.lock();
        self.wake.wait_while(&mut pending, |pending| pending.files.is_empty() && !pending.stop);
        (std::mem::take(&mut pending.files), pending.stop)
    }
}
