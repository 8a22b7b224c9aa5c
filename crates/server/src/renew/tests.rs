use std::fs::{self, File};

use anyhow::Context;

use super::*;

/// Two files that hold the same number when they belong together.
struct Pair(tempfile::TempDir);

impl Pair {
    fn new(number: u32) -> Self {
        let pair = Self(tempfile::tempdir().unwrap());
        pair.write("certificate", &number.to_string(), 0);
        pair.write("key", &number.to_string(), 0);
        pair
    }

    /// Writes a file, as of `minute`.
    fn write(&self, name: &str, text: &str, minute: u64) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(60 * minute);
        File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
    }

    fn open(&self) -> anyhow::Result<(u32, Files<u32>)> {
        let [certificate, key] = ["certificate", "key"].map(|name| self.0.path().join(name));
        let paths = vec![certificate.clone(), key.clone(), PathBuf::new()];
        Files::open("test", paths, move || {
            let number: u32 = fs::read_to_string(&certificate)?.parse()?;
            let is_pair = fs::read_to_string(&key)?.parse::<u32>()? == number;
            is_pair.then_some(number).context("they do not belong together")
        })
    }
}

#[test]
fn files_that_did_not_change_are_not_read_again() {
    let pair = Pair::new(1);
    let (first, mut files) = pair.open().unwrap();
    assert_eq!((first, files.look()), (1, None));
    pair.write("certificate", "rubbish", 0);
    assert_eq!(files.look(), None);
}

#[test]
fn a_pair_that_is_replaced_file_by_file_is_taken_when_it_is_whole() {
    let pair = Pair::new(1);
    let (_, mut files) = pair.open().unwrap();
    pair.write("certificate", "2", 1);
    assert_eq!(files.look(), None, "its key is not there yet");
    pair.write("key", "2", 1);
    assert_eq!((files.look(), files.look()), (Some(2), None));
    pair.write("key", "2", 2);
    assert_eq!(files.look(), Some(2), "any of the files counts");
}

#[test]
fn files_that_cannot_be_used_are_tried_until_they_can() {
    let pair = Pair::new(1);
    let (_, mut files) = pair.open().unwrap();
    pair.write("certificate", "rubbish", 1);
    assert_eq!(files.look(), None);
    fs::remove_file(pair.0.path().join("key")).unwrap();
    assert_eq!(files.look(), None);
    pair.write("key", "3", 2);
    pair.write("certificate", "3", 2);
    assert_eq!(files.look(), Some(3));
}

#[test]
fn what_cannot_be_read_at_first_is_an_error() {
    let pair = Pair::new(1);
    pair.write("key", "2", 0);
    assert_eq!(pair.open().err().unwrap().to_string(), "they do not belong together");
}
