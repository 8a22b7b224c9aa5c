//! One file of the log, named by the sequence number of its first record.
//!
//! Invariant: records lie behind each other without gap; a file that was closed ends with a whole record.

use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metering::ports::{JournalError, Record};
use wire::Wire;

use crate::frame::{HEADER_BYTES, any_after, payload_at};

const EXTENSION: &str = "log";

/// A file of the log.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<File>,
    pub(crate) bytes: u64,
}

/// Where a payload lies.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) length: usize,
}

/// A record with its number and its place.
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    pub(crate) record: Record,
    pub(crate) place: Place,
}

/// What was found in a segment.
pub(crate) struct Scanned {
    pub(crate) entries: Vec<Entry>,
    /// Bytes of a last record that was not wholly written; they were cut off.
    pub(crate) torn_bytes: u64,
}

impl Segment {
    /// A new, empty file.
    pub(crate) fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first:020}.{EXTENSION}"));
        let file = File::options().read(true).append(true).create_new(true).open(&path)?;
        Ok(Self { first, path, file: Arc::new(file), bytes: 0 })
    }

    /// The files there are, oldest first.
    pub(crate) fn list(folder: &Path) -> Result<Vec<Self>, JournalError> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let first = number.ok_or_else(|| damaged(&path, 0, &"its name is no sequence number"))?;
            let file = File::options().read(true).append(true).open(&path)?;
            let bytes = file.metadata()?.len();
            segments.push(Self { first, path, file: Arc::new(file), bytes });
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// Reads every record. In the last file, a tail that no whole record follows was being written when the process or
    /// the machine stopped, and is cut off.
    pub(crate) fn scan(&mut self, is_last: bool) -> Result<Scanned, JournalError> {
        let bytes = fs::read(&self.path)?;
        let (mut entries, mut offset) = (Vec::new(), 0);
        for sequence in self.first.. {
            let Some(payload) = payload_at(&bytes, offset) else { break };
            let record = Record::from_bytes(payload).map_err(|error| damaged(&self.path, offset, &error))?;
            let place = Place {
                file: Arc::clone(&self.file),
                offset: (offset + HEADER_BYTES) as u64,
                length: payload.len(),
            };
            entries.push(Entry { sequence, record, place });
            offset += HEADER_BYTES + payload.len();
        }
        let torn_bytes = (bytes.len() - offset) as u64;
        if torn_bytes > 0 {
            if !is_last || any_after(&bytes, offset) {
                return Err(damaged(&self.path, offset, &"no whole record, and others follow"));
            }
            self.cut(offset as u64)?;
        }
        Ok(Scanned { entries, torn_bytes })
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        self.file.sync_all()?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Place {
    /// The payload that lies here.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let mut payload = vec![0; self.length];
        self.file.read_exact_at(&mut payload, self.offset)?;
        Ok(payload)
    }
}

/// Damage, with the file and the place an operator has to look at.
pub(crate) fn damaged(path: &Path, offset: usize, why: &dyn Display) -> JournalError {
    JournalError::Damaged(format!("{} at byte {offset}: {why}", path.display()))
}
