use domain::key::Key;
use domain::{KeyId, Timestamp};

use super::*;
use crate::record::{Layer, OrgObject, Rules};
use crate::sample::{self, NOW};

fn snapshot() -> PolicySnapshot {
    PolicySnapshot::build(sample::platform(), [sample::org()])
}

fn change(epoch: u64, previous: u64, revision: u64) -> OrgChange {
    OrgChange { epoch, org: sample::org_id(), revision, previous, put: Vec::new(), removed: Vec::new() }
}

fn version(epoch: u64, revision: u64) -> Version {
    Version { epoch, revision }
}

fn accepts(snapshot: &PolicySnapshot, number: u8) -> bool {
    snapshot.authenticate(sample::key_text(number).expose(), &sample::pepper(), NOW).is_ok()
}

fn key_id(snapshot: &PolicySnapshot, number: u8) -> Option<KeyId> {
    let caller = snapshot.authenticate(sample::key_text(number).expose(), &sample::pepper(), NOW).ok()?;
    Some(caller.key_id())
}

#[test]
fn a_change_applies_to_what_it_starts_from_only() {
    let snapshot = snapshot();
    let next = snapshot.apply_change(change(1, 1, 2)).unwrap();
    assert_eq!(next.org(sample::org_id()).unwrap().version(), version(1, 2));
    let gap = NotApplied::Gap(sample::org_id());
    assert_eq!(next.apply_change(change(1, 3, 4)).unwrap_err(), gap);
    assert_eq!(
        next.apply_change(change(1, 1, 3)).unwrap_err(),
        gap,
        "a coalesced change may leave out what went"
    );
    assert_eq!(next.apply_change(change(1, 1, 2)).unwrap_err(), NotApplied::Stale);
    assert_eq!(next.apply_change(change(1, 0, 1)).unwrap_err(), NotApplied::Stale);
    assert_eq!(next.apply_change(change(0, 2, 3)).unwrap_err(), NotApplied::Stale, "an older epoch");
    assert_eq!(next.apply_change(change(2, 2, 3)).unwrap_err(), gap, "a newer epoch is loaded whole");
}

#[test]
fn a_newer_epoch_wins_over_a_larger_revision() {
    let records = |epoch, revision| OrgRecords { epoch, revision, ..sample::org() };
    let snapshot = PolicySnapshot::build(sample::platform(), [records(1, 9)]);
    assert_eq!(snapshot.apply_org(records(1, 9)).unwrap_err(), NotApplied::Stale);
    assert_eq!(snapshot.apply_org(records(1, 8)).unwrap_err(), NotApplied::Stale);
    let restored = snapshot.apply_org(records(2, 3)).unwrap();
    assert_eq!(restored.org(sample::org_id()).unwrap().version(), version(2, 3));
    assert_eq!(restored.apply_org(records(1, 100)).unwrap_err(), NotApplied::Stale);
}

#[test]
fn the_newer_of_two_records_is_built_in_whatever_order() {
    let records = |revision| OrgRecords { revision, ..sample::org() };
    for order in [[1, 2], [2, 1]] {
        let snapshot = PolicySnapshot::build(sample::platform(), order.map(records));
        assert_eq!(snapshot.org(sample::org_id()).unwrap().version().revision, 2);
    }
}

#[test]
fn a_change_puts_and_removes_objects() {
    let before = snapshot();
    let second = sample::key(2, sample::org_id());
    let put = OrgChange { put: vec![OrgObject::Key(second.clone())], ..change(1, 1, 2) };
    let after = before.apply_change(put).unwrap();
    assert!(accepts(&after, 1) && accepts(&after, 2));
    assert!(!accepts(&before, 2), "the snapshot before is unchanged");

    let removed = OrgChange { removed: vec![ObjectRef::Key(second.id)], ..change(1, 2, 3) };
    let after = after.apply_change(removed).unwrap();
    assert!(accepts(&after, 1) && !accepts(&after, 2));
}

#[test]
fn a_rotation_moves_the_hash() {
    let own = sample::key(1, sample::org_id());
    let rotated = Key { hash: sample::key(2, own.org).hash, previous: None, ..own.clone() };
    let after =
        snapshot().apply_change(OrgChange { put: vec![OrgObject::Key(rotated)], ..change(1, 1, 2) }).unwrap();
    assert!(!accepts(&after, 1));
    assert_eq!(key_id(&after, 2), Some(own.id));
}

#[test]
fn an_edit_elsewhere_in_the_organization_leaves_the_keys_index_shared() {
    let before = snapshot();
    let policy = OrgObject::Policy(sample::policy(1, Layer::Org, Rules::default()));
    let after = before.apply_change(OrgChange { put: vec![policy], ..change(1, 1, 2) }).unwrap();
    assert!(accepts(&after, 1));
    assert!(after.keys().shares_all_with(before.keys()));
}

#[test]
fn another_organization_cannot_take_a_key_over() {
    let thief = OrgId::from_bits(9);
    let stolen = Key { id: KeyId::from_bits(99), ..sample::key(1, thief) };
    let own = domain::org::Org { id: thief, name: "thief".to_owned() };
    let objects = vec![OrgObject::Org(own), OrgObject::Key(stolen)];
    let records = OrgRecords { epoch: 1, org: thief, revision: 1, objects };
    let after = snapshot().apply_org(records).unwrap();
    let owner = |snapshot: &PolicySnapshot| {
        let text = sample::key_text(1);
        snapshot.authenticate(text.expose(), &sample::pepper(), NOW).unwrap().org_id()
    };
    assert_eq!(owner(&after), sample::org_id());
    let after = after.remove_org(thief, version(1, 2)).unwrap();
    assert_eq!(owner(&after), sample::org_id(), "the thief's removal takes nothing with it");
}

#[test]
fn a_new_organization_begins_with_a_change_from_nothing() {
    let empty = PolicySnapshot::build(sample::platform(), []);
    let put = sample::org().objects;
    let snapshot = empty.apply_change(OrgChange { put: put.clone(), ..change(1, 0, 1) }).unwrap();
    assert!(accepts(&snapshot, 1));
    let later = OrgChange { put, ..change(1, 4, 5) };
    assert_eq!(empty.apply_change(later).unwrap_err(), NotApplied::Gap(sample::org_id()));
}

#[test]
fn a_removed_organization_is_gone_and_nothing_older_brings_it_back() {
    let removal = OrgChange { removed: vec![ObjectRef::Org(sample::org_id())], ..change(1, 1, 5) };
    let by_change = snapshot().apply_change(removal).unwrap();
    let by_source = snapshot().remove_org(sample::org_id(), version(1, 5)).unwrap();
    for after in [by_change, by_source] {
        assert!(after.org(sample::org_id()).is_none() && !accepts(&after, 1));
        for revision in [1, 5] {
            let records = OrgRecords { revision, ..sample::org() };
            assert_eq!(after.apply_org(records).unwrap_err(), NotApplied::Stale);
        }
        assert_eq!(after.apply_change(change(1, 0, 3)).unwrap_err(), NotApplied::Stale);
        assert!(after.apply_change(change(1, 5, 6)).is_err());
        let restored = after.apply_org(OrgRecords { epoch: 2, ..sample::org() }).unwrap();
        assert!(accepts(&restored, 1), "a restored database may have it again");
    }
}

#[test]
fn an_older_removal_removes_nothing() {
    let snapshot = PolicySnapshot::build(sample::platform(), [OrgRecords { revision: 9, ..sample::org() }]);
    assert_eq!(snapshot.remove_org(sample::org_id(), version(1, 8)).unwrap_err(), NotApplied::Stale);
}

#[test]
fn the_platform_follows_the_same_rule() {
    let records = |epoch, revision| PlatformRecords { epoch, revision, ..sample::platform() };
    let snapshot = PolicySnapshot::build(records(1, 5), []);
    assert_eq!(snapshot.apply_platform(records(1, 5)).unwrap_err(), NotApplied::Stale);
    assert_eq!(snapshot.apply_platform(records(0, 9)).unwrap_err(), NotApplied::Stale);
    assert_eq!(snapshot.apply_platform(records(2, 1)).unwrap().platform().version(), version(2, 1));
}

#[test]
fn a_heartbeat_sums_what_there_is() {
    let other = OrgRecords { org: OrgId::from_bits(9), revision: 7, objects: Vec::new(), ..sample::org() };
    let snapshot = PolicySnapshot::build(sample::platform(), [sample::org(), other]);
    let expected = Heartbeat { epoch: 1, orgs: 2, revisions: 8, platform: 1 };
    assert_eq!(snapshot.heartbeat(), expected);
    let removed = snapshot.remove_org(OrgId::from_bits(9), version(1, 8)).unwrap();
    assert_eq!(removed.heartbeat(), Heartbeat { orgs: 1, revisions: 1, ..expected });
    let platform = PlatformRecords { epoch: 2, ..sample::platform() };
    let mixed = snapshot.apply_platform(platform).unwrap();
    assert_eq!(
        mixed.heartbeat().epoch,
        1,
        "until every organization is of the new epoch, something is missing"
    );
}

#[test]
fn hostile_times_and_ids_do_not_panic() {
    let mut org = sample::org();
    let far = Timestamp::from_micros(i64::MIN);
    let key = Key {
        expires_at: Some(far),
        previous: Some((sample::key(3, org.org).hash, far)),
        ..sample::key(2, org.org)
    };
    org.objects.push(OrgObject::Key(key));
    org.revision = u64::MAX;
    let snapshot = PolicySnapshot::build(sample::platform(), [org]);
    assert!(!accepts(&snapshot, 2) && !accepts(&snapshot, 3));
    let max =
        OrgRecords { org: OrgId::from_bits(9), revision: u64::MAX, objects: Vec::new(), ..sample::org() };
    assert_eq!(snapshot.apply_org(max).unwrap().heartbeat().orgs, 2);
}

/// The organization's objects as text, in an order of their own.
fn contents(snapshot: &PolicySnapshot) -> Vec<String> {
    let objects = snapshot.org(sample::org_id()).unwrap().records().objects;
    let mut texts: Vec<_> = objects.iter().map(|object| format!("{object:?}")).collect();
    texts.sort();
    texts
}

#[test]
fn edits_one_by_one_lead_to_the_same_as_loading_the_whole() {
    let mut edited = snapshot();
    for step in 1..200_u64 {
        let number = u8::try_from(step * 7 % 5).unwrap();
        let other = u8::try_from(step * 3 % 11).unwrap();
        let own = sample::key(number, sample::org_id());
        let removes = step % 4 == 0;
        // Sometimes another key's text, sometimes one in its grace period.
        let previous = (step % 3 == 0).then(|| (sample::key(other, own.org).hash, NOW.plus_seconds(60)));
        let changed = Key { hash: sample::key(other + 20, own.org).hash, previous, ..own.clone() };
        let change = OrgChange {
            put: if removes { Vec::new() } else { vec![OrgObject::Key(changed)] },
            removed: if removes { vec![ObjectRef::Key(own.id)] } else { Vec::new() },
            ..change(1, step, step + 1)
        };
        edited = edited.apply_change(change).unwrap();
        let whole = edited.org(sample::org_id()).unwrap().records();
        let loaded = PolicySnapshot::build(sample::platform(), [whole]);
        assert_eq!(contents(&edited), contents(&loaded));
        for text in 0..40 {
            assert_eq!(accepts(&edited, text), accepts(&loaded, text), "key {text} after step {step}");
        }
    }
}
