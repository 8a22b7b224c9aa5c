use super::*;

fn leaf(number: u8) -> [u8; 32] {
    [number; 32]
}

#[test]
fn every_leaf_and_its_place_change_the_root() {
    let roots = [
        merkle_root([]),
        merkle_root([leaf(1)]),
        merkle_root([leaf(1), leaf(2)]),
        merkle_root([leaf(2), leaf(1)]),
        merkle_root([leaf(1), leaf(2), leaf(3)]),
        merkle_root([leaf(1), leaf(2), leaf(3), leaf(3)]),
    ];
    for (place, root) in roots.iter().enumerate() {
        assert_eq!(roots.iter().position(|other| other == root), Some(place));
    }
}

#[test]
fn an_inner_node_is_no_leaf() {
    let inner = hash(&[&[1], &hash(&[&[0], &leaf(1)]), &hash(&[&[0], &leaf(2)])]);
    assert_eq!(merkle_root([leaf(1), leaf(2)]), hex::encode(inner));
    assert_ne!(merkle_root([inner]), merkle_root([leaf(1), leaf(2)]));
}

#[test]
fn a_digest_is_sha_256_of_compact_json() {
    assert_eq!(
        hex::encode(digest(&("a", 1, None::<u8>)).unwrap()),
        "0ae764bffd3a17b6454c8d9ebf712311d9b92efce67a4e4ea4f095fc05ed0122"
    );
}
