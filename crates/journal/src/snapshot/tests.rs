use std::fs;
use std::path::Path;

use domain::Timestamp;

use super::*;

fn master(byte: u8) -> MasterKey {
    MasterKey::new([byte; 32])
}

fn claim(path: &Path) -> DataDir {
    DataDir::claim(path, Timestamp::from_millis(1), 1).unwrap()
}

fn good() -> LastKnownGood {
    LastKnownGood { epoch: 1, platform: policy::sample::platform(), orgs: vec![policy::sample::org()] }
}

#[test]
fn what_was_kept_is_there_in_the_next_life() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    assert_eq!(load(&dir, &master(1)).unwrap(), None);
    save(&dir, &master(1), &good(), [1; 12]).unwrap();
    let newer = LastKnownGood { epoch: 2, ..good() };
    save(&dir, &master(1), &newer, [2; 12]).unwrap();
    drop(dir);
    assert_eq!(load(&claim(folder.path()), &master(1)).unwrap(), Some(newer));
}

#[test]
fn nothing_of_it_can_be_read_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    save(&dir, &master(1), &good(), [1; 12]).unwrap();
    let sealed = fs::read(dir.join(FILE)).unwrap();
    let slug = good().platform.providers[0].slug.clone();
    assert!(!sealed.windows(slug.len()).any(|window| window == slug.as_bytes()));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    save(&dir, &master(1), &good(), [1; 12]).unwrap();
    let sealed = fs::read(dir.join(FILE)).unwrap();
    for position in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[position] ^= 1 << (position % 8);
        fs::write(dir.join(FILE), damaged).unwrap();
        let refused = load(&dir, &master(1));
        assert!(matches!(refused, Err(SnapshotError::Seal(SealError::NotAuthentic))), "byte {position}");
    }
}

#[test]
fn a_cut_or_empty_file_is_refused_and_is_not_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    save(&dir, &master(1), &good(), [1; 12]).unwrap();
    let sealed = fs::read(dir.join(FILE)).unwrap();
    for length in [0, 1, 12, 28, sealed.len() - 1] {
        fs::write(dir.join(FILE), &sealed[..length]).unwrap();
        assert!(load(&dir, &master(1)).is_err(), "{length} bytes");
    }
}

#[test]
fn another_master_key_does_not_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    save(&dir, &master(1), &good(), [1; 12]).unwrap();
    assert!(matches!(load(&dir, &master(2)), Err(SnapshotError::Seal(SealError::NotAuthentic))));
}

#[test]
fn what_is_authentic_and_not_understood_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = claim(folder.path());
    let sealed = seal_bytes(&master(1), LABEL, b"\x08\x01", [1; 12]).unwrap();
    fs::write(dir.join(FILE), sealed).unwrap();
    assert!(matches!(load(&dir, &master(1)), Err(SnapshotError::Wire(WireError::Missing(_)))));
}
