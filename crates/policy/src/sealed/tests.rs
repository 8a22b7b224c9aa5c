use super::*;

const NONCE: [u8; 12] = [9; 12];

fn master() -> MasterKey {
    MasterKey::new([1; 32])
}

fn place(org: Option<u128>, credential: u128, version: u32) -> Place {
    Place { org: org.map(OrgId::from_bits), credential: CredentialId::from_bits(credential), version }
}

fn sealed(place: Place) -> Sealed {
    seal(&master(), place, &Secret::new("sk-provider".to_owned()), NONCE).unwrap()
}

#[test]
fn a_secret_opens_in_its_place() {
    for place in [place(Some(1), 2, 3), place(None, 2, 3)] {
        assert_eq!(open(&master(), place, &sealed(place)).unwrap().expose(), "sk-provider");
    }
}

#[test]
fn two_organizations_rows_cannot_be_swapped() {
    let (one, other) = (place(Some(1), 2, 3), place(Some(9), 2, 3));
    assert_eq!(open(&master(), other, &sealed(one)).unwrap_err(), SealError::NotAuthentic);
    assert_eq!(open(&master(), one, &sealed(other)).unwrap_err(), SealError::NotAuthentic);
}

#[test]
fn a_secret_opens_nowhere_else() {
    let sealed = sealed(place(Some(1), 2, 3));
    for elsewhere in [place(None, 2, 3), place(Some(1), 4, 3), place(Some(1), 2, 4), place(Some(2), 1, 3)] {
        assert_eq!(
            open(&master(), elsewhere, &sealed).unwrap_err(),
            SealError::NotAuthentic,
            "{elsewhere:?}"
        );
    }
    let other_master = MasterKey::new([2; 32]);
    assert_eq!(open(&other_master, place(Some(1), 2, 3), &sealed).unwrap_err(), SealError::NotAuthentic);
}

#[test]
fn every_byte_is_authenticated_and_a_cut_text_opens_never() {
    let place = place(Some(1), 2, 3);
    let whole = sealed(place).0;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(open(&master(), place, &Sealed(changed)).is_err(), "byte {at}");
        assert!(open(&master(), place, &Sealed(whole[..at].to_vec())).is_err(), "{at} bytes");
    }
}

#[test]
fn the_ciphertext_does_not_show_the_secret() {
    let sealed = sealed(place(Some(1), 2, 3)).0;
    assert_eq!(sealed[..12], NONCE);
    assert!(!sealed.windows(4).any(|window| window == b"prov"));
    assert_eq!(format!("{:?}", master()), "MasterKey(Secret(…))");
}

#[test]
fn labelled_bytes_open_under_their_label_only() {
    let sealed = seal_bytes(&master(), "last-known-good", b"\xff\x00", NONCE).unwrap();
    assert_eq!(open_bytes(&master(), "last-known-good", &sealed).unwrap(), b"\xff\x00");
    assert_eq!(open_bytes(&master(), "journal", &sealed).unwrap_err(), SealError::NotAuthentic);
}

#[test]
fn a_secret_that_is_no_text_is_refused() {
    let place = place(None, 1, 1);
    let binary = Sealed(encrypt(&master(), &bound_to(place), b"\xff\xfe", NONCE).unwrap());
    assert_eq!(open(&master(), place, &binary).unwrap_err(), SealError::NotText);
}

#[test]
fn different_places_are_never_bound_alike() {
    let all = [
        bound_to(place(None, 1, 1)),
        bound_to(place(Some(1), 1, 1)),
        bound_to(place(Some(0), 1, 1)),
        labelled("credential"),
        labelled(""),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[index + 1..].contains(one));
    }
}
