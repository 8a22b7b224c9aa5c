use domain::ErrorCode;
use domain::key::{Key, KeyRefused};

use super::*;
use crate::record::{OrgChange, OrgObject};
use crate::sample::{self, NOW, pepper};

fn with_key(key: Key) -> PolicySnapshot {
    let mut org = sample::org();
    org.objects.retain(|object| !matches!(object, OrgObject::Key(_)));
    org.objects.push(OrgObject::Key(key));
    PolicySnapshot::build(sample::platform(), [org])
}

fn sample_key() -> Key {
    sample::key(1, sample::org_id())
}

fn authenticate(snapshot: &PolicySnapshot, number: u8) -> Result<Caller, Denial> {
    snapshot.authenticate(sample::key_text(number).expose(), &pepper(), NOW)
}

#[test]
fn a_key_leads_to_its_caller() {
    let caller = authenticate(&with_key(sample_key()), 1).unwrap();
    assert_eq!(caller.org_id(), sample::org_id());
    assert_eq!(caller.key_id(), sample_key().id);
    assert_eq!(caller.key_hash(), sample_key().hash);
}

#[test]
fn a_wrong_checksum_is_refused_before_any_look_up() {
    let snapshot = with_key(sample_key());
    let text = sample::key_text(1);
    let mut typo = text.expose().to_owned();
    typo.pop();
    for wrong in ["", "sk-weir-", "sk-or-v1-abc", typo.as_str(), "sk-weir-ü"] {
        assert_eq!(snapshot.authenticate(wrong, &pepper(), NOW).unwrap_err(), Denial::NotAKey, "{wrong}");
    }
}

#[test]
fn an_unknown_key_and_another_pepper_are_refused() {
    let snapshot = with_key(sample_key());
    assert_eq!(authenticate(&snapshot, 2).unwrap_err(), Denial::UnknownKey);
    let denial = snapshot.authenticate(sample::key_text(1).expose(), &Pepper::new([8; 32]), NOW).unwrap_err();
    assert_eq!(denial, Denial::UnknownKey);
}

#[test]
fn revoked_expired_and_rotated_keys_are_told_apart() {
    let refused = |key: Key| authenticate(&with_key(key), 1).unwrap_err();
    let revoked = Key { revoked_at: Some(NOW), ..sample_key() };
    assert_eq!(refused(revoked), Denial::KeyRefused(KeyRefused::Revoked));
    let expired = Key { expires_at: Some(NOW), ..sample_key() };
    assert_eq!(refused(expired), Denial::KeyRefused(KeyRefused::Expired));
    let next = sample::key(2, sample::org_id()).hash;
    let rotated = Key { hash: next, previous: Some((sample_key().hash, NOW)), ..sample_key() };
    assert_eq!(refused(rotated), Denial::KeyRefused(KeyRefused::Rotated));
}

#[test]
fn a_rotated_key_is_accepted_in_its_grace_period_beside_its_successor() {
    let next = sample::key(2, sample::org_id()).hash;
    let grace = Some((sample_key().hash, NOW.plus_seconds(1)));
    let snapshot = with_key(Key { hash: next, previous: grace, ..sample_key() });
    assert_eq!(authenticate(&snapshot, 1).unwrap().key_id(), sample_key().id);
    assert_eq!(authenticate(&snapshot, 2).unwrap().key_id(), sample_key().id);
}

#[test]
fn a_management_key_cannot_run_inference() {
    let text = KeyText::mint(KeyKind::Management, &[5; 32]);
    let key = Key { kind: KeyKind::Management, hash: text.hash(&pepper()), ..sample_key() };
    let denial = with_key(key).authenticate(text.expose(), &pepper(), NOW).unwrap_err();
    assert_eq!(denial, Denial::ManagementKey);
    assert_eq!(denial.code(), ErrorCode::PermissionDenied);
}

#[test]
fn a_revoked_key_is_refused_on_the_next_request() {
    let before = with_key(sample_key());
    let caller = authenticate(&before, 1).unwrap();
    let change = OrgChange {
        epoch: 1,
        org: sample::org_id(),
        revision: 2,
        previous: 1,
        put: vec![OrgObject::Key(Key { revoked_at: Some(NOW), ..sample_key() })],
        removed: Vec::new(),
    };
    let after = before.apply_change(change).unwrap();
    assert_eq!(authenticate(&after, 1).unwrap_err(), Denial::KeyRefused(KeyRefused::Revoked));
    assert_eq!(after.recall(&caller, NOW).unwrap_err(), Denial::KeyRefused(KeyRefused::Revoked));
    assert!(authenticate(&before, 1).is_ok(), "the older snapshot is immutable");
}
