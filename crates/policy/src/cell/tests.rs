use super::*;
use crate::feed::Heartbeat;
use crate::record::{ObjectRef, OrgObject};
use crate::sample::{self, NOW};

fn loaded() -> SnapshotCell {
    let cell = SnapshotCell::new();
    cell.install(sample::platform(), vec![sample::org()]);
    cell
}

fn change(previous: u64, revision: u64) -> OrgChange {
    OrgChange { epoch: 1, org: sample::org_id(), revision, previous, put: Vec::new(), removed: Vec::new() }
}

fn revision(cell: &SnapshotCell) -> u64 {
    cell.load().unwrap().org(sample::org_id()).unwrap().version().revision
}

#[test]
fn a_cell_that_was_never_loaded_holds_nothing_and_takes_no_message() {
    let cell = SnapshotCell::new();
    assert!(cell.load().is_none());
    assert_eq!(cell.apply(PolicyMessage::Change(change(0, 1))), Outcome::NotLoaded);
    assert_eq!(cell.apply(PolicyMessage::Platform(Box::new(sample::platform()))), Outcome::NotLoaded);
    assert_eq!(cell.apply(PolicyMessage::Lagged), Outcome::NotLoaded);
    let heartbeat = Heartbeat { epoch: 0, orgs: 0, revisions: 0, platform: 0 };
    assert_eq!(cell.apply(PolicyMessage::Heartbeat(heartbeat)), Outcome::NotLoaded);
    assert_eq!(cell.apply_org(sample::org()), Outcome::NotLoaded);
    assert!(cell.load().is_none());
}

#[test]
fn changes_apply_in_order_and_a_gap_names_the_organization() {
    let cell = loaded();
    assert_eq!(cell.apply(PolicyMessage::Change(change(1, 2))), Outcome::Applied);
    assert_eq!(cell.apply(PolicyMessage::Change(change(1, 2))), Outcome::Stale);
    assert_eq!(cell.apply(PolicyMessage::Change(change(3, 4))), Outcome::Gap(sample::org_id()));
    assert_eq!(revision(&cell), 2);
    assert_eq!(cell.apply_org(OrgRecords { revision: 4, ..sample::org() }), Outcome::Applied);
    assert_eq!(revision(&cell), 4);
}

#[test]
fn older_never_replaces_newer() {
    let cell = loaded();
    let org = |revision| OrgRecords { revision, ..sample::org() };
    let platform = |revision| PlatformRecords { revision, ..sample::platform() };
    assert_eq!(cell.apply_org(org(9)), Outcome::Applied);
    assert_eq!(cell.apply_platform(platform(9)), Outcome::Applied);
    assert_eq!(cell.apply_org(org(8)), Outcome::Stale);
    assert_eq!(cell.apply_platform(platform(8)), Outcome::Stale);
    cell.install(platform(7), vec![org(7)]);
    assert_eq!(revision(&cell), 9);
    assert_eq!(cell.load().unwrap().platform().version().revision, 9);
    cell.install(platform(10), vec![org(10)]);
    assert_eq!(revision(&cell), 10);
    assert_eq!(cell.load().unwrap().platform().version().revision, 10);
}

#[test]
fn an_older_revision_of_a_newer_epoch_replaces_what_is_held() {
    let cell = loaded();
    assert_eq!(cell.apply_org(OrgRecords { revision: 9, ..sample::org() }), Outcome::Applied);
    assert_eq!(cell.apply_platform(PlatformRecords { revision: 9, ..sample::platform() }), Outcome::Applied);
    let restored = Heartbeat { epoch: 2, ..cell.load().unwrap().heartbeat() };
    assert_eq!(cell.apply(PolicyMessage::Heartbeat(restored)), Outcome::Behind, "the sums alone do not tell");

    let platform = PlatformRecords { epoch: 2, revision: 3, ..sample::platform() };
    cell.install(platform, vec![OrgRecords { epoch: 2, revision: 4, objects: Vec::new(), ..sample::org() }]);
    let held = cell.load().unwrap();
    assert_eq!(held.heartbeat(), Heartbeat { epoch: 2, orgs: 1, revisions: 4, platform: 3 });
    assert!(
        held.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).is_err(),
        "not in the backup"
    );
    assert_eq!(cell.apply_org(OrgRecords { revision: 10, ..sample::org() }), Outcome::Stale, "a late answer");
}

#[test]
fn a_snapshot_in_use_does_not_change() {
    let cell = loaded();
    let before = cell.load().unwrap();
    let key = sample::key(1, sample::org_id()).id;
    let removed = OrgChange { removed: vec![ObjectRef::Key(key)], ..change(1, 2) };
    assert_eq!(cell.apply_change(removed), Outcome::Applied);
    let accepts = |snapshot: &PolicySnapshot| {
        snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).is_ok()
    };
    assert!(accepts(&before));
    assert!(!accepts(&cell.load().unwrap()));
}

#[test]
fn a_heartbeat_tells_whether_something_was_missed() {
    let cell = loaded();
    let heartbeat = cell.load().unwrap().heartbeat();
    assert_eq!(cell.apply(PolicyMessage::Heartbeat(heartbeat)), Outcome::InStep);
    let missed = Heartbeat { revisions: heartbeat.revisions + 1, ..heartbeat };
    assert_eq!(cell.apply(PolicyMessage::Heartbeat(missed)), Outcome::Behind);
    assert_eq!(cell.apply(PolicyMessage::Lagged), Outcome::Behind);
}

#[test]
fn a_removed_organization_stays_removed() {
    let cell = loaded();
    assert_eq!(cell.remove_org(sample::org_id()), Outcome::Applied);
    assert_eq!(cell.apply_org(sample::org()), Outcome::Stale);
    cell.install(sample::platform(), vec![sample::org()]);
    assert!(cell.load().unwrap().org(sample::org_id()).is_none());
}

#[test]
fn many_writers_end_with_the_newest() {
    let cell = loaded();
    std::thread::scope(|scope| {
        for start in 0..4_u64 {
            let cell = &cell;
            scope.spawn(move || {
                for step in 0..50 {
                    let objects = vec![OrgObject::Key(sample::key(1, sample::org_id()))];
                    let revision = 2 + start + step * 4;
                    cell.apply_org(OrgRecords { revision, objects, ..sample::org() });
                }
            });
        }
    });
    assert_eq!(revision(&cell), 201);
}
