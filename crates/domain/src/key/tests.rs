use super::*;

fn text(byte: u8) -> KeyText {
    KeyText::mint(KeyKind::Inference, &[byte; 32])
}

fn key(hash: KeyHash) -> Key {
    Key {
        id: KeyId::from_bits(1),
        org: OrgId::from_bits(1),
        team: None,
        member: None,
        name: "k".into(),
        kind: KeyKind::Inference,
        public_id: String::new(),
        label: String::new(),
        hash,
        previous: None,
        expires_at: None,
        revoked_at: None,
        requests_per_minute: None,
    }
}

#[test]
fn a_minted_key_has_the_documented_form() {
    for byte in [0, 1, 127, 255] {
        let minted = text(byte);
        assert_eq!(minted.expose().len(), "sk-weir-".len() + 43 + 6);
        assert!(KeyText::parse(minted.expose()).is_some());
    }
    assert_ne!(text(1).expose(), text(2).expose());
}

#[test]
fn one_wrong_character_anywhere_breaks_the_checksum() {
    let minted = text(42);
    for position in "sk-weir-".len()..minted.expose().len() {
        let mut wrong = minted.expose().to_owned().into_bytes();
        wrong[position] = if wrong[position] == b'x' { b'y' } else { b'x' };
        assert!(KeyText::parse(&String::from_utf8(wrong).unwrap()).is_none(), "position {position}");
    }
    assert!(KeyText::parse("sk-weir-").is_none());
    assert!(KeyText::parse(&format!("{}é", &minted.expose()[..minted.expose().len() - 2])).is_none());
}

#[test]
fn a_hash_depends_on_text_and_pepper() {
    let (one, two) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
    assert_eq!(text(1).hash(&one), text(1).hash(&one));
    assert_ne!(text(1).hash(&one), text(1).hash(&two));
    assert_ne!(text(1).hash(&one), text(2).hash(&one));
}

#[test]
fn a_label_shows_no_more_than_six_characters_of_the_secret() {
    let label = text(9).label();
    assert_eq!(label.chars().count(), "sk-weir-".len() + 3 + 1 + 3);
}

#[test]
fn a_rotated_keys_old_text_is_accepted_until_the_grace_ends() {
    let (old, new) = (KeyHash([1; 32]), KeyHash([2; 32]));
    let mut rotated = key(new);
    rotated.previous = Some((old, Timestamp::from_millis(10)));
    assert_eq!(rotated.accepts(&new, Timestamp::from_millis(99)), Ok(()));
    assert_eq!(rotated.accepts(&old, Timestamp::from_millis(9)), Ok(()));
    assert_eq!(rotated.accepts(&old, Timestamp::from_millis(10)), Err(KeyRefused::Rotated));
}

#[test]
fn a_revoked_or_expired_key_is_refused() {
    let hash = KeyHash([1; 32]);
    let now = Timestamp::from_millis(10);
    let mut revoked = key(hash);
    revoked.revoked_at = Some(now);
    assert_eq!(revoked.accepts(&hash, now), Err(KeyRefused::Revoked));
    let mut expired = key(hash);
    expired.expires_at = Some(now);
    assert_eq!(expired.accepts(&hash, now), Err(KeyRefused::Expired));
    assert_eq!(expired.accepts(&hash, Timestamp::from_millis(9)), Ok(()));
}
