//! A node's disk: what a loss of power takes of it, what a torn write leaves, and older images of it.
//!
//! Invariant: what was synced stays; what was not is lost from some byte on, and nothing behind that byte survives.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::dice::Dice;

const JOURNAL: &str = "journal";
/// What is not in the journal's folder, and is replaced as a whole.
const SMALL: [&str; 3] = ["node", "watermark", "found"];

/// How long each file of a journal is, oldest first.
pub(crate) type Lengths = BTreeMap<PathBuf, u64>;

/// A copy of a node's data directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// The last place in its journal.
    pub(crate) end: u64,
    /// The life it was copied from.
    pub(crate) life: u64,
}

/// The journal's files in `data`.
pub(crate) fn lengths(data: &Path) -> io::Result<Lengths> {
    let folder = data.join(JOURNAL);
    if !folder.exists() {
        return Ok(Lengths::new());
    }
    let mut lengths = Lengths::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        lengths.insert(entry.path(), entry.metadata()?.len());
    }
    Ok(lengths)
}

/// Loses the journal's end from a byte on that is beyond what was `synced`; answers how many bytes that were.
pub(crate) fn lose_power(data: &Path, synced: &Lengths, dice: &mut Dice) -> io::Result<u64> {
    let written = lengths(data)?;
    let safe = |path: &PathBuf, length: u64| synced.get(path).copied().unwrap_or(0).min(length);
    let unsynced: u64 = written.iter().map(|(path, length)| length - safe(path, *length)).sum();
    let kept = dice.below(unsynced + 1);
    let mut left = kept;
    for (path, length) in &written {
        let safe = safe(path, *length);
        let stays = left.min(length - safe);
        left -= stays;
        if safe + stays == 0 {
            fs::remove_file(path)?;
        } else if safe + stays < *length {
            truncate(path, safe + stays)?;
        }
    }
    Ok(unsynced - kept)
}

/// Leaves of the last record, which was appended after `before`, only a part.
pub(crate) fn tear(data: &Path, before: &Lengths, dice: &mut Dice) -> io::Result<()> {
    let after = lengths(data)?;
    let Some((path, length)) = after.last_key_value() else { return Ok(()) };
    let whole = before.get(path).copied().unwrap_or(0);
    truncate(path, whole + dice.below(length.saturating_sub(whole)))
}

/// Copies everything there is in `data`.
pub(crate) fn image(data: &Path, end: u64, life: u64) -> io::Result<Image> {
    let logs = lengths(data)?.into_keys();
    let small = SMALL.iter().map(|name| data.join(name)).filter(|path| path.exists());
    let read = |path: PathBuf| fs::read(&path).map(|bytes| (path, bytes));
    Ok(Image { files: small.chain(logs).map(read).collect::<io::Result<_>>()?, end, life })
}

/// Puts `image` back where it was copied from.
pub(crate) fn restore(data: &Path, image: &Image) -> io::Result<()> {
    for path in lengths(data)?.keys() {
        fs::remove_file(path)?;
    }
    for name in SMALL {
        if data.join(name).exists() {
            fs::remove_file(data.join(name))?;
        }
    }
    image.files.iter().try_for_each(|(path, bytes)| fs::write(path, bytes))
}

fn truncate(path: &Path, length: u64) -> io::Result<()> {
    File::options().write(true).open(path)?.set_len(length)
}
