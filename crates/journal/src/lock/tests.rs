use super::*;

fn claim(path: &Path, entropy: u128) -> Result<DataDir, ClaimError> {
    DataDir::claim(path, Timestamp::from_millis(1), entropy)
}

#[test]
fn a_data_directory_is_refused_while_another_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = claim(folder.path(), 1).unwrap();
    assert!(matches!(claim(folder.path(), 2), Err(ClaimError::Held(path)) if path == folder.path()));
    drop(first);
    assert!(claim(folder.path(), 3).is_ok());
}

#[test]
fn every_life_has_its_own_number_and_the_node_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let lives: Vec<Holder> = (0..3).map(|entropy| claim(folder.path(), entropy).unwrap().holder()).collect();
    assert_eq!(lives.iter().map(|life| life.incarnation).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(lives.iter().all(|life| life.node == NodeId::new(Timestamp::from_millis(1), 0)));
}

#[test]
fn a_damaged_identity_is_an_error_and_no_new_identity() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "node_1 1", "node_00000000000000000000000000000000 x", "\u{fffd}"] {
        fs::write(folder.path().join(NODE), text).unwrap();
        assert!(matches!(claim(folder.path(), 1), Err(ClaimError::Damaged(_))), "{text}");
    }
}
