//! A number in a small file of its own.
//!
//! Invariant: a file that holds anything else is an error and never a number.

use std::fs;
use std::io;
use std::path::PathBuf;

use metering::ports::JournalError;

use crate::atomic;

/// A number that survives the process, or the absence of one.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    value: Option<u64>,
}

impl Mark {
    /// What is in the file at `path`, if there is one.
    pub(crate) fn read(path: PathBuf) -> Result<Self, JournalError> {
        let Some(text) = atomic::read(&path)? else { return Ok(Self { path, value: None }) };
        let number: Option<u64> =
            std::str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok());
        // Room for the next number.
        let value = number.filter(|number| *number < u64::MAX);
        let damaged = || JournalError::Damaged(format!("{} is no sequence number", path.display()));
        Ok(Self { value: Some(value.ok_or_else(damaged)?), path })
    }

    pub(crate) fn value(&self) -> Option<u64> {
        self.value
    }

    pub(crate) fn set(&mut self, value: u64) -> io::Result<()> {
        if self.value != Some(value) {
            atomic::replace(&self.path, format!("{value}\n").as_bytes())?;
            self.value = Some(value);
        }
        Ok(())
    }

    /// Sets a number that is never lowered.
    pub(crate) fn raise(&mut self, value: u64) -> io::Result<()> {
        if self.value.is_some_and(|before| before >= value) { Ok(()) } else { self.set(value) }
    }

    /// Takes the number away.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.value.is_some() {
            fs::remove_file(&self.path)?;
            self.value = None;
        }
        Ok(())
    }
}
