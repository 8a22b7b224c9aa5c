//! Changes of policy, what they leave behind, and what publishers and nodes are told.

use std::collections::HashMap;

use domain::key::KeyHash;
use domain::limit::BudgetScope;
use domain::org::{Member, Org, Role, Team};
use domain::{CredentialId, MemberId, OrgId, PersonId, PolicyId, TeamId};
use futures::future::join_all;
use policy::record::{
    Credential, Layer, ObjectRef, OrgObject, OrgRecords, Policy, Rate, RateUnit, Rules, Sealed, Unaffordable,
    UnknownPrice,
};
use policy::sample;
use sea_orm::ConnectionTrait;
use store::{Chain, KeyFilter, Page, Person, StoreError};

use crate::platform::put_platform;
use crate::world::{ALL, NOW, World, key};

fn team(org: OrgId, number: u128) -> Team {
    Team { id: TeamId::new(NOW, number), org, name: format!("team {number}"), cost_centre: None }
}

pub(crate) fn strict() -> Rules {
    Rules {
        allowed_models: Some(vec!["openai/*".to_owned()]),
        ignored_models: vec!["openai/gpt-4o".to_owned()],
        allowed_providers: Some(Vec::new()),
        ignored_providers: vec!["anthropic".to_owned()],
        zdr: true,
        no_training: true,
        output_cap: Some(100),
        unaffordable: Some(Unaffordable::Reject),
        unknown_price: Some(UnknownPrice::Block),
        default_model: Some("openai/gpt-5-mini".to_owned()),
        rates: vec![
            Rate { unit: RateUnit::TokensPerMinute, limit: 1_000, models: None },
            Rate { unit: RateUnit::Concurrent, limit: 5, models: Some("openai/*".to_owned()) },
        ],
    }
}

async fn actions(world: &World) -> Vec<String> {
    let entries = world.ours.scope.audit(&ALL).await.unwrap().items;
    entries.into_iter().rev().map(|entry| entry.action).collect()
}

fn by_reference(records: OrgRecords) -> HashMap<ObjectRef, OrgObject> {
    records.objects.into_iter().map(|object| (object.reference(), object)).collect()
}

async fn records(world: &World) -> OrgRecords {
    world.store.load_records(world.ours.org.id).await.unwrap().unwrap()
}

pub(crate) async fn every_write_commits_with_a_revision_a_change_and_an_audit_row(world: World) {
    put_platform(&world).await;
    let (ours, org) = (&world.ours, world.ours.org.id);
    let (budget, _) = ours.budget(1, BudgetScope::Team(ours.team.id), 1_000).await;
    let policy =
        Policy { id: PolicyId::new(NOW, 1), layer: Layer::Org, name: "p".to_owned(), rules: strict() };
    let credential = sample::credential(1, Some(org), "openai");
    let provider = sample::platform().providers[0].slug.clone();
    let credential = Credential { provider, ..credential };
    let person = Person {
        id: PersonId::new(NOW, 8),
        email: "m@example.org".to_owned(),
        name: "M".to_owned(),
        password_hash: "secret hash".to_owned(),
    };
    let member =
        Member { id: MemberId::new(NOW, 8), org, person: person.id, role: Role::Finance, team: None };
    macro_rules! write {
        ($before:expr, $object:expr, |$tx:ident| $write:expr) => {{
            let revision = ours.revision(&world.store).await;
            let mut $tx = ours.begin().await;
            $write.await.unwrap();
            assert_eq!($tx.commit().await.unwrap(), revision + 1, "{}", $before);
            assert_eq!(actions(&world).await.last().map(String::as_str), Some($before));
            let change = world.store.load_change(org, revision).await.unwrap().unwrap();
            let told: Vec<_> = change.put.iter().map(OrgObject::reference).chain(change.removed).collect();
            assert_eq!(told, [$object], "{}", $before);
        }};
    }
    write!("update_org", ObjectRef::Org(org), |tx| tx.update_org(&Org { id: org, name: "new".to_owned() }));
    write!("create_team", ObjectRef::Team(team(org, 8).id), |tx| tx.insert_team(&team(org, 8)));
    write!("update_team", ObjectRef::Team(ours.team.id), |tx| tx.update_team(&ours.team));
    let mut tx = ours.begin().await;
    tx.insert_person(&person).await.unwrap();
    tx.insert_member(&member).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        actions(&world).await.iter().rev().take(2).collect::<Vec<_>>(),
        ["create_member", "create_person"]
    );
    write!("update_member", ObjectRef::Member(member.id), |tx| tx.update_member(&member));
    write!("remove_member", ObjectRef::Member(member.id), |tx| tx.remove_member(member.id));
    write!("create_key", ObjectRef::Key(key(org, 8).id), |tx| tx.insert_key(&key(org, 8)));
    write!("update_key", ObjectRef::Key(ours.key.id), |tx| tx.update_key(&ours.key));
    write!("update_budget", ObjectRef::Budget(budget.id), |tx| tx.update_budget(&budget));
    write!("remove_budget", ObjectRef::Budget(budget.id), |tx| tx.remove_budget(budget.id));
    write!("create_policy", ObjectRef::Policy(policy.id), |tx| tx.insert_policy(&policy));
    write!("update_policy", ObjectRef::Policy(policy.id), |tx| tx.update_policy(&policy));
    write!("remove_policy", ObjectRef::Policy(policy.id), |tx| tx.remove_policy(policy.id));
    let place = ObjectRef::Credential(credential.id);
    write!("create_credential", place, |tx| tx.insert_credential(&credential));
    write!("update_credential", place, |tx| tx.update_credential(&credential));
    write!("remove_credential", place, |tx| tx.remove_credential(credential.id));
    let log = ours.scope.audit(&ALL).await.unwrap().items;
    assert!(log.iter().all(|entry| entry.actor_kind == "person" || entry.actor_kind == "system"));
    let sealed = hex::encode(&credential.sealed.0);
    let leaks = |entry: &store::AuditEntry| {
        entry.detail.contains("secret hash")
            || entry.detail.contains(&sealed)
            || entry.detail.contains("m@example.org")
    };
    assert!(!log.iter().any(leaks), "{log:?}");
    assert!(
        matches!(ours.scope.verify_audit().await.unwrap(), Chain::Intact { links, .. } if links == log.len() as u64)
    );
}

pub(crate) async fn a_change_that_is_not_committed_leaves_nothing(world: World) {
    let before = (records(&world).await, actions(&world).await);
    let mut tx = world.ours.begin().await;
    tx.insert_team(&team(world.ours.org.id, 8)).await.unwrap();
    drop(tx);
    assert_eq!((records(&world).await, actions(&world).await), before);
    let nothing = world.ours.begin().await;
    assert_eq!(nothing.commit().await.unwrap(), 1, "a change of nothing is no revision");
    assert_eq!((records(&world).await, actions(&world).await), before);
}

pub(crate) async fn a_refused_write_leaves_nothing_of_the_change(world: World) {
    let before = records(&world).await;
    let mut tx = world.ours.begin().await;
    tx.insert_team(&team(world.ours.org.id, 8)).await.unwrap();
    let twice = tx.insert_key(&world.ours.key).await;
    assert!(matches!(twice, Err(StoreError::Conflict("this key exists"))));
    drop(tx);
    assert_eq!(records(&world).await, before);
}

pub(crate) async fn objects_read_back_as_they_were_written(world: World) {
    put_platform(&world).await;
    let (ours, org) = (&world.ours, world.ours.org.id);
    let rotated = domain::key::Key {
        previous: Some((KeyHash([7; 32]), NOW.plus_seconds(60))),
        expires_at: Some(NOW.plus_seconds(90)),
        revoked_at: Some(NOW),
        requests_per_minute: Some(60),
        ..ours.key.clone()
    };
    let layers =
        [Layer::Org, Layer::Team(ours.team.id), Layer::Member(ours.owner.id), Layer::Key(ours.key.id)];
    let provider = sample::platform().providers[0].slug.clone();
    let credential = Credential {
        id: CredentialId::new(NOW, 1),
        org: Some(org),
        provider,
        label: "own".to_owned(),
        version: 3,
        sealed: Sealed(vec![0, 255, 7]),
    };
    let mut tx = ours.begin().await;
    tx.update_key(&rotated).await.unwrap();
    for (number, layer) in (0..).zip(layers) {
        let rules = if number == 0 { Rules::default() } else { strict() };
        let policy = Policy { id: PolicyId::new(NOW, number), layer, name: format!("p{number}"), rules };
        tx.insert_policy(&policy).await.unwrap();
    }
    tx.insert_credential(&credential).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ours.scope.key(rotated.id).await.unwrap(), rotated);
    assert_eq!(ours.scope.credential(credential.id).await.unwrap(), credential);
    let policies = ours.scope.policies(&ALL).await.unwrap().items;
    assert_eq!(policies.iter().map(|policy| policy.layer).collect::<Vec<_>>(), layers);
    assert_eq!((&policies[0].rules, &policies[1].rules), (&Rules::default(), &strict()));
    for hash in [rotated.hash, KeyHash([7; 32])] {
        assert_eq!(world.store.key_by_hash(&hash).await.unwrap(), Some(rotated.clone()));
    }
    assert_eq!(world.store.key_by_hash(&KeyHash([9; 32])).await.unwrap(), None);
    assert_eq!(world.store.memberships(ours.owner.person).await.unwrap(), std::slice::from_ref(&ours.owner));
    assert_eq!(ours.scope.org().await.unwrap(), ours.org);
    let expected = [
        OrgObject::Org(ours.org.clone()),
        OrgObject::Team(ours.team.clone()),
        OrgObject::Member(ours.owner.clone()),
        OrgObject::Key(rotated),
        OrgObject::Credential(credential),
    ];
    let all = by_reference(records(&world).await);
    assert_eq!(all.len(), expected.len() + layers.len());
    for object in expected {
        assert_eq!(all.get(&object.reference()), Some(&object));
    }
}

pub(crate) async fn the_changes_lead_from_one_snapshot_to_the_next(world: World) {
    let (ours, org) = (&world.ours, world.ours.org.id);
    let before = records(&world).await;
    let mut tx = ours.begin().await;
    tx.insert_team(&team(org, 8)).await.unwrap();
    tx.insert_team(&team(org, 9)).await.unwrap();
    tx.commit().await.unwrap();
    let (budget, _) = ours.budget(1, BudgetScope::Org, 5).await;
    let mut tx = ours.begin().await;
    tx.remove_budget(budget.id).await.unwrap();
    tx.update_team(&Team { name: "renamed".to_owned(), ..team(org, 8) }).await.unwrap();
    tx.commit().await.unwrap();
    let change = world.store.load_change(org, before.revision).await.unwrap().unwrap();
    let after = records(&world).await;
    assert_eq!((change.epoch, change.previous, change.revision), (after.epoch, 1, 4));
    assert_eq!(change.removed, [ObjectRef::Budget(budget.id)]);
    assert_eq!(change.put.len(), 2, "each object once, as it is now");
    let mut applied = by_reference(before);
    applied.extend(change.put.into_iter().map(|object| (object.reference(), object)));
    applied.retain(|reference, _| !change.removed.contains(reference));
    assert_eq!(applied, by_reference(after));
}

pub(crate) async fn a_change_from_a_revision_that_is_not_known_is_none(world: World) {
    let (ours, org) = (&world.ours, world.ours.org.id);
    for number in 0..3 {
        let mut tx = ours.begin().await;
        tx.insert_team(&team(org, 10 + number)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(world.store.load_change(org, 1).await.unwrap().is_some());
    assert!(world.store.load_change(org, 5).await.unwrap().is_none(), "a revision from another epoch");
    assert!(world.store.load_change(OrgId::new(NOW, 99), 0).await.unwrap().is_none());
    assert!(world.store.load_records(OrgId::new(NOW, 99)).await.unwrap().is_none());
    let cut = format!("DELETE FROM policy_changes WHERE org_id = '{org}' AND revision <= 2");
    world.sql().await.execute_unprepared(&cut).await.unwrap();
    assert!(world.store.load_change(org, 1).await.unwrap().is_none());
    assert!(world.store.load_change(org, 2).await.unwrap().is_some());
}

pub(crate) async fn concurrent_changes_of_an_org_get_a_revision_each(world: World) {
    let (ours, org) = (&world.ours, world.ours.org.id);
    let change = |number: u128| async move {
        let mut tx = ours.begin().await;
        tx.insert_team(&team(org, 20 + number)).await.unwrap();
        tx.commit().await.unwrap()
    };
    let mut revisions = join_all((0..10).map(change)).await;
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=11).collect::<Vec<_>>());
    assert_eq!(world.store.load_change(org, 1).await.unwrap().unwrap().put.len(), 10);
    assert!(matches!(ours.scope.verify_audit().await.unwrap(), Chain::Intact { .. }));
}

pub(crate) async fn what_was_published_is_not_dirty(world: World) {
    let store = &world.store;
    let dirty = store.dirty_orgs().await.unwrap();
    assert_eq!(
        dirty.iter().map(|dirty| (dirty.published, dirty.revision)).collect::<Vec<_>>(),
        [(0, 1), (0, 1)]
    );
    store.mark_published(world.ours.org.id, 1).await.unwrap();
    store.mark_published(world.ours.org.id, 0).await.unwrap();
    let dirty = store.dirty_orgs().await.unwrap();
    assert_eq!(dirty.iter().map(|dirty| dirty.org).collect::<Vec<_>>(), [world.theirs.org.id]);
    let before = store.heartbeat().await.unwrap();
    assert_eq!((before.orgs, before.revisions, before.platform), (2, 2, 0));
    assert_eq!(before.epoch, NOW.as_seconds().unsigned_abs());
    put_platform(&world).await;
    world.ours.budget(1, BudgetScope::Org, 1).await;
    let after = store.heartbeat().await.unwrap();
    assert_eq!((after.epoch, after.orgs, after.revisions, after.platform), (before.epoch, 2, 3, 1));
    store.mark_platform_published(1).await.unwrap();
    let version = store.platform_version().await.unwrap();
    assert_eq!((version.revision, version.published), (1, 1));
}

pub(crate) async fn the_last_owner_stays(world: World) {
    let ours = &world.ours;
    let demoted = Member { role: Role::Admin, ..ours.owner.clone() };
    let refused = ours.begin().await.update_member(&demoted).await;
    assert!(matches!(refused, Err(StoreError::Conflict("an organization keeps at least one owner"))));
    assert!(matches!(ours.begin().await.remove_member(ours.owner.id).await, Err(StoreError::Conflict(_))));
    let other =
        Member { id: MemberId::new(NOW, 50), person: world.theirs.owner.person, ..ours.owner.clone() };
    let mut tx = ours.begin().await;
    tx.insert_member(&other).await.unwrap();
    tx.remove_member(ours.owner.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ours.scope.owners().await.unwrap(), [other.id]);
    assert!(matches!(ours.scope.member(ours.owner.id).await, Err(StoreError::NotFound)));
    // Who left can come back, and nobody is a member twice.
    let back = Member { id: MemberId::new(NOW, 51), ..ours.owner.clone() };
    let mut tx = ours.begin().await;
    tx.insert_member(&back).await.unwrap();
    let twice = tx.insert_member(&Member { id: MemberId::new(NOW, 52), ..back }).await;
    assert!(matches!(twice, Err(StoreError::Conflict("this person is a member already"))));
}

pub(crate) async fn a_policy_that_cannot_be_read_is_an_error_that_names_it(world: World) {
    let policy =
        Policy { id: PolicyId::new(NOW, 1), layer: Layer::Org, name: "p".to_owned(), rules: strict() };
    let mut tx = world.ours.begin().await;
    tx.insert_policy(&policy).await.unwrap();
    tx.commit().await.unwrap();
    let sql = world.sql().await;
    for damage in ["rules = '{}'", "layer = 'galaxy'", "layer = 'team'"] {
        sql.execute_unprepared(&format!("UPDATE policies SET {damage}")).await.unwrap();
        let error = world.store.load_records(world.ours.org.id).await.unwrap_err().to_string();
        assert!(error.contains(&format!("policies {} cannot be read", policy.id)), "{damage}: {error}");
    }
}

pub(crate) async fn a_list_goes_on_where_the_page_before_ended(world: World) {
    let (ours, org) = (&world.ours, world.ours.org.id);
    let mut tx = ours.begin().await;
    for number in 10..15 {
        tx.insert_key(&key(org, number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = ours.scope.keys(KeyFilter::default(), &Page { after, first: 4 }).await.unwrap();
        after = page.items.last().map(|key| key.id.to_string());
        seen.extend(page.items.iter().map(|key| key.name.clone()));
        assert!(page.items.len() <= 4);
        if !page.has_next {
            break;
        }
    }
    assert_eq!(seen, ["key 1", "key 10", "key 11", "key 12", "key 13", "key 14"]);
    let of_team = KeyFilter { team: Some(ours.team.id), ..KeyFilter::default() };
    assert_eq!(ours.scope.keys(of_team, &ALL).await.unwrap().items, std::slice::from_ref(&ours.key));
    let of_nobody = KeyFilter { member: Some(MemberId::new(NOW, 99)), team: None };
    assert!(ours.scope.keys(of_nobody, &ALL).await.unwrap().items.is_empty());
    let newest = ours.scope.audit(&Page { after: None, first: 2 }).await.unwrap();
    let older =
        ours.scope.audit(&Page { after: Some(newest.items[1].seq.to_string()), first: 1 }).await.unwrap();
    assert_eq!(older.items[0].seq + 1, newest.items[1].seq);
}
